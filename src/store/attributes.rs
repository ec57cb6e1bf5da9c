//! Attributes: variable-length UTF-8 text and plain numbers, as h5py writes them.

use hdf5::types::{VarLenAscii, VarLenUnicode};
use hdf5::{H5Type, Location};

/// A scalar text attribute.
pub(super) fn write_text(at: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    at.new_attr::<VarLenUnicode>().create(name)?.write_scalar(&unicode(text))
}

/// A scalar text attribute of the ASCII character set; `text` is a constant in ASCII without NUL.
pub(super) fn write_ascii(at: &Location, name: &str, text: &str) -> hdf5::Result<()> {
    let text = VarLenAscii::from_ascii(text).unwrap_or_default();
    at.new_attr::<VarLenAscii>().create(name)?.write_scalar(&text)
}

/// A scalar text attribute of the ASCII character set; `None` where it is absent or no such text.
pub(super) fn read_ascii(at: &Location, name: &str) -> Option<String> {
    let text = at.attr(name).ok()?.read_scalar::<VarLenAscii>().ok()?;
    std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned)
}

/// A one-dimensional text attribute; none at all where there is no text, because readers such as GDAL and netCDF fail on
/// an array of 0 texts.
pub(super) fn write_texts<'t>(
    at: &Location,
    name: &str,
    texts: impl IntoIterator<Item = &'t str>,
) -> hdf5::Result<()> {
    let texts: Vec<VarLenUnicode> = texts.into_iter().map(unicode).collect();
    if texts.is_empty() {
        return Ok(());
    }
    at.new_attr::<VarLenUnicode>().shape(texts.len()).create(name)?.write_raw(&texts)
}

/// A scalar number.
pub(super) fn write_number<T: H5Type>(at: &Location, name: &str, number: T) -> hdf5::Result<()> {
    at.new_attr::<T>().create(name)?.write_scalar(&number)
}

/// An array of numbers of shape `shape`, in C order.
pub(super) fn write_numbers<T: H5Type>(
    at: &Location,
    name: &str,
    shape: &[usize],
    numbers: &[T],
) -> hdf5::Result<()> {
    at.new_attr::<T>().shape(shape).create(name)?.write_raw(numbers)
}

/// Dimension labels in the form of the HDF5 Dimension Scales specification, which is always ASCII.
pub(super) fn write_dimension_labels(at: &Location, name: &str, labels: &[&str]) -> hdf5::Result<()> {
    // Labels are constants without NUL.
    let labels: Vec<VarLenAscii> =
        labels.iter().map(|label| VarLenAscii::from_ascii(label).unwrap_or_default()).collect();
    at.new_attr::<VarLenAscii>().shape(labels.len()).create(name)?.write_raw(&labels)
}

/// A scalar text attribute, `None` where it is absent or no text.
pub(super) fn read_text(at: &Location, name: &str) -> Option<String> {
    checked(&at.attr(name).ok()?.read_scalar::<VarLenUnicode>().ok()?)
}

/// A one-dimensional text attribute, `None` where it is absent or no text.
pub(super) fn read_texts(at: &Location, name: &str) -> Option<Vec<String>> {
    let texts = at.attr(name).ok()?.read_raw::<VarLenUnicode>().ok()?;
    texts.iter().map(checked).collect()
}

/// The text, where it is one: what a file holds need not be UTF-8.
fn checked(text: &VarLenUnicode) -> Option<String> {
    std::str::from_utf8(text.as_bytes()).ok().map(str::to_owned)
}

/// A scalar number, `None` where it is absent or something else.
pub(super) fn read_number<T: H5Type>(at: &Location, name: &str) -> Option<T> {
    at.attr(name).ok()?.read_scalar::<T>().ok()
}

/// A one-dimensional array of numbers, `None` where it is absent or something else.
pub(super) fn read_numbers<T: H5Type>(at: &Location, name: &str) -> Option<Vec<T>> {
    at.attr(name).ok()?.read_raw::<T>().ok()
}

fn unicode(text: &str) -> VarLenUnicode {
    // HDF5 text ends at a NUL, so none can be stored.
    text.replace('\0', "\u{fffd}").parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_texts_than_fit_into_a_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.h5");
        let file = super::super::writer::create_file(&path).unwrap();
        let texts: Vec<String> = (0..20_000).map(|number| format!("P{number}/{number}")).collect();
        write_number(&file, "before", 1u64).unwrap();
        write_texts(&file, "texts", texts.iter().map(String::as_str)).unwrap();
        write_text(&file, "after", "é").unwrap();
        file.close().unwrap();
        let file = hdf5::File::open(&path).unwrap();
        assert_eq!(read_texts(&file, "texts").unwrap(), texts);
        assert_eq!(
            (read_number::<u64>(&file, "before"), read_text(&file, "after").unwrap()),
            (Some(1), "é".to_owned())
        );
    }
}
