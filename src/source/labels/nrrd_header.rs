//! The header of NRRD (G. L. Kindlmann, "Definition of NRRD File Format", Teem), and the segments that 3D Slicer writes
//! into it (`.seg.nrrd`).
//!
//! A parser of our own: no crate for NRRD is kept up, and the part that labels need is small.

use std::collections::BTreeMap;

use super::LabelFault;
use super::affine::VoxelToPatient;
use super::number::{NumberFormat, NumberType};
use super::volume::{NrrdSegment, VolumeSize};

/// A NRRD header as far as labels need it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct NrrdHeader {
    pub(super) size: VolumeSize,
    pub(super) format: NumberFormat,
    pub(super) gzip: bool,
    pub(super) line_skip: u64,
    /// Bytes to pass over before the values; -1: the values are the last bytes.
    pub(super) byte_skip: i64,
    pub(super) geometry: Option<VoxelToPatient>,
    pub(super) segments: Vec<NrrdSegment>,
    /// Slicer left out what holds no segment.
    pub(super) cropped: bool,
    /// Offset of the first byte after the header.
    pub(super) end: usize,
}

/// The longest header read, in bytes.
const LONGEST: usize = 4 << 20;

/// Fields and key/value pairs, as they stand in the header.
struct Texts<'b> {
    fields: BTreeMap<String, &'b str>,
    pairs: BTreeMap<&'b str, &'b str>,
    end: usize,
}

impl NrrdHeader {
    /// Reads the header at the start of `bytes`.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, LabelFault> {
        let texts = texts(bytes)?;
        if texts.fields.contains_key("data file") || texts.fields.contains_key("datafile") {
            let remedy = "save header and values in one .nrrd file";
            return Err(LabelFault::unsupported("the values stand in another file", remedy));
        }
        let sizes = texts.numbers::<usize>("sizes")?;
        let layered = texts.layered(&sizes)?;
        let (layers, voxels) = if layered { (sizes[0], &sizes[1..]) } else { (1, &sizes[..]) };
        let &[i, j, k] = voxels else {
            let found = format!("the NRRD has {} axes of space", voxels.len());
            return Err(LabelFault::unsupported(found, "a label volume has three"));
        };
        if [i, j, k, layers].contains(&0) {
            return Err(LabelFault::header("sizes", texts.get("sizes")?));
        }
        let kind = number_type(texts.get("type")?)?;
        Ok(Self {
            size: VolumeSize { voxels: [i, j, k], phases: 1, layers },
            format: NumberFormat { kind, big_endian: texts.big_endian(kind)? },
            gzip: texts.gzip()?,
            line_skip: texts.skip("line skip", "lineskip")?.unsigned_abs(),
            byte_skip: texts.skip("byte skip", "byteskip")?,
            geometry: texts.geometry(layered)?,
            segments: texts.segments(layers),
            cropped: texts.pairs.contains_key("Segmentation_ReferenceImageExtentOffset"),
            end: texts.end,
        })
    }
}

/// Splits the header into its lines.
fn texts(bytes: &[u8]) -> Result<Texts<'_>, LabelFault> {
    let not_nrrd = || LabelFault::NotThisFormat { format: "NRRD" };
    if !bytes.starts_with(b"NRRD000") {
        return Err(not_nrrd());
    }
    let mut texts = Texts { fields: BTreeMap::new(), pairs: BTreeMap::new(), end: 0 };
    let mut first = true;
    loop {
        let rest = bytes.get(texts.end..).filter(|_| texts.end < LONGEST).unwrap_or(&[]);
        let line_end = rest.iter().position(|&byte| byte == b'\n');
        let damaged = |message: &str| LabelFault::Damaged { format: "NRRD", message: message.to_owned() };
        let line_end = line_end.ok_or_else(|| damaged("its header has no end"))?;
        texts.end += line_end + 1;
        let line = rest[..line_end].strip_suffix(b"\r").unwrap_or(&rest[..line_end]);
        let line = std::str::from_utf8(line).map_err(|_| damaged("its header is not text"))?;
        if line.is_empty() {
            return Ok(texts);
        }
        if std::mem::take(&mut first) || line.starts_with('#') {
            continue;
        }
        if let Some((key, value)) = line.split_once(":=") {
            texts.pairs.insert(key, value);
        } else if let Some((field, value)) = line.split_once(':') {
            texts.fields.insert(field.trim().to_ascii_lowercase(), value.trim());
        }
    }
}

impl<'b> Texts<'b> {
    fn get(&self, field: &'static str) -> Result<&'b str, LabelFault> {
        self.fields.get(field).copied().ok_or_else(|| LabelFault::header(field, "missing"))
    }

    fn numbers<T: std::str::FromStr>(&self, field: &'static str) -> Result<Vec<T>, LabelFault> {
        let text = self.get(field)?;
        let numbers: Option<Vec<T>> = text.split_whitespace().map(|number| number.parse().ok()).collect();
        numbers.ok_or_else(|| LabelFault::header(field, text))
    }

    /// True if the first of four axes is a list of layers.
    fn layered(&self, sizes: &[usize]) -> Result<bool, LabelFault> {
        let kinds: Vec<&str> =
            self.fields.get("kinds").map_or(Vec::new(), |text| text.split_whitespace().collect());
        let directions = self.fields.get("space directions").copied().unwrap_or_default();
        let first = kinds.first().is_some_and(|kind| kind.eq_ignore_ascii_case("list"));
        match sizes.len() {
            4 if first || (kinds.is_empty() && directions.starts_with("none")) => Ok(true),
            4 => Err(LabelFault::unsupported(
                format!("the four axes of the NRRD are of the kinds {}", kinds.join(" ")),
                "the first of four axes must be a list of layers",
            )),
            _ => Ok(false),
        }
    }

    fn big_endian(&self, kind: NumberType) -> Result<bool, LabelFault> {
        match self.fields.get("endian") {
            Some(&"little") => Ok(false),
            Some(&"big") => Ok(true),
            None if kind.size() == 1 => Ok(false),
            None => Err(LabelFault::header("endian", "missing")),
            Some(other) => Err(LabelFault::header("endian", other)),
        }
    }

    fn gzip(&self) -> Result<bool, LabelFault> {
        match self.get("encoding")?.to_ascii_lowercase().as_str() {
            "raw" => Ok(false),
            "gz" | "gzip" => Ok(true),
            other => {
                let found = format!("the NRRD is encoded as {other}");
                Err(LabelFault::unsupported(found, "save it as raw or gzip"))
            }
        }
    }

    fn skip(&self, field: &'static str, other: &str) -> Result<i64, LabelFault> {
        let text = self.fields.get(field).or_else(|| self.fields.get(other));
        let Some(text) = text else { return Ok(0) };
        let least = if field == "byte skip" { -1 } else { 0 };
        let skip = text.parse().ok().filter(|&skip| skip >= least);
        skip.ok_or_else(|| LabelFault::header(field, text))
    }

    fn geometry(&self, layered: bool) -> Result<Option<VoxelToPatient>, LabelFault> {
        let Some(space) = self.fields.get("space") else { return Ok(None) };
        let Some(directions) = self.fields.get("space directions") else { return Ok(None) };
        // Factors of x and y that lead to the patient's left and back.
        let signs = match space.to_ascii_lowercase().as_str() {
            "left-posterior-superior" | "lps" => [1.0, 1.0, 1.0],
            "right-anterior-superior" | "ras" => [-1.0, -1.0, 1.0],
            "left-anterior-superior" | "las" => [1.0, -1.0, 1.0],
            _ => return Err(LabelFault::header("space", space)),
        };
        let vectors: Option<Vec<[f64; 3]>> =
            directions.split_whitespace().filter(|&part| part != "none").map(vector).collect();
        let bad = || LabelFault::header("space directions", directions);
        let vectors = vectors.ok_or_else(bad)?;
        let &[i, j, k] = &vectors[..] else { return Err(bad()) };
        if layered != directions.starts_with("none") {
            return Err(bad());
        }
        let text = self.get("space origin")?;
        let origin = vector(text).ok_or_else(|| LabelFault::header("space origin", text))?;
        let row = |axis: usize| [i, j, k, origin].map(|vector| vector[axis] * signs[axis]);
        let map = VoxelToPatient::from_lps([row(0), row(1), row(2)]);
        map.map(Some).ok_or_else(bad)
    }

    /// The segments, by their numbers. Slicer before 4.11 gave each a layer of its own, with the value 1.
    fn segments(&self, layers: usize) -> Vec<NrrdSegment> {
        let mut numbers: Vec<u16> = self.pairs.keys().filter_map(|key| segment_number(key)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let segment = |number: u16| {
            let get = |key: &str| self.pairs.get(format!("Segment{number}_{key}").as_str()).copied();
            let name = get("Name").or_else(|| get("ID")).unwrap_or_default();
            let own_layer = if layers > 1 { usize::from(number) } else { 0 };
            NrrdSegment {
                number,
                name: unescape(name).trim().to_owned(),
                layer: get("Layer").and_then(|layer| layer.trim().parse().ok()).unwrap_or(own_layer),
                value: get("LabelValue").and_then(|value| value.trim().parse().ok()).unwrap_or(1),
            }
        };
        let all = numbers.into_iter().map(segment);
        all.filter(|segment| !segment.name.is_empty() && segment.layer < layers).collect()
    }
}

/// The number in a key such as `Segment3_Name`.
fn segment_number(key: &str) -> Option<u16> {
    let (number, what) = key.strip_prefix("Segment")?.split_once('_')?;
    matches!(what, "Name" | "ID").then(|| number.parse().ok())?
}

/// `(x,y,z)`.
fn vector(text: &str) -> Option<[f64; 3]> {
    let inside = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let numbers: Option<Vec<f64>> = inside.split(',').map(|number| number.trim().parse().ok()).collect();
    numbers?.try_into().ok()
}

/// Line ends and backslashes of a value are written as two characters.
fn unescape(text: &str) -> String {
    text.replace("\\n", " ").replace("\\\\", "\\")
}

fn number_type(name: &str) -> Result<NumberType, LabelFault> {
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(" int").filter(|short| *short != "unsigned" && *short != "signed");
    Ok(match plain.unwrap_or(&name) {
        "signed char" | "int8" | "int8_t" => NumberType::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => NumberType::U8,
        "short" | "signed short" | "int16" | "int16_t" => NumberType::I16,
        "ushort" | "unsigned short" | "uint16" | "uint16_t" => NumberType::U16,
        "int" | "signed int" | "int32" | "int32_t" => NumberType::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => NumberType::U32,
        "longlong" | "long long" | "signed long long" | "int64" | "int64_t" => NumberType::I64,
        "ulonglong" | "unsigned long long" | "uint64" | "uint64_t" => NumberType::U64,
        "float" => NumberType::F32,
        "double" => NumberType::F64,
        _ => return Err(LabelFault::header("type", name)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<NrrdHeader, LabelFault> {
        NrrdHeader::parse(format!("NRRD0004\n{lines}\n\n").as_bytes())
    }

    const LAYERS: &str = "# a comment\ntype: unsigned char\ndimension: 4\nspace: left-posterior-superior\n\
        sizes: 2 5 6 7\nspace directions: none (1,0,0) (0,2,0) (0,0,3)\nkinds: list domain domain domain\n\
        encoding: raw\nspace origin: (10,20,30)\nSegment0_ID:=a\nSegment0_Name:= heart \nSegment0_LabelValue:=1\n\
        Segment0_Layer:=0\nSegment1_ID:=b\nSegment1_Name:=a:=b\\\\c\nSegment1_LabelValue:=1\nSegment1_Layer:=1\n\
        Segment10_ID:=last\nSegment10_Name:=\nSegmentation_ReferenceImageExtentOffset:=0 0 0";

    #[test]
    fn layers_and_segments_of_slicer_are_read() {
        let header = parse(LAYERS).unwrap();
        assert_eq!(header.size, VolumeSize { voxels: [5, 6, 7], phases: 1, layers: 2 });
        let segment = |number: u16, name: &str| NrrdSegment {
            number,
            name: name.to_owned(),
            layer: number.into(),
            value: 1,
        };
        assert_eq!(header.segments, [segment(0, "heart"), segment(1, "a:=b\\c")]);
        assert!(header.cropped && !header.gzip);
        assert_eq!(header.geometry.unwrap().voxel([11.0, 24.0, 39.0]), [1.0, 2.0, 3.0]);
        let ras = LAYERS.replace("left-posterior-superior", "RAS");
        assert_eq!(parse(&ras).unwrap().geometry.unwrap().voxel([-11.0, -24.0, 39.0]), [1.0, 2.0, 3.0]);
        let windows = format!("NRRD0004\n{LAYERS}\n\n").replace('\n', "\r\n");
        let header = NrrdHeader::parse(windows.as_bytes()).unwrap();
        assert_eq!((header.segments.len(), header.end), (2, windows.len()));
    }

    #[test]
    fn older_segmentations_have_a_layer_for_each_segment() {
        let old: String = LAYERS
            .lines()
            .filter(|line| !line.contains("Layer") && !line.contains("LabelValue"))
            .fold(String::new(), |text, line| text + line + "\n");
        let segments = parse(old.trim_end()).unwrap().segments;
        assert_eq!(segments.iter().map(|s| (s.layer, s.value)).collect::<Vec<_>>(), [(0, 1), (1, 1)]);
    }

    #[test]
    fn other_headers_are_refused_by_field() {
        let with = |from: &str, to: &str| parse(&LAYERS.replace(from, to)).unwrap_err().to_string();
        assert_eq!(with("(0,2,0)", "(0,2)"), "the header's space directions is none (1,0,0) (0,2) (0,0,3)");
        assert!(with("encoding: raw", "encoding: bzip2").contains("encoded as bzip2"));
        assert!(with("encoding: raw", "encoding: raw\ndata file: x.raw").contains("another file"));
        assert!(with("sizes: 2 5 6 7", "sizes: 2 5 0 7").contains("sizes is 2 5 0 7"));
        assert!(with("kinds: list", "kinds: vector").contains("vector domain domain domain"));
        assert_eq!(with("unsigned char", "int"), "the header's endian is missing");
        assert_eq!(with("unsigned char", "block"), "the header's type is block");
        assert!(with("left-posterior-superior", "scanner-xyz").contains("space is scanner-xyz"));
        let cut = NrrdHeader::parse(b"NRRD0004\ntype: float\n").unwrap_err();
        assert_eq!(cut.to_string(), "the NRRD file is damaged: its header has no end");
    }
}
