//! The annotation files that cells of a table name.

use std::collections::HashMap;
use std::io::Read;

use crate::files::{Catalog, FileKind};
use crate::layout::OpenAnnotation;
use crate::model::{FileId, Part};
use crate::source::{
    AnnotationError, AnnotationFile, AnnotationOptions, Limits, PartChoice, SeriesExtent, SeriesImage,
    SeriesImages, is_label_volume, open_annotation,
};

/// Opens annotation files of a table: label volumes over the images that its rows name.
#[derive(Debug)]
pub(in crate::layout) struct SeriesOpener {
    pub(in crate::layout) series: HashMap<FileId, (Box<[SeriesImage]>, SeriesExtent)>,
    pub(in crate::layout) options: AnnotationOptions,
    pub(in crate::layout) limits: Limits,
}

impl OpenAnnotation for SeriesOpener {
    fn open(
        &self,
        file: FileId,
        name: &str,
        bytes: &[u8],
    ) -> Result<Box<dyn AnnotationFile>, AnnotationError> {
        let none = SeriesImages { images: &[], extent: SeriesExtent::Listed };
        let series = self.series(file).unwrap_or(none);
        open_annotation(name, bytes, series, &self.options, &self.limits)
    }

    fn series(&self, file: FileId) -> Option<SeriesImages<'_>> {
        self.series.get(&file).map(|(images, extent)| SeriesImages { images, extent: *extent })
    }
}

/// The kind of an annotation file, by its first bytes.
pub(super) fn sniff(catalog: &Catalog, file: FileId) -> Result<FileKind, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let opened = catalog.roots().open(&catalog.path(file)).map_err(unreadable)?;
    let mut first = Vec::new();
    opened.take(132).read_to_end(&mut first).map_err(unreadable)?;
    Ok(match first[..] {
        _ if first.get(128..132) == Some(b"DICM") => FileKind::RtStruct,
        [0x89, b'P', b'N', b'G', ..] | [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => {
            FileKind::MaskImage
        }
        [b'N', b'R', b'R', b'D', ..] => FileKind::Nrrd,
        _ if is_label_volume(&first) => FileKind::Nifti,
        _ if is_text(&first) => FileKind::ContourText,
        _ => FileKind::Unknown,
    })
}

/// What a file is that is read as no annotation, and what to do, by its first bytes; `None` where these tell nothing.
pub(super) fn known_otherwise(catalog: &Catalog, file: FileId) -> Option<&'static str> {
    let opened = catalog.roots().open(&catalog.path(file)).ok()?;
    let mut first = Vec::new();
    opened.take(132).read_to_end(&mut first).ok()?;
    otherwise(&first)
}

fn otherwise(first: &[u8]) -> Option<&'static str> {
    let begins = |bytes: &[u8]| first.starts_with(bytes);
    let text = String::from_utf8_lossy(first);
    Some(match first {
        [] => "the file is empty",
        _ if begins(b"\xFF\xD8\xFF") => "this is JPEG, which changes values; save masks as PNG",
        _ if begins(b"GIF8") || begins(b"BM") || (begins(b"RIFF") && text.contains("WEBP")) => {
            "this is a picture of a kind that is not read; save masks as PNG"
        }
        _ if begins(b"\0\0\0\x0CjP  ") => "this is JPEG 2000; save masks as PNG",
        [b'P', b'1'..=b'7', b'\n' | b' ' | b'\r', ..] => "this is PNM; save masks as PNG",
        _ if begins(b"\x93NUMPY") => "this is an array of NumPy; save masks as PNG or label volumes as NIfTI",
        _ if begins(b"PK\x03\x04") => "this is a ZIP archive, as .npz is; unpack it, or save masks as PNG",
        _ if begins(b"\x89HDF") || begins(b"MATLAB") => "this is HDF5 or MATLAB; save masks as PNG or NIfTI",
        _ if text.trim_start().starts_with(['{', '[']) => {
            "this is JSON; polygons of labelling tools are not read, as each tool fills them by its own rule: \
             save masks as PNG with that tool"
        }
        _ if text.starts_with("ObjectType") || text.starts_with("NDims") => {
            "this is MetaImage, which is not read; save label volumes as NIfTI or NRRD"
        }
        _ => return None,
    })
}

/// True if a file that begins so may be a contour.
fn is_text(first: &[u8]) -> bool {
    let text = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte >= 0x80;
    !first.is_empty() && first.iter().all(text)
}

/// Opens an annotation file that is no contour text.
pub(super) fn open(
    catalog: &Catalog,
    file: FileId,
    series: SeriesImages<'_>,
    options: &AnnotationOptions,
    limits: &Limits,
) -> Result<Box<dyn AnnotationFile>, String> {
    let unreadable = |error: std::io::Error| format!("the file cannot be read: {error}");
    let opened = catalog.roots().open(&catalog.path(file)).map_err(unreadable)?;
    let (length, limit) = (opened.metadata().map_err(unreadable)?.len(), limits.max_image_bytes);
    if length > limit {
        return Err(format!("it has {length} bytes, and the limit is {limit}; see --max-image-bytes"));
    }
    let mut bytes = Vec::new();
    opened.take(limit).read_to_end(&mut bytes).map_err(unreadable)?;
    open_annotation(&catalog.name(file), &bytes, series, options, limits)
        .map_err(|error| error.fault.to_string())
}

/// The part of a mask image: all values above 0, or one value.
pub(super) fn mask_part(choice: &PartChoice) -> Result<Part, String> {
    match choice {
        PartChoice::Unsaid => Ok(Part::Whole),
        PartChoice::Said(text) => text
            .parse()
            .map(Part::Label)
            .map_err(|_| format!("#{text} is no value: a mask image has values, as in mask.png#128")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_kinds_are_named() {
        let named = |first: &[u8]| otherwise(first).unwrap_or_default();
        assert!(named(b"").contains("empty") && named(b"\xFF\xD8\xFF\xE0").contains("JPEG"));
        assert!(
            named(b"ObjectType = Image\n").contains("MetaImage") && named(b" {\"shapes\"").contains("JSON")
        );
        assert!(named(b"P5\n9 9").contains("PNM") && named(b"PK\x03\x04").contains("ZIP"));
        assert_eq!((otherwise(b"1.5 2.5\n"), otherwise(b"\x01\x02")), (None, None));
    }

    #[test]
    fn a_mask_image_has_values() {
        assert_eq!(mask_part(&PartChoice::Unsaid), Ok(Part::Whole));
        assert_eq!(mask_part(&PartChoice::Said("128".into())), Ok(Part::Label(128)));
        assert!(mask_part(&PartChoice::Said("heart".into())).unwrap_err().contains("mask.png#128"));
    }
}
