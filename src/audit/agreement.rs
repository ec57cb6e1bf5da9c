//! Agreement of an annotation with its own image and with the other contour there.

use sha2::{Digest, Sha256};

use super::nesting::outside;
use super::outline::{centroid, distance};
use super::profile::{ImageView, Profile, brighter};
use super::shape::Painter;
use super::{AuditOptions, ImageFacts};
use crate::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use crate::layout::{Require, SampleSet};
use crate::model::Sample;
use crate::model::{Nesting, Padding, PixelType, Polygon, first_bits};
use crate::source::Monochrome1;

/// Agreement of a sample's annotations with its image.
pub(super) struct Agreement {
    /// The beginning of a digest of the pixels, by which equal images are known.
    pub(super) image: u64,
    /// For each plane, 0 to 1 (a half is chance); `None` where nothing tells.
    pub(super) scores: Vec<Option<f64>>,
}

impl AuditOptions {
    /// Decoding of an image for comparison with its contours: as it is.
    #[must_use]
    pub fn assemble_options(&self, image: &ImageFacts) -> AssembleOptions {
        AssembleOptions {
            shape: image.shape,
            fit: None,
            own_size: false,
            spacing: None,
            pixel_type: PixelType::Float32,
            channels: image.channels,
            monochrome1: Monochrome1::Invert,
            padding: Padding::Keep,
            mask_rule: self.mask_rule,
            combine: self.combine,
            contour_offset: self.contour_offset,
            require: Require::Any,
            keep_unlabelled: false,
            limits: self.limits,
        }
    }
}

/// Decodes the image of `sample`. `None` where it or all of its contours cannot be read.
pub(super) fn agreement(
    plan: &SampleSet,
    sample: &Sample,
    image: &ImageFacts,
    options: &AuditOptions,
) -> Option<Agreement> {
    let assemble = options.assemble_options(image);
    let mut assembler = Assembler::new(plan, &assemble);
    let Assembled::Sample(_) = assembler.assemble(sample, &mut Remarks::default()) else {
        return None;
    };
    let digest = Sha256::digest(assembler.pixels().le_bytes());
    let ImageFacts { shape, channels, .. } = *image;
    let picture = ImageView { pixels: assembler.pixels(), shape, channels, large_is_dark: false };
    let structures = plan.structures();
    let contours = assembler.contours();
    let bright = plan.relations.bright;
    let nested = plan.relations.nested;
    let score = |plane: usize| {
        let contour = contours[plane].first()?;
        if Some(plane) == bright {
            return Some(Profile::of(contour).contrast(picture));
        }
        let nested = nested.filter(|nested| nested.outer == plane && Some(nested.inner) == bright)?;
        wall(contours[nested.inner].first()?, contour, nested, assembler.masks(), picture)
    };
    Some(Agreement { image: first_bits(&digest), scores: (0..structures.len()).map(score).collect() })
}

/// Contrast of blood against the wall between two contours; less if a part of the inner one is not
/// within, and where the two have not the same centre.
fn wall(
    inner: &Polygon,
    outer: &Polygon,
    planes: Nesting,
    masks: &[u8],
    picture: ImageView<'_>,
) -> Option<f64> {
    let count = masks.len() / picture.shape.pixels();
    let (mut blood, mut wall) = (Vec::new(), Vec::new());
    for (index, cells) in masks.chunks_exact(count).enumerate() {
        match (cells[planes.inner], cells[planes.outer]) {
            (1, _) => blood.push(picture.value(index)),
            (_, 1) => wall.push(picture.value(index)),
            _ => {}
        }
    }
    let (beyond, _) = outside(inner, outer, [1.0; 2], &mut Painter::default());
    let told = !blood.is_empty() && !wall.is_empty();
    let radius = (outer.area() / std::f64::consts::PI).sqrt().max(1.0);
    let apart = (distance(centroid(inner), centroid(outer)) / radius).min(1.0);
    told.then(|| brighter(blood, wall) * (1.0 - beyond.share) * (1.0 - apart))
}
