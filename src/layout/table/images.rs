//! The images that a table names, and what of their headers annotations need.

use std::io::Read;

use crate::files::Catalog;
use crate::model::{FileId, FrameRef, ImagePlane, Place, Reason, Skipped};
use crate::series::{SeriesFrame, reaches, sort_series};
use crate::source::{
    AnnotationOptions, FrameKey, ImageHeader, Limits, ObjectKind, SeriesImage, parse_header, parse_identity,
};

/// An image whose header was read.
#[derive(Debug, Clone)]
pub(super) struct KnownImage {
    pub(super) image: FrameRef,
    pub(super) header: ImageHeader,
}

/// Bytes of a file that are first read for its header; hardly any header is longer.
const HEADER_BYTES: usize = 16 << 10;

/// Result of looking at a file of a series' folder.
pub(super) enum HeaderLookup {
    /// It is an image.
    Image(Box<KnownImage>),
    /// It is a DICOM object without an image, or no DICOM file.
    Other,
}

/// Reads the header of the image in `file`, one frame of it where `frame` is not 0.
pub(super) fn read_image_header(
    catalog: &Catalog,
    file: FileId,
    frame: u32,
    limits: &Limits,
) -> Result<HeaderLookup, Skipped> {
    let Some(header) = read_file_header(catalog, file, limits)? else { return Ok(HeaderLookup::Other) };
    let of_frame = header.of_frame(frame).ok_or_else(|| {
        let place = Place::file(catalog.name(file));
        let detail = match frame {
            0 => format!("it has {} frames: a column frame says which one is meant, from 1", header.frames),
            _ => format!("there is no frame {frame}: the object has {}", header.frames),
        };
        Skipped::new(place, Reason::ImageUnreadable, detail).of(file)
    })?;
    Ok(HeaderLookup::Image(Box::new(KnownImage { image: FrameRef { file, frame }, header: of_frame })))
}

/// Reads the header of the image in `file`; `None` where it is a DICOM object without an image, or no DICOM file.
pub(super) fn read_file_header(
    catalog: &Catalog,
    file: FileId,
    limits: &Limits,
) -> Result<Option<ImageHeader>, Skipped> {
    let name = catalog.name(file);
    let failed =
        |detail: String| Skipped::new(Place::file(name.as_str()), Reason::ImageUnreadable, detail).of(file);
    let unreadable = |error: std::io::Error| failed(format!("the file cannot be read: {error}"));
    let opened = catalog.roots().open(&catalog.path(file)).map_err(unreadable)?;
    let length = opened.metadata().map_err(unreadable)?.len();
    let mut bytes = Vec::new();
    (&opened).take(HEADER_BYTES as u64).read_to_end(&mut bytes).map_err(unreadable)?;
    for _ in 0..2 {
        match parse_identity(&name, &bytes, length, limits) {
            Err(_) => return Ok(None),
            Ok(Some(identity)) if identity.kind() != ObjectKind::Image => return Ok(None),
            Ok(_) => {}
        }
        let header = parse_header(&name, &bytes, length, limits).map_err(|error| {
            Skipped::new((*error.place).clone(), error.reason(), error.fault.to_string()).of(file)
        })?;
        if header.is_some() {
            return Ok(header);
        }
        (&opened).take(limits.max_image_bytes).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    Err(failed("the file ends early".to_owned()))
}

impl KnownImage {
    /// Its position in its series.
    pub(super) fn frame(&self) -> SeriesFrame {
        SeriesFrame {
            shape: self.header.shape,
            geometry: self.header.geometry,
            instance_number: self.header.instance_number,
            frame: self.image.frame,
            trigger_time: self.header.trigger_time,
        }
    }

    fn uid(&self) -> Box<str> {
        self.header.identity.sop_instance_uid.clone().unwrap_or_default()
    }

    /// As label volumes refer to it.
    pub(super) fn series_image(&self) -> SeriesImage {
        SeriesImage { sop_instance_uid: self.uid(), frame: self.frame() }
    }
}

/// The images as annotations refer to them; they are those of one series.
pub(super) fn frame_keys(images: &[KnownImage], options: &AnnotationOptions) -> Vec<FrameKey> {
    let frames: Vec<SeriesFrame> = images.iter().map(KnownImage::frame).collect();
    let reaches = reaches(&sort_series(&frames), &frames);
    let key = |(image, reach): (&KnownImage, &crate::series::Reach)| FrameKey {
        sop_instance_uid: image.uid(),
        frame: image.image.frame,
        frame_of_reference_uid: image.header.identity.frame_of_reference_uid.clone(),
        shape: image.header.shape,
        plane: ImagePlane::of(&image.header.geometry),
        reach: options.reach(reach.reach),
        shares_plane: reach.shares_plane,
    };
    images.iter().zip(&reaches).map(key).collect()
}
