//! The options of a finished file, read back from its attribute `config`.

use serde::Deserialize;

use super::{PrepError, PrepOptions};
use crate::model::StructureSet;

/// Options of a finished file.
#[derive(Debug, Clone)]
pub struct RecordedOptions {
    /// The options, with the encoder that was chosen. Splits are not among them where they came from a table,
    /// pseudonyms have no key, and there is one thread.
    pub options: PrepOptions,
    /// The names of the mask planes.
    pub structures: StructureSet,
    /// True if ids are pseudonyms.
    pub has_pseudonyms: bool,
}

/// The options that [`PrepOptions`] does not read back.
#[derive(Deserialize)]
struct Others {
    pseudonyms: bool,
}

impl RecordedOptions {
    /// Reads the text that [`PrepOptions`] wrote as the attribute `config`.
    ///
    /// # Errors
    /// [`PrepError::Config`] where it lacks an option, or has a value that this program does not know.
    pub fn parse(config: &str) -> Result<Self, PrepError> {
        let wrong = |error: serde_json::Error| PrepError::Config { message: error.to_string() };
        let options: PrepOptions = serde_json::from_str(config).map_err(wrong)?;
        let Others { pseudonyms } = serde_json::from_str(config).map_err(wrong)?;
        let structures = options.structures.as_ref().map(|patterns| patterns.names().clone());
        let structures =
            structures.ok_or_else(|| PrepError::Config { message: "no structures".to_owned() })?;
        Ok(Self { options, structures, has_pseudonyms: pseudonyms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::Fit;
    use crate::audit::{AuditProfile, CheckLevels, Thresholds};
    use crate::layout::{Require, StructurePatterns};
    use crate::model::{GridShape, Padding, PixelType};
    use crate::prep::{ColorChoice, Grouping, ImageSize, OnFinding, OnShared, Splits, Unlabelled};
    use crate::raster::{Combine, MaskRule};
    use crate::source::{AnnotationOptions, Limits, Monochrome1};
    use crate::split::SplitSpec;
    use crate::store::{Compression, Encoder};

    #[test]
    fn reads_what_was_written() {
        let splits = [Splits::Fractions(SplitSpec::parse("train=0.5,val=0.5").unwrap(), 7)];
        for (splits, fit) in splits.into_iter().zip([Fit::Resize]) {
            let options = PrepOptions {
                structures: Some(StructurePatterns::parse("outer,lv=inner").unwrap()),
                require: Require::All,
                unlabelled: Unlabelled::Include,
                mask_rule: Some(MaskRule::CenterInclusive),
                combine: Combine::Union,
                annotation: AnnotationOptions { fractional: 0.25, ..AnnotationOptions::default() },
                contour_offset: [-0.1, 1e-9],
                pixel_type: Some(PixelType::Float32),
                size: Some(ImageSize::Fixed(GridShape::new(64, 48).unwrap())),
                fit,
                spacing: Some([0.5, 1.25]),
                padding: Padding::Keep,
                monochrome1: Monochrome1::Keep,
                color: ColorChoice::Gray,
                splits,
                grouping: Grouping { group: Some("site".to_owned()), stratify: None, folds: Some(5) },
                on_shared: OnShared::Reject,
                compression: Compression::new(9).unwrap(),
                encoder: None,
                pseudonym_key: Some(vec![1]),
                limits: Limits { max_image_bytes: 12_345, max_image_pixels: 678 },
                threads: 3,
                on_finding: OnFinding::Keep,
                thresholds: Thresholds { displaced: 12.5, ..Thresholds::default() },
                profile: AuditProfile::General,
                levels: {
                    let mut levels = CheckLevels::default();
                    levels.add("spike=error").unwrap();
                    levels
                },
                strict: true,
                shard: Some(crate::prep::Share { index: 1, count: 2 }),
            };
            let config = options.config(Encoder::Library);
            let read = RecordedOptions::parse(&config.to_string()).unwrap();
            assert_eq!((read.options.encoder, read.has_pseudonyms), (Some(Encoder::Library), true));
            let mut again = read.options.config(Encoder::Library);
            again["pseudonyms"] = true.into();
            assert_eq!(again, config);
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        let config = r#"{"require":"some"}"#;
        for (text, named) in [("", "EOF"), ("{}", "missing field"), ("[]", "expected"), (config, "`some`")] {
            let error = RecordedOptions::parse(text).unwrap_err();
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
