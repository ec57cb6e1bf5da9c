//! Images and masks of annotation files in tests.

use dicomprep::model::{Geometry, GridShape, ImagePlane, Mask, Part};
use dicomprep::raster::{Combine, MaskRule, Rasterizer};
use dicomprep::series::{SeriesFrame, reaches, sort_series};
use dicomprep::source::{AnnotationFile, Drawn, FrameKey};

use crate::make_annotations::ImageSpec;

/// The keys of `images`, which are a series.
pub(crate) fn keys_of(images: &[ImageSpec]) -> Vec<FrameKey> {
    let frames: Vec<SeriesFrame> = images
        .iter()
        .map(|image| SeriesFrame {
            shape: GridShape::new(image.rows.into(), image.columns.into()).unwrap(),
            geometry: Geometry {
                pixel_spacing: image.pose.spacing,
                image_position: image.pose.position,
                image_orientation: image.pose.orientation,
                ..Geometry::ABSENT
            },
            instance_number: i32::try_from(image.instance).ok(),
            frame: 0,
            trigger_time: None,
        })
        .collect();
    let reaches = reaches(&sort_series(&frames), &frames);
    let key = |((image, frame), reach): ((&ImageSpec, &SeriesFrame), &dicomprep::series::Reach)| FrameKey {
        sop_instance_uid: image.uid.as_str().into(),
        frame: 0,
        frame_of_reference_uid: Some("2.25.4".into()),
        shape: frame.shape,
        plane: ImagePlane::of(&frame.geometry),
        reach: reach.reach,
        shares_plane: reach.shares_plane,
    };
    images.iter().zip(&frames).zip(&reaches).map(key).collect()
}

/// The key of an image that is a series of its own.
#[allow(dead_code, reason = "only some tests have single images")]
pub(crate) fn key_of(image: &ImageSpec) -> FrameKey {
    keys_of(std::slice::from_ref(image)).remove(0)
}

/// The mask of a part on an image, `None` where it is not annotated.
pub(crate) fn mask_under(
    file: &dyn AnnotationFile,
    part: Part,
    key: &FrameKey,
    rule: MaskRule,
    combine: Combine,
) -> Option<Mask> {
    match file.on(part, key).unwrap() {
        Drawn::NotAnnotated => None,
        Drawn::Raster(mask) => Some(mask),
        Drawn::Contours(polygons) => {
            let mut mask = Mask::zeros(key.shape);
            let points: Vec<&[[f64; 2]]> = polygons.iter().map(|polygon| polygon.points()).collect();
            Rasterizer::new(rule).rasterize_all(points, combine, &mut mask);
            Some(mask)
        }
    }
}
