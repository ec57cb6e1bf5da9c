//! The header of NIfTI-1 and NIfTI-2 (R. W. Cox et al., nifti1.h, 2004; nifti2.h, 2011).
//!
//! A parser of our own: the `nifti` crate 0.18 refuses NIfTI-2, and where `scl_slope` is NaN, as nibabel writes it, it
//! turns every voxel into NaN.

use super::LabelFault;
use super::affine::VoxelToPatient;
use super::number::{LinearMap, NumberFormat, NumberType};
use super::volume::VolumeSize;

/// A NIfTI header as far as labels need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NiftiHeader {
    pub(super) size: VolumeSize,
    pub(super) format: NumberFormat,
    pub(super) scaling: Option<LinearMap>,
    /// Offset of the first voxel in the file.
    pub(super) voxels_at: u64,
    /// By `sform_code`, else by `qform_code`; `None` where both are 0.
    pub(super) geometry: Option<VoxelToPatient>,
    /// Voxels by which the sform and the qform place a corner of the volume differently, at most; 0 where only one has a
    /// code above 0.
    pub(super) forms_apart: f64,
}

/// Bytes of the header of NIfTI-1.
pub(super) const NIFTI_1: usize = 348;
/// Bytes of the header of NIfTI-2.
pub(super) const NIFTI_2: usize = 540;

/// Bytes of the header that begins with `first`, at least four bytes.
pub(super) fn header_length(first: &[u8]) -> Result<usize, LabelFault> {
    let not_nifti = LabelFault::NotThisFormat { format: "NIfTI" };
    let Some(&[a, b, c, d]) = first.first_chunk() else { return Err(not_nifti) };
    [NIFTI_1, NIFTI_2]
        .into_iter()
        .find(|&length| [[a, b, c, d], [d, c, b, a]].contains(&(length as u32).to_le_bytes()))
        .ok_or(not_nifti)
}

impl NiftiHeader {
    /// Reads a header of [`NIFTI_1`] or [`NIFTI_2`] bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, LabelFault> {
        let version_2 = bytes.len() == NIFTI_2;
        let big_endian = bytes[0] == 0;
        let fields = Fields { bytes, big_endian };
        check_magic(if version_2 { &bytes[4..8] } else { &bytes[344..348] })?;
        let layout = if version_2 { &LAYOUT_2 } else { &LAYOUT_1 };
        let dim = [0, 1, 2, 3, 4, 5, 6, 7].map(|index| fields.integer(layout.dim, index, version_2));
        let kind = number_type(i64::from(fields.i16(layout.datatype)))?;
        let voxels_at = fields.offset(version_2)?;
        let (size, geometry) = (size(dim)?, geometry(&fields, layout, version_2)?);
        let forms_apart =
            geometry.map_or(0.0, |taken| forms_apart(&fields, layout, version_2, &taken, size.voxels));
        Ok(Self {
            size,
            format: NumberFormat { kind, big_endian },
            scaling: scaling(
                fields.real(layout.slope, 0, version_2),
                fields.real(layout.intercept, 0, version_2),
            )?,
            voxels_at: voxels_at.max(bytes.len() as u64),
            geometry,
            forms_apart,
        })
    }
}

/// Offsets of fields in a header.
struct FieldLayout {
    dim: usize,
    datatype: usize,
    pixdim: usize,
    slope: usize,
    intercept: usize,
    units: usize,
    qform: usize,
    sform: usize,
    quatern: usize,
    offset: usize,
    srow: usize,
}

const LAYOUT_1: FieldLayout = FieldLayout {
    dim: 40,
    datatype: 70,
    pixdim: 76,
    slope: 112,
    intercept: 116,
    units: 123,
    qform: 252,
    sform: 254,
    quatern: 256,
    offset: 268,
    srow: 280,
};

const LAYOUT_2: FieldLayout = FieldLayout {
    dim: 16,
    datatype: 12,
    pixdim: 104,
    slope: 176,
    intercept: 184,
    units: 500,
    qform: 344,
    sform: 348,
    quatern: 352,
    offset: 376,
    srow: 400,
};

/// Numbers of a header in its byte order.
struct Fields<'b> {
    bytes: &'b [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn read<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut number = [0; N];
        number.copy_from_slice(&self.bytes[at..at + N]);
        if self.big_endian {
            number.reverse();
        }
        number
    }

    fn i16(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.read(at))
    }

    /// A code: 16 bits in NIfTI-1, 32 in NIfTI-2.
    fn code(&self, at: usize, version_2: bool) -> i64 {
        if version_2 { i32::from_le_bytes(self.read(at)).into() } else { self.i16(at).into() }
    }

    /// An element of an array of integers: 16 bits in NIfTI-1, 64 in NIfTI-2.
    fn integer(&self, at: usize, index: usize, version_2: bool) -> i64 {
        if version_2 {
            i64::from_le_bytes(self.read(at + 8 * index))
        } else {
            self.i16(at + 2 * index).into()
        }
    }

    /// An element of an array of reals: binary32 in NIfTI-1, binary64 in NIfTI-2.
    fn real(&self, at: usize, index: usize, version_2: bool) -> f64 {
        if version_2 {
            f64::from_le_bytes(self.read(at + 8 * index))
        } else {
            f32::from_le_bytes(self.read(at + 4 * index)).into()
        }
    }

    fn offset(&self, version_2: bool) -> Result<u64, LabelFault> {
        if version_2 {
            let offset = i64::from_le_bytes(self.read(168));
            return u64::try_from(offset).map_err(|_| LabelFault::header("vox_offset", offset));
        }
        let offset = f32::from_le_bytes(self.read(108));
        if (0.0..1e9).contains(&offset) {
            Ok(offset as u64)
        } else {
            Err(LabelFault::header("vox_offset", offset))
        }
    }
}

fn check_magic(magic: &[u8]) -> Result<(), LabelFault> {
    match magic {
        b"n+1\0" | b"n+2\0" => Ok(()),
        b"ni1\0" | b"ni2\0" => Err(LabelFault::unsupported(
            "the voxels stand in a separate .img file",
            "save the labels as one .nii or .nii.gz file",
        )),
        _ => Err(LabelFault::unsupported(
            "the file is Analyze 7.5, which does not say where it lies in the patient",
            "save the labels as NIfTI with the geometry of their images",
        )),
    }
}

fn size([axes, i, j, k, phases, rest @ ..]: [i64; 8]) -> Result<VolumeSize, LabelFault> {
    let used = usize::try_from(axes).ok().filter(|axes| (1..=7).contains(axes));
    let used = used.ok_or_else(|| LabelFault::header("dim[0]", axes))?;
    let side = |axis: usize, length: i64| {
        if axis > used {
            return Ok(1);
        }
        let length = usize::try_from(length).ok().filter(|&length| length > 0);
        length.ok_or_else(|| LabelFault::header("dim", format!("{i}, {j}, {k}, {phases}")))
    };
    for (axis, length) in (5..).zip(rest) {
        if axis <= used && length > 1 {
            return Err(LabelFault::unsupported(
                format!("the volume has {length} values a voxel"),
                "a label map has one value a voxel",
            ));
        }
    }
    Ok(VolumeSize { voxels: [side(1, i)?, side(2, j)?, side(3, k)?], phases: side(4, phases)?, layers: 1 })
}

fn number_type(datatype: i64) -> Result<NumberType, LabelFault> {
    Ok(match datatype {
        2 => NumberType::U8,
        4 => NumberType::I16,
        8 => NumberType::I32,
        16 => NumberType::F32,
        64 => NumberType::F64,
        256 => NumberType::I8,
        512 => NumberType::U16,
        768 => NumberType::U32,
        1024 => NumberType::I64,
        1280 => NumberType::U64,
        128 | 2304 => {
            let found = "the voxels are colours";
            return Err(LabelFault::unsupported(found, "save labels as integers"));
        }
        1 | 32 | 1536 | 1792 | 2048 => {
            let found = format!("the voxels have datatype {datatype}");
            return Err(LabelFault::unsupported(found, "save labels as integers"));
        }
        _ => return Err(LabelFault::header("datatype", datatype)),
    })
}

/// The scaling; `None` where there is none: the slope is 0 or no number, whatever the intercept.
fn scaling(slope: f64, intercept: f64) -> Result<Option<LinearMap>, LabelFault> {
    if slope == 0.0 || !slope.is_finite() || (slope == 1.0 && intercept == 0.0) {
        return Ok(None);
    }
    if !intercept.is_finite() {
        return Err(LabelFault::header("scl_inter", intercept));
    }
    Ok(Some(LinearMap { slope, intercept }))
}

fn geometry(
    fields: &Fields<'_>,
    layout: &FieldLayout,
    version_2: bool,
) -> Result<Option<VoxelToPatient>, LabelFault> {
    let (field, ras) = if fields.code(layout.sform, version_2) > 0 {
        ("sform", sform(fields, layout, version_2))
    } else if fields.code(layout.qform, version_2) > 0 {
        ("qform", qform(fields, layout, version_2))
    } else {
        return Ok(None);
    };
    let ras = in_mm(ras, fields, layout, version_2);
    let map = VoxelToPatient::from_ras(ras).ok_or_else(|| LabelFault::header(field, format!("{ras:?}")))?;
    Ok(Some(map))
}

/// A matrix in the unit that xyzt_units says: 1 is metres, 3 micrometres, 2 millimetres; 0 is not said, and millimetres then.
fn in_mm(
    mut ras: [[f64; 4]; 3],
    fields: &Fields<'_>,
    layout: &FieldLayout,
    version_2: bool,
) -> [[f64; 4]; 3] {
    let units = if version_2 { fields.read::<4>(layout.units)[0] } else { fields.bytes[layout.units] };
    let to_mm = match units & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    };
    ras.iter_mut().flatten().for_each(|number| *number *= to_mm);
    ras
}

/// [`NiftiHeader::forms_apart`] of a volume that lies as `taken` says.
fn forms_apart(
    fields: &Fields<'_>,
    layout: &FieldLayout,
    version_2: bool,
    taken: &VoxelToPatient,
    voxels: [usize; 3],
) -> f64 {
    let is_set = |code: usize| fields.code(code, version_2) > 0;
    if !(is_set(layout.sform) && is_set(layout.qform)) {
        return 0.0;
    }
    let other = in_mm(qform(fields, layout, version_2), fields, layout, version_2);
    // A form that is no map of a volume places nothing.
    let Some(other) = VoxelToPatient::from_ras(other) else { return 0.0 };
    let corner = |number: usize| [0, 1, 2].map(|axis| ((number >> axis & 1) * (voxels[axis] - 1)) as f64);
    let apart = |corner: [f64; 3]| {
        let there = taken.voxel(other.patient(corner));
        [0, 1, 2].map(|axis| (there[axis] - corner[axis]).abs()).into_iter().fold(0.0, f64::max)
    };
    (0..8).map(|number| apart(corner(number))).fold(0.0, f64::max)
}

fn sform(fields: &Fields<'_>, layout: &FieldLayout, version_2: bool) -> [[f64; 4]; 3] {
    let row = |row: usize| [0, 1, 2, 3].map(|index| fields.real(layout.srow, row * 4 + index, version_2));
    [row(0), row(1), row(2)]
}

/// The matrix of the quaternion (nifti1.h, method 2).
fn qform(fields: &Fields<'_>, layout: &FieldLayout, version_2: bool) -> [[f64; 4]; 3] {
    let [mut b, mut c, mut d] = [0, 1, 2].map(|index| fields.real(layout.quatern, index, version_2));
    let [factor, di, dj, dk] = [0, 1, 2, 3].map(|index| fields.real(layout.pixdim, index, version_2));
    let [x, y, z] = [0, 1, 2].map(|index| fields.real(layout.offset, index, version_2));
    let squares = b * b + c * c + d * d;
    let mut a = (1.0 - squares).max(0.0).sqrt();
    if 1.0 - squares < 1e-7 {
        let length = squares.sqrt();
        (a, b, c, d) = (0.0, b / length, c / length, d / length);
    }
    let dk = if factor < 0.0 { -dk } else { dk };
    let spacing = |[i, j, k]: [f64; 3], offset: f64| [i * di, j * dj, k * dk, offset];
    [
        spacing([a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)], x),
        spacing([2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)], y),
        spacing([2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - c * c - b * b], z),
    ]
}
