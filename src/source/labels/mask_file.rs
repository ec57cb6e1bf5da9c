//! A mask image as an annotation file.

use super::{LabelSelection, MaskImage};
use crate::model::{Mask, Part, Place};
use crate::source::annotation::{
    AnnotationError, AnnotationFault, AnnotationFile, Drawn, FrameKey, PartInfo,
};

/// A mask image beside the image that it belongs to: [`Part::Whole`] is every value above 0, [`Part::Label`] one value.
#[derive(Debug, Clone, PartialEq)]
pub struct MaskFile {
    file: String,
    image: MaskImage,
    parts: Vec<PartInfo>,
    inverted: bool,
}

/// A mask image with more values than this has none that are listed.
const MOST_LISTED: usize = 64;

impl MaskFile {
    /// The mask `image` of `file`; `inverted` exchanges structure and background.
    #[must_use]
    pub fn new(file: impl Into<String>, image: MaskImage, inverted: bool) -> Self {
        let pixels = |count: usize| vec![("pixels".to_owned(), count)];
        let counts = image.counts(MOST_LISTED).unwrap_or_default();
        let all = image.mask(LabelSelection::AboveZero).count_ones();
        let whole = PartInfo { part: Part::Whole, kinds: pixels(all), images: 1, ..PartInfo::default() };
        let labels = counts.into_iter().map(|(value, count)| PartInfo {
            part: Part::Label(value),
            kinds: pixels(count),
            images: 1,
            ..PartInfo::default()
        });
        let parts = std::iter::once(whole).chain(labels).collect();
        Self { file: file.into(), image, parts, inverted }
    }
}

impl AnnotationFile for MaskFile {
    fn parts(&self) -> &[PartInfo] {
        &self.parts
    }

    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError> {
        let failed =
            |fault: AnnotationFault| AnnotationError { place: Box::new(Place::file(&*self.file)), fault };
        let selection = match part {
            Part::Whole => LabelSelection::AboveZero,
            Part::Label(value) => LabelSelection::Value(value),
            Part::Roi(_) | Part::Segment(_) => {
                let present = "a mask image has values, as in mask.png#128".to_owned();
                return Err(failed(AnnotationFault::NoPart { part, present }));
            }
        };
        let mut mask = self.image.mask_for(frame.shape, selection).map_err(|fault| failed(fault.into()))?;
        if self.inverted {
            mask.toggle(&Mask::from_fn(frame.shape, |_, _| true));
        }
        Ok(Drawn::Raster(mask))
    }

    fn annotates(&self, _: Part, _: &FrameKey) -> Result<bool, AnnotationError> {
        Ok(true)
    }

    fn notes(&self) -> &[String] {
        self.image.notes()
    }

    fn has_labels(&self) -> bool {
        true
    }
}
