//! The memory and the options of assembling samples.

use super::drawn::DrawnPlane;
use super::image_reader::ImageReader;
use super::regrid::ImageRegridder;
use super::{
    AnnotationFacts, AssembleOptions, FileMark, FrameFile, GridMap, Remarks, SampleFacts, Spacings,
    StageTimes,
};
use crate::layout::{Require, SampleSet};
use crate::model::{FrameRef, Mask, Padding, PaddingRange, Pixels, Place, Polygon, Reason, Sample, Skipped};
use crate::raster::Rasterizer;
use crate::source::{ImageHeader, StoredPixels};

/// Makes samples, one after the other, in memory that is used again.
pub struct Assembler<'a> {
    pub(super) plan: &'a SampleSet,
    pub(super) options: &'a AssembleOptions,
    pub(super) rasterizer: Rasterizer,
    pub(super) images: ImageReader,
    /// The multi-frame file that is open.
    pub(super) frames: Option<FrameFile>,
    /// The image that was read for the last sample.
    pub(super) image: Option<FrameRef>,
    /// The contour file.
    pub(super) text: Vec<u8>,
    pub(super) stored: StoredPixels,
    pub(super) pixels: Pixels,
    pub(super) regridder: ImageRegridder,
    pub(super) mask: Mask,
    pub(super) masks: Vec<u8>,
    pub(super) contours: Vec<Vec<Polygon>>,
    /// For each structure, the numbers of contours that make a mask together, and the masks that are no contours.
    pub(super) drawn: Vec<DrawnPlane>,
    pub(super) times: StageTimes,
    pub(super) bytes_read: u64,
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
            image: None,
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

    /// An assembler for a thread of a rayon pool, whose idle threads decode tiles of its images.
    #[must_use]
    pub fn on_pool(plan: &'a SampleSet, options: &'a AssembleOptions) -> Self {
        Self { stored: StoredPixels::on_pool(), ..Self::new(plan, options) }
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

    /// The mark of the image file of the last sample; `None` where it could not be read.
    #[must_use]
    pub fn image_mark(&self) -> Option<FileMark> {
        match self.image? {
            FrameRef { frame: 0, .. } => {
                Some(FileMark::of(self.images.bytes().len() as u64, self.images.bytes()))
            }
            FrameRef { .. } => self.frames.as_ref().map(FrameFile::mark),
        }
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

    /// The values that statistics leave out of an image with this header.
    pub(super) fn padding(&self, header: &ImageHeader) -> PaddingRange {
        match self.options.padding {
            Padding::Exclude => header.padding_range(self.options.monochrome1),
            Padding::Keep => PaddingRange::NONE,
        }
    }

    /// The way of an image with this header to the grid of the data set.
    pub(super) fn grid_map(&self, name: &str, header: &ImageHeader) -> Result<GridMap, Skipped> {
        let AssembleOptions { shape, fit, spacing, limits, .. } = *self.options;
        let spacings = spacing.map(|wanted| Spacings { wanted, source: header.geometry.pixel_spacing });
        let map = match self.options.own_size {
            true => GridMap::at_own_size(header.shape, shape, spacings),
            false => GridMap::new(header.shape, shape, fit, spacings),
        };
        let map =
            map.and_then(|map| if spacing.is_some() { map.within(limits.max_image_pixels) } else { Ok(map) });
        map.map_err(|error| Skipped::new(Place::file(name), Reason::ImageSize, error.to_string()))
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
            let annotations = &sample.annotations[plane];
            remarks.skip_annotations(&self.plan.catalog, annotations, Reason::StructureMissing, detail);
        }
    }

    /// True if `annotations` make `sample` one of the data set. Those that do not count are left out, and taken from the
    /// list and from the masks.
    pub(super) fn keep_labelled(
        &mut self,
        sample: &Sample,
        annotations: &mut [Option<AnnotationFacts>],
        remarks: &mut Remarks,
    ) -> bool {
        if self.is_labelled(annotations) {
            return true;
        }
        // Where all structures are required, an image with some of them is an image without.
        self.leave_out(sample, annotations, remarks);
        annotations.fill(None);
        self.masks.fill(0);
        self.options.keep_unlabelled
    }

    /// Facts about a sample whose image has this header, on the way of `map` to the grid of the data set.
    pub(super) fn facts(
        &self,
        source_sha256: [u8; 32],
        header: &ImageHeader,
        map: &GridMap,
        annotations: Vec<Option<AnnotationFacts>>,
    ) -> SampleFacts {
        SampleFacts {
            source_sha256,
            source_shape: header.shape,
            image_shape: if self.options.own_size { map.resampled_shape() } else { map.shape() },
            geometry: header.geometry_for(self.options.monochrome1),
            spacing: map.spacing(header.geometry.pixel_spacing),
            position: map.position(&header.geometry),
            padding: self.padding(header),
            large_is_dark: header.stays_inverted(self.options.monochrome1),
            annotations,
        }
    }
}
