//! The checksum over the texts of attributes, which HDF5 keeps in a heap without one.

use hdf5::types::{VarLenAscii, VarLenUnicode};
use hdf5::{File, Location};

use super::schema::virtual_attribute::FILES;
use super::schema::{IMAGES, MASKS, attribute as a};

/// The text attributes of the format: of the root, of `/images` and of `/masks`.
pub(super) const TEXTS: [(&str, &[&str]); 3] = [
    (
        "",
        &[
            a::FORMAT,
            a::FORMAT_VERSION,
            a::GENERATOR,
            a::MASK_RULE,
            a::STRUCTURES,
            a::SPLIT_RULE,
            a::SPLIT_JOINED,
            a::SPLIT_LEFT_OUT,
            a::SPLIT_DISJOINT,
            a::CONFIG,
            a::SOURCE_DIGEST,
            a::ROW_MAJOR_NOTE,
        ],
    ),
    (IMAGES, &[a::DIMENSION_LABELS, a::UNITS]),
    (MASKS, &[a::DIMENSION_LABELS]),
];

/// Those of them that may be without a text; a file leaves them out then.
pub(super) const MAY_BE_EMPTY: [&str; 3] = [a::SPLIT_JOINED, a::SPLIT_LEFT_OUT, a::SPLIT_DISJOINT];

/// CRC-32C over the [`TEXTS`], and the names of the files of a virtual file after those of the root: of each attribute its object, `@` and its name, then its texts, a NUL after each of
/// them all.
///
/// # Errors
/// HDF5's own error where one is no text, or is absent and not of those that [`MAY_BE_EMPTY`].
pub(super) fn checksum(file: &File) -> hdf5::Result<u32> {
    let mut all = 0;
    for (object, names) in TEXTS {
        let dataset = if object.is_empty() { None } else { Some(file.dataset(object)?) };
        let at: &Location = dataset.as_deref().map_or(&**file, |dataset| dataset);
        let more: &[&str] = if object.is_empty() && at.attr(FILES).is_ok() { &[FILES] } else { &[] };
        let present = at.attr_names()?;
        let is_left_out = |name: &&str| MAY_BE_EMPTY.contains(name) && !present.iter().any(|n| n == name);
        for name in names.iter().chain(more).filter(|name| !is_left_out(name)) {
            let mut texts = vec![format!("/{object}@{name}").into_bytes()];
            texts.extend(read(at, name)?);
            for text in texts {
                all = crc32c::crc32c_append(all, &text);
                all = crc32c::crc32c_append(all, b"\0");
            }
        }
    }
    Ok(all)
}

/// Why the texts are not those that were written; `None` where they are, or have no checksum.
pub(super) fn flaw(file: &File) -> Option<String> {
    let expected = super::attributes::read_number::<u32>(file, a::TEXT_CHECKSUM)?;
    match checksum(file) {
        Ok(sum) if sum == expected => None,
        Ok(_) => Some("the texts of the attributes have another CRC-32C".to_owned()),
        Err(error) => Some(format!("the texts cannot be read: {error}")),
    }
}

/// The texts of an attribute of one or many. What is damaged need not be UTF-8.
pub(super) fn read(at: &Location, name: &str) -> hdf5::Result<Vec<Vec<u8>>> {
    let attribute = at.attr(name)?;
    if name == a::DIMENSION_LABELS {
        let texts = attribute.read_raw::<VarLenAscii>()?;
        return Ok(texts.iter().map(|text| text.as_bytes().to_vec()).collect());
    }
    let texts = attribute.read_raw::<VarLenUnicode>()?;
    Ok(texts.iter().map(|text| text.as_bytes().to_vec()).collect())
}
