//! Label volumes as NRRD, among them the segmentations of 3D Slicer (`.seg.nrrd`).

use std::io::Cursor;

use super::bounds::check_file;
use super::gzip::MaybeGzip;
use super::nrrd_header::NrrdHeader;
use super::volume::LabelVolume;
use super::{LabelError, LabelFault};
use crate::source::Limits;

/// Reads the label volume in `file`, which is `bytes` of `.nrrd` or `.seg.nrrd`, with its values in the same file, raw or
/// gzip. The segments of a `.seg.nrrd` are told apart by layer and value: values repeat between layers.
///
/// # Errors
/// [`LabelError`] where it is no NRRD, cut or damaged, of an encoding, number type or shape that is not read, with a value
/// that is no whole number, or beyond `limits`.
pub fn parse_nrrd(file: &str, bytes: &[u8], limits: &Limits) -> Result<LabelVolume, LabelError> {
    parse(bytes, limits).map_err(|fault| fault.in_file(file))
}

fn parse(bytes: &[u8], limits: &Limits) -> Result<LabelVolume, LabelFault> {
    check_file(bytes, limits)?;
    let NrrdHeader { size, format, gzip, line_skip, byte_skip, geometry, segments, cropped, end } =
        NrrdHeader::parse(bytes)?;
    let limit = limits.max_image_bytes;
    let over = |bytes: u64| LabelFault::OverLimit { what: "the label map in memory", bytes, limit };
    let count = size.count().ok_or_else(|| over(u64::MAX))?;
    let needed = (count as u64).saturating_mul(format.kind.size() as u64);

    let mut data = &bytes[end..];
    for _ in 0..line_skip {
        let line = data.iter().position(|&byte| byte == b'\n');
        data = &data[line.ok_or(LabelFault::Cut { present: 0, needed })? + 1..];
    }
    let mut source = if gzip { MaybeGzip::gzip(data) } else { MaybeGzip::Plain(Cursor::new(data)) };
    source.check_plausible(needed, data.len() as u64)?;
    match u64::try_from(byte_skip) {
        Ok(skip) => source.skip(skip)?,
        Err(_) if gzip => return Err(LabelFault::header("byte skip", byte_skip)),
        Err(_) => source.skip(data.len() as u64 - needed)?,
    }
    let values = format.read_labels(&mut source, count, None, limit)?;
    source.finish()?;
    Ok(LabelVolume { size, values, geometry, segments, cropped, forms_apart: 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "NRRD0005\ntype: uint16\ndimension: 4\nsizes: 2 2 2 1\nkinds: list domain domain domain\n\
        endian: big\nencoding: raw\n\n";

    #[test]
    fn layers_stand_side_by_side() {
        let values: [u16; 8] = [1, 0, 0, 1, 1, 1, 0, 0];
        let mut file = HEADER.as_bytes().to_vec();
        file.extend(values.iter().flat_map(|value| value.to_be_bytes()));
        let volume = parse(&file, &Limits::default()).unwrap();
        let layer = |layer| [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]].map(|at| volume.label(at, 0, layer));
        assert_eq!((layer(0), layer(1)), ([1, 0, 1, 0], [0, 1, 1, 0]));
        file.pop();
        assert_eq!(parse(&file, &Limits::default()), Err(LabelFault::Cut { present: 15, needed: 16 }));
    }

    #[test]
    fn values_may_stand_at_the_end() {
        let skip = HEADER.replace("encoding: raw", "encoding: raw\nbyte skip: -1");
        let file = [skip.as_bytes(), b"something else", &[0, 7].repeat(8)].concat();
        assert_eq!(parse(&file, &Limits::default()).unwrap().counts(9), Some([(7, 8)].into()));
        let lines = HEADER.replace("encoding: raw", "encoding: raw\nline skip: 2\nbyte skip: 1");
        let file = [lines.as_bytes(), b"a\nb\nc", &[0, 8].repeat(8)].concat();
        assert_eq!(parse(&file, &Limits::default()).unwrap().counts(9), Some([(8, 8)].into()));
    }
}
