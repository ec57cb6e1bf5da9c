//! Label maps as NIfTI-1 and NIfTI-2, plain or gzip.

use super::gzip::MaybeGzip;
use super::nifti_header::{NIFTI_1, NiftiHeader, header_length};
use super::volume::LabelVolume;
use super::{LabelError, LabelFault};
use crate::source::Limits;

/// Reads the label map in `file`, which is `bytes` of `.nii` or `.nii.gz`.
///
/// The grid lies in the patient as the sform says where its code is above 0, else as the qform says, from RAS to DICOM's
/// LPS. Values are scaled where `scl_slope` is a number other than 0. Labels take a byte of memory each, and more where
/// one does not fit.
///
/// # Errors
/// [`LabelError`] where it is no NIfTI, cut or damaged, of a number type or shape that no label map has, with a value that
/// is no whole number, or beyond `limits`.
pub fn parse_nifti(file: &str, bytes: &[u8], limits: &Limits) -> Result<LabelVolume, LabelError> {
    parse(bytes, limits).map_err(|fault| fault.in_file(file))
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<LabelVolume, LabelFault> {
    let mut source = MaybeGzip::new(bytes, limits)?;
    let mut header = source.header(NIFTI_1, "NIfTI")?;
    let length = header_length(&header)?;
    header.extend(source.header(length - NIFTI_1, "NIfTI")?);
    let NiftiHeader { size, format, scaling, voxels_at, geometry, forms_apart } =
        NiftiHeader::parse(&header)?;

    let limit = limits.max_image_bytes;
    let over = |bytes: u64| LabelFault::OverLimit { what: "the label map in memory", bytes, limit };
    let count = size.count().ok_or_else(|| over(u64::MAX))?;
    let needed = (count as u64).saturating_mul(format.kind.size() as u64);
    let ahead = voxels_at - length as u64;
    source.check_plausible(needed.saturating_add(ahead), bytes.len() as u64)?;
    source.skip(ahead)?;
    let values = format.read_labels(&mut source, count, scaling, limit)?;
    source.finish()?;
    Ok(LabelVolume { size, values, geometry, segments: Vec::new(), cropped: false, forms_apart })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::source::labels::nifti_header::NIFTI_2;
    use crate::source::labels::volume::VolumeSize;

    /// A NIfTI-1 of 2 × 3 × 2 bytes, without geometry.
    fn nifti_1(voxels: &[u8]) -> Vec<u8> {
        let mut file = vec![0; 352];
        file[..4].copy_from_slice(&348_i32.to_le_bytes());
        for (index, dim) in [3_i16, 2, 3, 2, 1, 1, 1, 1].into_iter().enumerate() {
            file[40 + 2 * index..42 + 2 * index].copy_from_slice(&dim.to_le_bytes());
        }
        file[70..72].copy_from_slice(&2_i16.to_le_bytes());
        file[72..74].copy_from_slice(&8_i16.to_le_bytes());
        file[108..112].copy_from_slice(&352_f32.to_le_bytes());
        file[344..348].copy_from_slice(b"n+1\0");
        file.extend(voxels);
        file
    }

    fn put(file: &mut [u8], at: usize, numbers: &[f32]) {
        for (index, number) in numbers.iter().enumerate() {
            file[at + 4 * index..at + 4 * index + 4].copy_from_slice(&number.to_le_bytes());
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    const VOXELS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

    fn read(file: &[u8]) -> Result<LabelVolume, LabelFault> {
        parse(file, &Limits::default())
    }

    #[test]
    fn voxels_run_along_the_first_axis() {
        for file in [nifti_1(&VOXELS), gzip(&nifti_1(&VOXELS))] {
            let volume = read(&file).unwrap();
            assert_eq!(volume.size(), VolumeSize { voxels: [2, 3, 2], phases: 1, layers: 1 });
            assert_eq!((volume.label([1, 2, 1], 0, 0), volume.label([0, 1, 0], 0, 0)), (11, 2));
            assert_eq!(volume.geometry(), None);
        }
    }

    #[test]
    fn the_second_version_is_the_same_with_wider_fields() {
        for big_endian in [false, true] {
            let mut file = vec![0; 544];
            let mut put = |at: usize, number: &[u8]| {
                let mut number = number.to_vec();
                if big_endian {
                    number.reverse();
                }
                file[at..at + number.len()].copy_from_slice(&number);
            };
            put(0, &540_i32.to_le_bytes());
            put(12, &1024_i16.to_le_bytes());
            for (index, dim) in [3_i64, 2, 1, 1].into_iter().enumerate() {
                put(16 + 8 * index, &dim.to_le_bytes());
            }
            put(168, &544_i64.to_le_bytes());
            put(176, &f64::NAN.to_le_bytes());
            put(348, &1_i32.to_le_bytes());
            for (index, number) in
                [-2.0_f64, 0.0, 0.0, 5.0, 0.0, -3.0, 0.0, 6.0, 0.0, 0.0, 4.0, 7.0].into_iter().enumerate()
            {
                put(400 + 8 * index, &number.to_le_bytes());
            }
            file[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
            for label in [5_i64, -7] {
                file.extend(if big_endian { label.to_be_bytes() } else { label.to_le_bytes() });
            }
            assert_eq!(header_length(&file), Ok(NIFTI_2));
            let volume = read(&file).unwrap();
            assert_eq!((volume.label([0, 0, 0], 0, 0), volume.label([1, 0, 0], 0, 0)), (5, -7));
            assert_eq!(volume.geometry().unwrap().voxel([-3.0, -3.0, 11.0]), [1.0, 1.0, 1.0]);
        }
    }

    #[test]
    fn the_sform_goes_before_the_qform() {
        let mut file = nifti_1(&VOXELS);
        // qform: half a turn about z, voxels of 2, 3 and 4 mm, and k the other way.
        put(&mut file, 76, &[-1.0, 2.0, 3.0, 4.0]);
        put(&mut file, 256, &[0.0, 0.0, 1.0, 10.0, 20.0, 30.0]);
        file[252] = 1;
        let turned = read(&file).unwrap();
        assert_eq!(turned.forms_apart, 0.0);
        // RAS (10 - 2, 20 - 3, 30 - 4) is LPS (-8, -17, 26).
        assert_eq!(turned.geometry().unwrap().voxel([-8.0, -17.0, 26.0]), [1.0, 1.0, 1.0]);
        file[254] = 2;
        put(&mut file, 280, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(read(&file).unwrap().geometry().unwrap().voxel([-8.0, -17.0, 26.0]), [8.0, 17.0, 26.0]);
        // Voxel (0, 0, 0) is at RAS (0, 0, 0) by the one, and (10, 20, 30) by the other.
        assert_eq!(read(&file).unwrap().forms_apart, 30.0);
        put(&mut file, 280, &[-2.0, 0.0, 0.0, 10.0, 0.0, -3.0, 0.0, 20.0, 0.0, 0.0, -4.0, 30.0]);
        assert!(read(&file).unwrap().forms_apart < 1e-6);
        put(&mut file, 280, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        // In metres.
        file[123] = 1;
        assert_eq!(read(&file).unwrap().geometry().unwrap().voxel([-8000.0, 0.0, 0.0]), [8.0, 0.0, 0.0]);
        put(&mut file, 280, &[0.0; 4]);
        assert!(read(&file).unwrap_err().to_string().starts_with("the header's sform is [["));
        file[254] = 0;
        assert_eq!(read(&file).unwrap().forms_apart, 0.0);
    }

    #[test]
    fn no_slope_is_no_scaling() {
        let mut file = nifti_1(&VOXELS);
        for (slope, intercept, label) in
            [(0.0, 100.0, 11), (f32::NAN, f32::NAN, 11), (f32::NAN, 3.0, 11), (1.0, 0.0, 11), (2.0, 1.0, 23)]
        {
            put(&mut file, 112, &[slope, intercept]);
            assert_eq!(read(&file).unwrap().label([1, 2, 1], 0, 0), label, "{slope} {intercept}");
        }
        put(&mut file, 112, &[0.5, 0.0]);
        assert_eq!(read(&file).unwrap_err(), LabelFault::NotWhole { index: 1, value: 0.5 });
        put(&mut file, 112, &[2.0, f32::NAN]);
        assert_eq!(read(&file).unwrap_err(), LabelFault::header("scl_inter", "NaN"));
    }

    #[test]
    fn the_fourth_axis_is_time_and_a_fifth_is_refused() {
        let mut file = nifti_1(&VOXELS);
        file[40] = 4;
        (file[46], file[48]) = (1, 2);
        let volume = read(&file).unwrap();
        assert_eq!(volume.size(), VolumeSize { voxels: [2, 3, 1], phases: 2, layers: 1 });
        assert_eq!(volume.label([1, 2, 0], 1, 0), 11);
        (file[40], file[48], file[50]) = (5, 1, 2);
        assert!(read(&file).unwrap_err().to_string().contains("2 values a voxel"));
    }

    #[test]
    fn other_files_are_refused_by_name() {
        let with = |at: usize, bytes: &[u8]| {
            let mut file = nifti_1(&VOXELS);
            file[at..at + bytes.len()].copy_from_slice(bytes);
            read(&file).unwrap_err().to_string()
        };
        assert!(with(344, b"ni1\0").contains("separate .img file"));
        assert!(with(344, b"\0\0\0\0").contains("Analyze 7.5"));
        assert!(with(0, b"\x89PNG").contains("not a NIfTI file"));
        assert!(with(70, &[128, 0]).contains("colours"));
        assert!(with(70, &[99, 0]).contains("datatype is 99"));
        assert!(with(42, &[0, 0]).contains("dim is 0, 3, 2, 1"));
        assert!(with(40, &[9, 0]).contains("dim[0] is 9"));
        assert_eq!(
            read(&[0; 100]).unwrap_err().to_string(),
            "the NIfTI file is damaged: the file ends in its header"
        );
    }

    #[test]
    fn sizes_are_held_against_the_bytes_and_the_limits() {
        let mut file = nifti_1(&VOXELS[..11]);
        assert_eq!(read(&file), Err(LabelFault::Cut { present: 11, needed: 12 }));
        let cut = gzip(&nifti_1(&VOXELS));
        assert!(matches!(
            read(&cut[..cut.len() - 9]),
            Err(LabelFault::Cut { .. } | LabelFault::Damaged { .. })
        ));
        let mut wrong_sum = gzip(&nifti_1(&VOXELS));
        let sum = wrong_sum.len() - 6;
        wrong_sum[sum] ^= 1;
        assert!(matches!(read(&wrong_sum), Err(LabelFault::Damaged { format: "gzip", .. })));
        // As many voxels as 16 bits can say, of 12 bytes.
        for at in [42, 44, 46] {
            file[at..at + 2].copy_from_slice(&30_000_i16.to_le_bytes());
        }
        assert!(matches!(read(&gzip(&file)), Err(LabelFault::Implausible { .. })));

        // 200 KiB of one value inflate from a few bytes: harmless, and over a low limit.
        let mut zeros = nifti_1(&vec![0; 200 << 10]);
        for (at, dim) in [(42, 400_i16), (44, 512), (46, 1)] {
            zeros[at..at + 2].copy_from_slice(&dim.to_le_bytes());
        }
        let small = Limits { max_image_bytes: 100 << 10, ..Limits::default() };
        let over = LabelFault::OverLimit { what: "the label map in memory", bytes: 204_800, limit: 102_400 };
        assert_eq!(parse(&gzip(&zeros), &small), Err(over));
        assert!(parse(&gzip(&zeros), &Limits { max_image_bytes: 200 << 10, ..small }).is_ok());
    }
}
