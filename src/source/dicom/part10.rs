//! The beginning of a DICOM file: preamble, file meta group and transfer syntax (PS3.10 chapter 7).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::attribute;
use super::data_set::{Step, Syntax, Walk, is_vr};
use super::error::{DicomFault, Located};
use super::limits::Limits;
use super::transfer_syntax::TransferSyntax;
use super::value_text::{shown, text};

/// A file's data set: the bytes that hold it, how long they are in all, where it begins.
#[derive(Debug)]
pub(super) struct DataSet<'a> {
    /// The file's bytes, or the inflated data set.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The length of the whole file or of the inflated data set.
    pub(super) total: usize,
    pub(super) start: usize,
    pub(super) transfer_syntax: TransferSyntax,
}

/// Finds the data set in the first bytes of a file of `total` bytes; `None` where they are too few.
pub(super) fn open<'a>(
    bytes: &'a [u8],
    total: usize,
    limits: &Limits,
) -> Result<Option<DataSet<'a>>, Located> {
    let complete = bytes.len() >= total;
    if bytes.len() < 136 && !complete {
        return Ok(None);
    }
    let meta_start = match bytes.get(128..132) {
        Some(b"DICM") => 132,
        _ if bytes.starts_with(b"DICM") => 4,
        _ => 0,
    };
    let Some((uid, start)) = meta_group(bytes, total, meta_start)? else {
        return Ok(None);
    };
    let guessed = guess(&bytes[start.min(bytes.len())..]);
    let transfer_syntax = match uid {
        Some(uid) => {
            let Some(uid) = text(uid) else {
                let fault = DicomFault::Value { value: shown(uid), expected: "a UID" };
                return Err(fault.at(attribute::TRANSFER_SYNTAX_UID));
            };
            TransferSyntax::from_uid(uid)?
        }
        None if !complete && bytes.len() < start + GUESSED_BYTES => return Ok(None),
        None if start < bytes.len() => guessed.ok_or(DicomFault::NotDicom)?,
        // A file meta group, and nothing else.
        None if start > meta_start => return Err(DicomFault::NoImage.into()),
        None => return Err(DicomFault::NotDicom.into()),
    };
    if transfer_syntax != TransferSyntax::Deflated {
        return Ok(Some(DataSet { bytes: Cow::Borrowed(bytes), total, start, transfer_syntax }));
    }
    if !complete {
        return Ok(None);
    }
    let inflated = inflate(&bytes[start..], limits)?;
    Ok(Some(DataSet { total: inflated.len(), bytes: Cow::Owned(inflated), start: 0, transfer_syntax }))
}

/// The transfer syntax UID's value, and where the data set begins. The group's length is not believed:
/// it is wrong or missing in real files, and the group number tells as well.
type Meta<'a> = (Option<&'a [u8]>, usize);

fn meta_group(bytes: &[u8], total: usize, start: usize) -> Result<Option<Meta<'_>>, Located> {
    let mut walk = Walk::new(bytes, total, start, Syntax::EXPLICIT_LITTLE);
    let mut uid = None;
    loop {
        let at = walk.position();
        match bytes.get(at..at + 2) {
            Some([2, 0]) => {}
            None if bytes.len() < total => return Ok(None),
            _ => return Ok(Some((uid, at))),
        }
        match walk.next()? {
            Step::Element(element) if element.tag == attribute::tag::TRANSFER_SYNTAX_UID => {
                let Some(value) = element.end.and_then(|end| walk.value(element.start, end)) else {
                    return Ok(None);
                };
                uid = Some(value);
            }
            Step::Element(_) => {}
            Step::NeedsMore => return Ok(None),
            Step::End => return Ok(Some((uid, walk.position()))),
        }
    }
}

/// Tag and VR of an element, which [`guess`] looks at.
const GUESSED_BYTES: usize = 6;

/// What a data set is written in, judged by its first element, which in an image is of a low even group.
fn guess(data_set: &[u8]) -> Option<TransferSyntax> {
    let &[g0, g1, _, _, a, b, ..] = data_set else {
        return None;
    };
    match (g0, g1, is_vr([a, b])) {
        (0, 0x08 | 0x10 | 0x18 | 0x20 | 0x28, true) => Some(TransferSyntax::ExplicitBig),
        (0x08 | 0x10 | 0x18 | 0x20 | 0x28, 0, true) => Some(TransferSyntax::ExplicitLittle),
        (0x08 | 0x10 | 0x18 | 0x20 | 0x28, 0, false) => Some(TransferSyntax::ImplicitLittle),
        _ => None,
    }
}

/// Inflates a deflated data set (PS3.5 A.5), up to the limit.
fn inflate(deflated: &[u8], limits: &Limits) -> Result<Vec<u8>, Located> {
    let limit = limits.max_image_bytes;
    let mut inflated = Vec::new();
    let mut decoder = DeflateDecoder::new(deflated).take(limit.saturating_add(1));
    decoder.read_to_end(&mut inflated).map_err(|_| DicomFault::Deflate)?;
    limits.check_bytes("the inflated data set", inflated.len() as u64)?;
    Ok(inflated)
}
