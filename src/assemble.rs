//! One planned sample becomes pixels and masks. The only module that knows both images and rasters.

mod contour;
mod drawn;
mod files;
mod fit;
mod frame_file;
mod image_reader;
mod made_before;
mod mask_notes;
mod regrid;

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

pub use contour::{ReadContour, read_contour};
pub use files::{fetch_header, header_of, read_header, read_image};
pub use fit::Fit;
pub use frame_file::FrameFile;
pub use made_before::{MadeBefore, NothingBefore, RowKey};
pub use regrid::{GridMap, GridMapError, Spacings};

use files::dicom_skipped;
use image_reader::ImageReader;
use regrid::ImageRegridder;

use crate::files::FileKind;
use crate::layout::{Require, SampleSet};
use crate::model::Sample;
use crate::model::{
    AnnotationRef, Geometry, GridShape, Mask, Note, Padding, PaddingRange, PixelType, Pixels, Place, Polygon,
    PolygonError, Reason, Skipped,
};
use crate::raster::{Combine, MaskRule, Rasterizer};
use crate::source::{
    Attribute, ConvertOptions, ImageHeader, Limits, Monochrome1, StoredFormat, StoredPixels, convert,
    parse_image,
};

/// Options of assembling samples; the same for all of a data set.
#[derive(Debug, Clone)]
pub struct AssembleOptions {
    /// The size of every image and mask.
    pub shape: GridShape,
    /// Handling of images of another size; `None` where all have one, and another one is refused.
    pub fit: Option<Fit>,
    /// The distances between rows and between columns in mm that all images are resampled to; `None` keeps their own.
    pub spacing: Option<[f64; 2]>,
    /// The type of the pixels.
    pub pixel_type: PixelType,
    /// Channels of every image: 1, or 3 of colour.
    pub channels: usize,
    /// Handling of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// Treatment of padding in statistics.
    pub padding: Padding,
    /// Rule that assigns pixels to a contour.
    pub mask_rule: MaskRule,
    /// Combination of several contours of one structure on one image into one mask.
    pub combine: Combine,
    /// Added to every contour point, `[x, y]` in pixels of the source image.
    pub contour_offset: [f64; 2],
    /// Structures that a sample needs: any or all.
    pub require: Require,
    /// True if an image without a usable contour is a sample too.
    pub keep_unlabelled: bool,
    /// Limits of images.
    pub limits: Limits,
}

/// Facts about an assembled sample beside its pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleFacts {
    /// SHA-256 of the image file.
    pub source_sha256: [u8; 32],
    /// Size of the source image.
    pub source_shape: GridShape,
    /// Geometry of the source image.
    pub geometry: Geometry,
    /// Distances between rows and between columns in mm, of the image at the size of the data set.
    pub spacing: [f64; 2],
    /// Position in the patient, in mm, of the centre of the first pixel of the image at the size of the data set.
    pub position: [f64; 3],
    /// The values of the image that are padding, as far as statistics leave it out.
    pub padding: PaddingRange,
    /// True if a large value is dark: MONOCHROME1 that was kept as it is.
    pub large_is_dark: bool,
    /// For each structure, what was annotated.
    pub annotations: Vec<Option<AnnotationFacts>>,
}

/// Facts about one annotation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AnnotationFacts {
    /// SHA-256 of the contour file.
    pub sha256: [u8; 32],
    /// Shoelace area in square pixels of the source image.
    pub contour_area: f64,
    /// Number of ones in the mask.
    pub mask_pixels: usize,
}

/// Outcome of a planned sample.
#[expect(clippy::large_enum_variant, reason = "one at a time, and hardly ever another than the large one")]
#[derive(Debug, Clone, PartialEq)]
pub enum Assembled {
    /// It is complete; pixels and masks are in the [`Assembler`].
    Sample(SampleFacts),
    /// The image is good, and no contour is left that makes it a sample.
    Unlabelled,
    /// The image cannot be used.
    Rejected,
}

/// Remarks of a stage: files that could not be used, and notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// Files that were not used.
    pub skipped: Vec<Skipped>,
    /// Notes, which took no file away.
    pub notes: Vec<Note>,
}

impl Remarks {
    /// Adds what `other` holds.
    pub fn append(&mut self, mut other: Self) {
        self.skipped.append(&mut other.skipped);
        self.notes.append(&mut other.notes);
    }
}

/// Time spent in each stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StageTimes {
    /// Reading files, and their digests.
    pub read: Duration,
    /// From file bytes to pixels.
    pub decode: Duration,
    /// From contour text to masks.
    pub rasterize: Duration,
}

/// Makes samples, one after the other, in memory that is used again.
pub struct Assembler<'a> {
    plan: &'a SampleSet,
    options: &'a AssembleOptions,
    rasterizer: Rasterizer,
    images: ImageReader,
    /// The multi-frame file that is open.
    frames: Option<FrameFile>,
    /// The contour file.
    text: Vec<u8>,
    stored: StoredPixels,
    pixels: Pixels,
    regridder: ImageRegridder,
    mask: Mask,
    masks: Vec<u8>,
    contours: Vec<Vec<Polygon>>,
    /// For each structure, the numbers of contours that make a mask together, and the masks that are no contours.
    drawn: Vec<drawn::DrawnPlane>,
    times: StageTimes,
    bytes_read: u64,
}

impl<'a> Assembler<'a> {
    /// An assembler for one thread.
    #[must_use]
    pub fn new(plan: &'a SampleSet, options: &'a AssembleOptions) -> Self {
        Self {
            plan,
            options,
            rasterizer: Rasterizer::new(options.mask_rule),
            images: ImageReader::default(),
            frames: None,
            text: Vec::new(),
            stored: StoredPixels::default(),
            pixels: Pixels::empty(options.pixel_type),
            regridder: ImageRegridder::new(options.pixel_type, options.channels),
            mask: Mask::zeros(options.shape),
            masks: Vec::new(),
            contours: Vec::new(),
            drawn: Vec::new(),
            times: StageTimes::default(),
            bytes_read: 0,
        }
    }

    /// The image of the last sample: row-major (row, column, channel).
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The masks of the last sample: (row, column, structure), each 0 or 1.
    #[must_use]
    pub fn masks(&self) -> &[u8] {
        &self.masks
    }

    /// The contours of the last sample, for each structure those that are united in its mask, in the pixels of the image
    /// at the size of the data set; empty where there is none that could be used.
    #[must_use]
    pub fn contours(&self) -> &[Vec<Polygon>] {
        &self.contours
    }

    /// Time spent since the assembler was made.
    #[must_use]
    pub fn times(&self) -> StageTimes {
        self.times
    }

    /// Bytes of the files read since the assembler was made.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Reads the files of `sample` and makes its pixels and masks. What cannot be used goes to `remarks`.
    pub fn assemble(&mut self, sample: &Sample, remarks: &mut Remarks) -> Assembled {
        self.assemble_or_take((sample, None), &mut NothingBefore, remarks)
    }

    /// As [`Assembler::assemble`]; but where the sample was made `before` of files with the same bytes, its pixels and
    /// masks are taken from there. The image of the sample that will be asked for `next` may be read together with
    /// that of `sample`.
    pub fn assemble_or_take(
        &mut self,
        (sample, next): (&Sample, Option<&Sample>),
        before: &mut impl MadeBefore,
        remarks: &mut Remarks,
    ) -> Assembled {
        let source_sha256 = match self.read_image(sample, next) {
            Ok(sha256) => sha256,
            Err(skipped) => {
                reject_image(self.plan, sample, skipped, remarks);
                return Assembled::Rejected;
            }
        };
        if before.knows_image(&source_sha256) {
            let mut noticed = Remarks::default();
            if let Some(facts) = self.take(sample, source_sha256, before, &mut noticed) {
                remarks.append(noticed);
                return Assembled::Sample(facts);
            }
        }
        let (header, map) = match self.decode_image(sample, remarks) {
            Ok(decoded) => decoded,
            Err(skipped) => {
                reject_image(self.plan, sample, skipped, remarks);
                return Assembled::Rejected;
            }
        };
        let mut annotations = self.read_masks(sample, &map, remarks);
        if !self.is_labelled(&annotations) {
            if !self.options.keep_unlabelled {
                self.leave_out(sample, &annotations, remarks);
                return Assembled::Unlabelled;
            }
            if annotations.iter().any(Option::is_some) {
                // All structures are required: an image with some of them is an image without.
                self.leave_out(sample, &annotations, remarks);
                annotations.fill(None);
                self.masks.fill(0);
            }
        }
        Assembled::Sample(SampleFacts {
            source_sha256,
            source_shape: header.shape,
            geometry: header.geometry_for(self.options.monochrome1),
            spacing: map.spacing(header.geometry.pixel_spacing),
            position: map.position(&header.geometry),
            padding: self.padding(&header),
            large_is_dark: header.stays_inverted(self.options.monochrome1),
            annotations,
        })
    }

    /// Reads the image file; returns its digest.
    fn read_image(&mut self, sample: &Sample, next: Option<&Sample>) -> Result<[u8; 32], Skipped> {
        let start = Instant::now();
        if sample.image.frame > 0 {
            let (file, read) = FrameFile::of(&mut self.frames, self.plan, sample, &self.options.limits)?;
            self.bytes_read += read;
            self.times.read += start.elapsed();
            return Ok(file.sha256());
        }
        let sha256 = self.images.read((self.plan, &self.options.limits), sample, next)?;
        self.bytes_read += self.images.bytes().len() as u64;
        self.times.read += start.elapsed();
        Ok(sha256)
    }

    /// Decodes the image and resamples it to the grid of the data set. Returns its header and the way there.
    fn decode_image(
        &mut self,
        sample: &Sample,
        remarks: &mut Remarks,
    ) -> Result<(ImageHeader, GridMap), Skipped> {
        let name = self.plan.image_name(sample);
        let start = Instant::now();
        let limits = &self.options.limits;
        let header = match sample.image.frame {
            0 => parse_image(&name, self.images.bytes(), limits, &mut self.stored)
                .map_err(|error| dicom_skipped(&error))?,
            _ => {
                let (file, _) = FrameFile::of(&mut self.frames, self.plan, sample, limits)?;
                file.read(self.plan, sample, &mut self.stored)?
            }
        };
        let map = self.grid_map(&name, &header)?;
        let AssembleOptions { pixel_type, channels, monochrome1, .. } = *self.options;
        let wanted = ConvertOptions { monochrome1, target: pixel_type, channels };
        let conversion = convert(&name, &header, &self.stored, wanted, &mut self.pixels)
            .map_err(|error| dicom_skipped(&error))?;
        self.regridder.apply(&map, &mut self.pixels);
        self.times.decode += start.elapsed();
        note_losses(&name, &header, &self.stored, conversion.rounded, remarks);
        Ok((header, map))
    }

    /// The values that statistics leave out of an image with this header.
    fn padding(&self, header: &ImageHeader) -> PaddingRange {
        match self.options.padding {
            Padding::Exclude => header.padding_range(self.options.monochrome1),
            Padding::Keep => PaddingRange::NONE,
        }
    }

    /// The way of an image with this header to the grid of the data set.
    fn grid_map(&self, name: &str, header: &ImageHeader) -> Result<GridMap, Skipped> {
        let AssembleOptions { shape, fit, spacing, limits, .. } = *self.options;
        let spacings = spacing.map(|wanted| Spacings { wanted, source: header.geometry.pixel_spacing });
        let map = GridMap::new(header.shape, shape, fit, spacings);
        let map =
            map.and_then(|map| if spacing.is_some() { map.within(limits.max_image_pixels) } else { Ok(map) });
        map.map_err(|error| Skipped::new(Place::file(name), Reason::ImageSize, error.to_string()))
    }

    /// Rasterizes every contour of the sample into its plane.
    fn read_masks(
        &mut self,
        sample: &Sample,
        map: &GridMap,
        remarks: &mut Remarks,
    ) -> Vec<Option<AnnotationFacts>> {
        let planes = sample.annotations.len();
        self.masks.clear();
        self.masks.resize(self.options.shape.pixels() * planes, 0);
        let mut facts = Vec::with_capacity(planes);
        for plane in 0..planes {
            let read = self.read_contours(sample, plane, map, remarks);
            let read =
                read.map(|facts| AnnotationFacts { mask_pixels: self.rasterize(plane, planes), ..facts });
            self.note_losses_of_mask((sample, plane), map, read, remarks);
            facts.push(read);
        }
        facts
    }

    /// Makes the mask of `plane` from its contours and masks. Returns the number of its pixels.
    fn rasterize(&mut self, plane: usize, planes: usize) -> usize {
        let start = Instant::now();
        let mut pixels = 0;
        let (contours, drawn) = (&self.contours[plane], &self.drawn[plane]);
        let is_only = planes == 1 && drawn.groups.len() + drawn.masks.len() == 1;
        let mut add = |mask: &Mask| {
            if is_only {
                self.masks.copy_from_slice(mask.data());
                pixels = mask.count_ones();
                return;
            }
            let cells = self.masks.iter_mut().skip(plane).step_by(planes);
            for (cell, &value) in cells.zip(mask.data()) {
                pixels += usize::from(value & !*cell);
                *cell |= value;
            }
        };
        for group in &drawn.groups {
            let points = contours[group.clone()].iter().map(Polygon::points);
            self.rasterizer.rasterize_all(points, self.options.combine, &mut self.mask);
            add(&self.mask);
        }
        drawn.masks.iter().for_each(&mut add);
        self.times.rasterize += start.elapsed();
        pixels
    }

    /// Reads the contours in `plane` and keeps them in the pixels of the data set; their mask is not made, and its
    /// pixels are not counted. `None` where there is none that can be used.
    fn read_contours(
        &mut self,
        sample: &Sample,
        plane: usize,
        map: &GridMap,
        remarks: &mut Remarks,
    ) -> Option<AnnotationFacts> {
        self.contours.resize_with(sample.annotations.len(), Vec::new);
        self.drawn.resize_with(sample.annotations.len(), drawn::DrawnPlane::default);
        self.contours[plane].clear();
        self.drawn[plane].clear();
        let refs = &sample.annotations[plane];
        let (mut digests, mut contour_area) = (Vec::with_capacity(refs.len()), 0.0);
        for annotation in refs {
            let read = match self.plan.catalog.kind(annotation.file) {
                FileKind::ContourText => {
                    self.read_contour(*annotation, map).map(|(digest, area, contour)| {
                        let contours = vec![contour];
                        Some(drawn::ReadAnnotation { digest, area, contours, mask: None, cut: 0 })
                    })
                }
                _ => self.read_part(sample, *annotation, map),
            };
            match read {
                Ok(None) => {}
                Ok(Some(read)) => {
                    digests.push(read.digest);
                    contour_area += read.area;
                    self.drawn[plane].add(&mut self.contours[plane], read);
                }
                Err(skipped) => {
                    // A union of some of its members would be another structure.
                    let others = refs.iter().filter(|other| *other != annotation);
                    remarks.skipped.extend(others.map(|other| {
                        let place = Place::file(self.plan.catalog.name(other.file));
                        let detail =
                            format!("it belongs together with {}, which was rejected", skipped.place.file);
                        Skipped::new(place, Reason::StructureMissing, detail).of(other.file)
                    }));
                    remarks.skipped.push(skipped);
                    self.contours[plane].clear();
                    self.drawn[plane].clear();
                    return None;
                }
            }
        }
        let sha256 = contour::digest_of(&digests);
        (!digests.is_empty()).then_some(AnnotationFacts { sha256, contour_area, mask_pixels: 0 })
    }

    /// Reads a contour. Returns its digest, its area in square pixels of the source image, and the contour in the
    /// pixels of the data set.
    fn read_contour(
        &mut self,
        annotation: AnnotationRef,
        map: &GridMap,
    ) -> Result<([u8; 32], f64, Polygon), Skipped> {
        let start = Instant::now();
        let name = contour::read_bytes(&self.plan.catalog, annotation, &mut self.text)?;
        self.bytes_read += self.text.len() as u64;
        let sha256 = Sha256::digest(&self.text).into();
        self.times.read += start.elapsed();

        let start = Instant::now();
        let contour = contour::parse(&name, &self.text, self.options.contour_offset, map.source_shape())
            .map_err(|skipped| skipped.of(annotation.file))?;
        let moved = |error: PolygonError| {
            Skipped::new(Place::file(name.as_str()), Reason::ContourUnreadable, error.to_string())
                .of(annotation.file)
        };
        let area = contour.area();
        let fitted = match map.is_identity() {
            true => contour,
            false => contour.map(|point| map.map_point(point)).map_err(moved)?,
        };
        self.times.rasterize += start.elapsed();
        Ok((sha256, area, fitted))
    }

    /// True if enough contours are left to make a labelled sample.
    fn is_labelled(&self, facts: &[Option<AnnotationFacts>]) -> bool {
        match self.options.require {
            Require::Any => facts.iter().any(Option::is_some),
            Require::All => facts.iter().all(Option::is_some),
        }
    }

    /// Leaves out the good contours of a sample that lacks another one.
    fn leave_out(&self, sample: &Sample, facts: &[Option<AnnotationFacts>], remarks: &mut Remarks) {
        for (plane, _) in facts.iter().enumerate().filter(|(_, facts)| facts.is_some()) {
            let detail = "another structure of its sample was rejected, and --require all asks for all";
            skip_annotations(self.plan, (sample, plane), Reason::StructureMissing, detail, remarks);
        }
    }
}

/// Rejects the image of `sample` for the reason in `skipped`, and its contours with it.
pub fn reject_image(plan: &SampleSet, sample: &Sample, skipped: Skipped, remarks: &mut Remarks) {
    for plane in 0..sample.annotations.len() {
        let detail = format!("its image {} was rejected", skipped.place.file);
        skip_annotations(plan, (sample, plane), Reason::ImageRejected, &detail, remarks);
    }
    remarks.skipped.push(skipped.of(sample.image.file));
}

/// Leaves out the annotations in one plane of a sample.
pub fn skip_annotations(
    plan: &SampleSet,
    (sample, plane): (&Sample, usize),
    reason: Reason,
    detail: &str,
    remarks: &mut Remarks,
) {
    for one in &sample.annotations[plane] {
        let place = Place::file(format!("{}{}", plan.catalog.name(one.file), one.part));
        remarks.skipped.push(Skipped::new(place, reason, detail).of(one.file));
    }
}

/// VOI LUT Function.
const VOI_LUT_FUNCTION: u32 = 0x0028_1056;
/// VOI LUT Sequence.
const VOI_LUT_SEQUENCE: u32 = 0x0028_3010;

/// Notes what of an image's header was present but unreadable, what departs from the standard, and that values were
/// rounded.
fn note_losses(
    name: &str,
    header: &ImageHeader,
    stored: &StoredPixels,
    rounded: bool,
    remarks: &mut Remarks,
) {
    for leniency in header.leniencies.union(stored.leniencies()) {
        remarks.notes.push(Note::new(Place::file(name), leniency.to_string()));
    }
    for attribute in &header.unreadable {
        let place = Place::file(name).at_attribute(attribute.to_string());
        let text = match attribute.tag == VOI_LUT_FUNCTION {
            true => "has no defined term; LINEAR is taken in its place",
            false => "present but unreadable; the file has NaN in its place",
        };
        remarks.notes.push(Note::new(place, text));
    }
    if header.has_voi_lut {
        let place = Place::file(name).at_attribute(Attribute::from_tag(VOI_LUT_SEQUENCE).to_string());
        let text = "VOI LUTs are not applied; --normalize window uses Window Center and Window Width";
        remarks.notes.push(Note::new(place, text));
    }
    if rounded {
        let text = match header.stored {
            StoredFormat::Float64 => "values of Double Float Pixel Data are rounded to the nearest float32",
            _ => "rescaled values are rounded to the nearest float32",
        };
        remarks.notes.push(Note::new(Place::file(name), text));
    }
}
