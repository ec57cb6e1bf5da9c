//! One look at every header before anything is written: which images can be used, their sizes, and the
//! pixel type that holds them all.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::Control;
use super::identities::Identities;
use super::stack_places::StackImage;
use crate::assemble::{
    FileMark, Fit, GridMap, GridMapError, ReadAhead, Remarks, Spacings, fetch_header, header_of, read_header,
    reject_image,
};
use crate::audit::ImageFacts;
use crate::layout::SampleSet;
use crate::model::{Evidence, FileId, GridShape, ImagePlane, PixelType, Place, Reason, Sample, Skipped};
use crate::source::{ImageHeader, Limits, ModalityTransform, PixelTypeChoice};

/// Samples looked at by one thread at a time.
const BLOCK: usize = 64;

/// Properties of all headers together.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Samples whose image can be used, by their index in the list that was surveyed, ascending.
    pub(super) usable: Vec<usize>,
    /// The marks of their files.
    pub(super) marks: Vec<FileMark>,
    /// Header facts for the audit.
    pub(super) images: Vec<ImageFacts>,
    /// Places in stacks, by the headers.
    pub(super) stack_images: Vec<StackImage>,
    /// Sizes of the usable images, at the common spacing, and how many have each.
    pub(super) shapes: BTreeMap<GridShape, usize>,
    /// Gathers what the pixel type must hold.
    pub(super) pixel_type: PixelTypeChoice,
    /// The usable images that are monochrome, and those in colour.
    pub(super) colors: [ColorCount; 2],
    /// The units of the usable images.
    units: BTreeSet<String>,
    /// Persons and studies of the usable images.
    pub(super) identities: Identities,
    /// Number of usable images without Pixel Spacing (0028,0030).
    without_spacing: usize,
    /// Number of usable images that have Pixel Spacing and no position or orientation.
    without_place: usize,
    /// Images that cannot be used, and their contours.
    pub(super) remarks: Remarks,
}

/// Images with as many channels.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ColorCount {
    /// Number of them.
    pub(super) images: usize,
    /// The index of the first in the list that was surveyed.
    pub(super) first: Option<usize>,
}

impl ColorCount {
    fn add(&mut self, other: Self) {
        self.images += other.images;
        self.first = self.first.or(other.first);
    }
}

/// What images are brought to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WantedGrid {
    /// The common spacing, between rows and between columns, in mm.
    pub(super) spacing: Option<[f64; 2]>,
    /// A size that smaller images are padded to. Larger ones cannot be used.
    pub(super) padded_to: Option<GridShape>,
}

impl Survey {
    /// Reads the header of each of `samples`. Ends early, and incomplete, where it is cancelled.
    pub(super) fn of(
        plan: &SampleSet,
        samples: &[Sample],
        limits: &Limits,
        wanted: WantedGrid,
        control: &Control<'_>,
    ) -> Self {
        let blocks = samples.par_chunks(BLOCK).enumerate().map(|(block, samples)| {
            let mut survey = Self::default();
            let mut bytes = Vec::new();
            let mut ahead = ReadAhead::new(plan, samples, fetch_header);
            // The header of the last file, which may have more of the frames.
            let mut last: Option<(FileId, (ImageHeader, FileMark))> = None;
            for (place, sample) in samples.iter().enumerate() {
                if control.cancel.load(Ordering::Relaxed) {
                    return survey;
                }
                ahead.fetch_from(place + 1);
                let file = match last.take().filter(|(file, _)| *file == sample.image.file) {
                    Some((_, read)) => Ok(read),
                    None => read_header(plan, sample, limits, &mut bytes),
                };
                let read = file.map(|read| &last.insert((sample.image.file, read)).1);
                let image = read.and_then(|(header, mark)| {
                    let header = header_of(plan, sample, header)?;
                    let shape = spaced(&header, wanted, limits).map_err(|error| {
                        let place = Place::file(plan.image_name(sample));
                        Skipped::new(place, Reason::ImageSize, error.to_string())
                    })?;
                    Ok(UsableImage { header, shape, mark: *mark })
                });
                match image {
                    Ok(image) => survey.add(block * BLOCK + place, sample, image),
                    Err(skipped) => reject_image(plan, sample, skipped, &mut survey.remarks),
                }
            }
            control.progress.advance(samples.len());
            survey
        });
        // Blocks are joined in their order, so the result does not depend on the threads.
        let mut survey = blocks.collect::<Vec<_>>().into_iter().fold(Self::default(), Self::join);
        survey.identities.add_ids(&plan.patients);
        survey
    }

    fn add(&mut self, index: usize, sample: &Sample, image: UsableImage<'_>) {
        let UsableImage { header, shape, mark } = image;
        self.identities.add(sample.patient, &header.identity);
        self.usable.push(index);
        self.marks.push(mark);
        self.stack_images.push(StackImage::of(&header, sample.image.frame));
        self.images.push(ImageFacts::of(&header));
        *self.shapes.entry(shape).or_default() += 1;
        let color = usize::from(header.color.is_some());
        self.colors[color].add(ColorCount { images: 1, first: Some(index) });
        self.pixel_type.observe(&header);
        self.units.insert(unit(&header));
        let has_spacing = header.geometry.pixel_spacing.iter().all(|mm| mm.is_finite());
        self.without_spacing += usize::from(!has_spacing);
        self.without_place += usize::from(has_spacing && ImagePlane::of(&header.geometry).is_none());
    }

    fn join(mut self, other: Self) -> Self {
        self.usable.extend(other.usable);
        self.marks.extend(other.marks);
        self.images.extend(other.images);
        self.stack_images.extend(other.stack_images);
        for (shape, count) in other.shapes {
            *self.shapes.entry(shape).or_default() += count;
        }
        self.colors.iter_mut().zip(other.colors).for_each(|(mine, theirs)| mine.add(theirs));
        self.pixel_type.merge(other.pixel_type);
        self.units.extend(other.units);
        self.identities.append(other.identities);
        self.without_spacing += other.without_spacing;
        self.without_place += other.without_place;
        self.remarks.append(other.remarks);
        self
    }

    /// Keeps those of `samples` whose image can be used.
    pub(super) fn keep_usable(&self, samples: &mut Vec<Sample>) {
        let (mut usable, mut index) = (self.usable.iter().peekable(), 0..);
        samples.retain(|_| index.next().is_some_and(|index: usize| usable.next_if_eq(&&index).is_some()));
    }

    /// Tells what is taken for true about the images; `pixel_type` is the type where it was chosen for them.
    pub(super) fn tell(&self, pixel_type: Option<PixelType>, evidence: &mut Evidence) {
        let all = self.usable.len();
        if let Some(pixel_type) = pixel_type.filter(|_| all > 0) {
            evidence.decide(
                "pixel-type",
                format!(
                    "{}: by the headers and, where these allow too much, the values of the images",
                    pixel_type.name()
                ),
            );
        }
        if self.without_spacing > 0 {
            let text = format!(
                "{} of {all} images have no Pixel Spacing: their pixels are taken to be square, and the file has NaN",
                self.without_spacing
            );
            evidence.assume("spacing", text);
        }
        if self.without_place > 0 {
            let text = format!(
                "{} of {all} images have no position or orientation: rows and columns are taken as they are stored",
                self.without_place
            );
            evidence.assume("orientation", text);
        }
    }

    /// The unit of the pixels: the one all images share, otherwise `mixed`.
    pub(super) fn units(&self) -> String {
        let mut units = self.units.iter();
        match (units.next(), units.next()) {
            (Some(unit), None) => unit.clone(),
            _ => "mixed".to_owned(),
        }
    }
}

/// An image whose header can be used.
struct UsableImage<'h> {
    header: Cow<'h, ImageHeader>,
    /// Its size at the common spacing.
    shape: GridShape,
    /// The mark of its file.
    mark: FileMark,
}

/// The size of an image at the common spacing.
fn spaced(header: &ImageHeader, wanted: WantedGrid, limits: &Limits) -> Result<GridShape, GridMapError> {
    let source = header.geometry.pixel_spacing;
    let spacings = wanted.spacing.map(|wanted| Spacings { wanted, source });
    let shape = match spacings {
        Some(spacings) => GridMap::shape_at(header.shape, spacings, limits.max_image_pixels)?,
        None => header.shape,
    };
    if let Some(size) = wanted.padded_to {
        GridMap::new(header.shape, size, Some(Fit::Pad), spacings)?;
    }
    Ok(shape)
}

/// Rescale Type (0028,1054) where there is one (PS3.3 C.11.1.1.2).
fn unit(header: &ImageHeader) -> String {
    match (&header.rescale_type, &header.modality) {
        (Some(unit), _) => unit.clone(),
        (None, ModalityTransform::Identity) => "stored value".to_owned(),
        (None, _) => "unspecified".to_owned(),
    }
}
