//! The beginning of a DICOM file: preamble, file meta group and transfer syntax (PS3.10 chapter 7).

use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::attribute::{self, tag};
use super::data_set::{Step, Syntax, Walk};
use super::error::{DicomFault, Located};
use super::limits::Limits;
use super::transfer_syntax::TransferSyntax;
use super::value_text::{identifier, shown, text};
use super::vr::is_vr;

/// A file's data set: the bytes that hold it, how long they are in all, where it begins.
#[derive(Debug)]
pub(super) struct DataSet<'a> {
    /// The file's bytes, or the inflated data set.
    pub(super) bytes: Cow<'a, [u8]>,
    /// The length of the whole file or of the inflated data set.
    pub(super) total: usize,
    pub(super) start: usize,
    pub(super) transfer_syntax: TransferSyntax,
    /// Encoding of its elements, which need not be that of the transfer syntax.
    pub(super) syntax: Syntax,
    /// Media Storage SOP Class UID (0002,0002).
    pub(super) media_storage_class: Option<Box<str>>,
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
    let Some(MetaGroup { uid, class, start }) = meta_group(bytes, total, meta_start)? else {
        return Ok(None);
    };
    let media_storage_class = class.and_then(identifier);
    if !complete && bytes.len() < start + GUESSED_BYTES {
        return Ok(None);
    }
    let guessed = guess(&bytes[start.min(bytes.len())..]);
    let transfer_syntax = match uid {
        Some(uid) => {
            let Some(uid) = text(uid) else {
                let fault = DicomFault::Value { value: shown(uid), expected: "a UID" };
                return Err(fault.at(attribute::TRANSFER_SYNTAX_UID));
            };
            TransferSyntax::from_uid(uid)?
        }
        None if start < bytes.len() => guessed.ok_or(DicomFault::NotDicom)?,
        // A file meta group, and nothing else.
        None if start > meta_start => return Err(DicomFault::NoImage.into()),
        None => return Err(DicomFault::NotDicom.into()),
    };
    if transfer_syntax != TransferSyntax::Deflated {
        let (bytes, syntax) = (Cow::Borrowed(bytes), guessed.unwrap_or(transfer_syntax).syntax());
        return Ok(Some(DataSet { bytes, total, start, transfer_syntax, syntax, media_storage_class }));
    }
    if !complete {
        return Ok(None);
    }
    let inflated = inflate(&bytes[start..], limits)?;
    let (total, syntax) = (inflated.len(), guess(&inflated).unwrap_or(transfer_syntax).syntax());
    let bytes = Cow::Owned(inflated);
    Ok(Some(DataSet { bytes, total, start: 0, transfer_syntax, syntax, media_storage_class }))
}

/// Attributes read from the file meta group.
struct MetaGroup<'a> {
    /// Transfer Syntax UID.
    uid: Option<&'a [u8]>,
    /// Media Storage SOP Class UID.
    class: Option<&'a [u8]>,
    /// Start of the data set.
    start: usize,
}

/// Reads the group. Its length is not believed: it is wrong or missing in real files, and the group number
/// tells as well.
fn meta_group(bytes: &[u8], total: usize, start: usize) -> Result<Option<MetaGroup<'_>>, Located> {
    let mut walk = Walk::new(bytes, total, start, Syntax::EXPLICIT_LITTLE);
    let (mut uid, mut class) = (None, None);
    loop {
        let at = walk.position();
        match bytes.get(at..at + 2) {
            Some([2, 0]) => {}
            None if bytes.len() < total => return Ok(None),
            _ => return Ok(Some(MetaGroup { uid, class, start: at })),
        }
        match walk.next()? {
            Step::DataElement(element) => {
                let slot = match element.tag {
                    tag::TRANSFER_SYNTAX_UID => &mut uid,
                    tag::MEDIA_STORAGE_SOP_CLASS_UID => &mut class,
                    _ => continue,
                };
                let Some(value) = element.end.and_then(|end| walk.value(element.start, end)) else {
                    return Ok(None);
                };
                *slot = Some(value);
            }
            Step::NeedsMore => return Ok(None),
            Step::End => return Ok(Some(MetaGroup { uid, class, start: walk.position() })),
        }
    }
}

/// Tag, and VR and length, of an element, which [`guess`] looks at.
const GUESSED_BYTES: usize = 8;

/// Encoding of a data set, judged by its first element, which in an image is of a low even group. `None` where
/// that leaves a doubt.
fn guess(data_set: &[u8]) -> Option<TransferSyntax> {
    let &[g0, g1, _, _, a, b, ..] = data_set else {
        return None;
    };
    match (g0, g1, is_vr([a, b])) {
        (0, 0x08 | 0x10 | 0x18 | 0x20 | 0x28, true) => Some(TransferSyntax::ExplicitBig),
        (0x08 | 0x10 | 0x18 | 0x20 | 0x28, 0, true) => Some(TransferSyntax::ExplicitLittle),
        // A length of less than 64 KiB: other bytes may be a VR that is not known.
        (0x08 | 0x10 | 0x18 | 0x20 | 0x28, 0, false) if data_set.get(6..8) == Some(&[0, 0]) => {
            Some(TransferSyntax::ImplicitLittle)
        }
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
