//! The mask rule where none is asked for: that of the annotations.

use super::PrepError;
use crate::files::FileKind;
use crate::layout::SampleSet;
use crate::model::{Evidence, Part};
use crate::raster::MaskRule;

/// The usual rule of the annotations in `pairs`, and its ground.
///
/// Planning systems trace structures through pixel centres, so that regions of interest own the centres on their contours.
///
/// # Errors
/// [`PrepError::MixedRules`] where contour texts and regions of interest are mixed, whose usual rules differ.
pub(super) fn usual_rule(pairs: &SampleSet, evidence: &mut Evidence) -> Result<MaskRule, PrepError> {
    let (mut has_regions, mut has_texts) = (false, false);
    for (_, annotation) in pairs.samples.iter().flat_map(|sample| sample.references()) {
        match annotation.part {
            Part::Roi(_) => has_regions = true,
            Part::Whole => has_texts |= pairs.catalog.kind(annotation.file) == FileKind::ContourText,
            Part::Segment(_) | Part::Label(_) => {}
        }
    }
    match (has_regions, has_texts) {
        (true, true) => Err(PrepError::MixedRules),
        (true, false) => {
            evidence.assume(
                "mask-rule",
                "center-inclusive: contours of RTSTRUCT are taken to run through pixel centres, as planning systems \
                 draw them",
            );
            Ok(MaskRule::CenterInclusive)
        }
        (false, true) => {
            evidence
                .assume("mask-rule", "center: a pixel belongs to a contour text that encloses its centre");
            Ok(MaskRule::Center)
        }
        // Nothing is rasterized.
        (false, false) if pairs.layout == "dicom" => Ok(MaskRule::CenterInclusive),
        (false, false) => Ok(MaskRule::Center),
    }
}
