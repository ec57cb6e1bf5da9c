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
    fn a_mask_image_has_values() {
        assert_eq!(mask_part(&PartChoice::Unsaid), Ok(Part::Whole));
        assert_eq!(mask_part(&PartChoice::Said("128".into())), Ok(Part::Label(128)));
        assert!(mask_part(&PartChoice::Said("heart".into())).unwrap_err().contains("mask.png#128"));
    }
}
