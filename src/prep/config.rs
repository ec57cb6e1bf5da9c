//! The options of a finished file, read back from its attribute `config`.

use serde_json::Value;

use super::{ColorChoice, OnFinding, OnShared, PrepError, PrepOptions, Splits, Unlabelled};
use crate::assemble::Fit;
use crate::audit::{AuditProfile, CheckLevels, Thresholds};
use crate::layout::{Require, StructurePatterns};
use crate::model::{GridShape, Padding, PixelType, StructureSet};
use crate::raster::{Combine, MaskRule};
use crate::source::{AnnotationOptions, ContourSpacing, JoinBy, Limits, Monochrome1};
use crate::split::SplitSpec;
use crate::store::{Compression, Encoder};

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

impl RecordedOptions {
    /// Reads the text that [`PrepOptions`] wrote as the attribute `config`.
    ///
    /// # Errors
    /// [`PrepError::Config`] where it lacks an option, or has a value that this program does not know.
    pub fn parse(config: &str) -> Result<Self, PrepError> {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let config = Config(&config);
        let structures = config.structures()?;
        let names = structures.names().clone();
        let offset = |axis: usize| config.0["contour_offset"][axis].as_f64().ok_or(unknown("contour_offset"));
        let compression = config.0["compression"].as_u64().and_then(|level| u8::try_from(level).ok());
        let [planes, library] = Encoder::ALL.map(|encoder| (encoder.name(), Some(encoder)));
        Ok(Self {
            options: PrepOptions {
                structures: Some(structures),
                require: config.named("require", &[("any", Require::Any), ("all", Require::All)])?,
                unlabelled: config
                    .named("unlabelled", &[("skip", Unlabelled::Skip), ("include", Unlabelled::Include)])?,
                mask_rule: Some(config.named("mask_rule", &MaskRule::ALL.map(|rule| (rule.name(), rule)))?),
                combine: config.combine()?,
                annotation: config.annotation(),
                contour_offset: [offset(0)?, offset(1)?],
                pixel_type: config.or_auto("dtype", |name| {
                    PixelType::ALL.into_iter().find(|pixel_type| pixel_type.name() == name)
                })?,
                size: config.or_auto("size", parse_size)?,
                fit: config.named("fit", &[Fit::Pad, Fit::Crop, Fit::Resize].map(|fit| (fit.name(), fit)))?,
                spacing: config.spacing()?,
                padding: config.padding()?,
                monochrome1: config
                    .named("monochrome1", &[("invert", Monochrome1::Invert), ("keep", Monochrome1::Keep)])?,
                color: config.color()?,
                splits: config.splits()?,
                on_shared: config.on_shared()?,
                compression: compression.and_then(Compression::new).ok_or(unknown("compression"))?,
                encoder: config.named("encoder", &[planes, library, ("none", None)])?,
                pseudonym_key: None,
                limits: Limits {
                    max_image_bytes: config.whole("max_image_bytes")?,
                    max_image_pixels: config.whole("max_image_pixels")?,
                },
                threads: 1,
                on_finding: config
                    .named("on_finding", &[("reject", OnFinding::Reject), ("keep", OnFinding::Keep)])?,
                thresholds: config.thresholds()?,
                profile: config.profile()?,
                levels: config.levels()?,
                strict: false,
                shard: None,
            },
            structures: names,
            has_pseudonyms: config.0["pseudonyms"].as_bool().ok_or(unknown("pseudonyms"))?,
        })
    }
}

struct Config<'c>(&'c Value);

impl Config<'_> {
    fn structures(&self) -> Result<StructurePatterns, PrepError> {
        let names = self.0["structures"].as_array().ok_or(unknown("structures"))?;
        let names = names.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
        let names = names.and_then(|names| StructureSet::new(names).ok()).ok_or(unknown("structures"))?;
        match self.0["structure_patterns"].as_str() {
            None => Ok(StructurePatterns::of_names(names)),
            Some(text) => StructurePatterns::parse(text).map_err(|_| unknown("structure_patterns")),
        }
    }

    fn color(&self) -> Result<ColorChoice, PrepError> {
        let Some(name) = self.0["color"].as_str() else { return Ok(ColorChoice::Auto) };
        ColorChoice::ALL.into_iter().find(|choice| choice.name() == name).ok_or(unknown("color"))
    }

    fn combine(&self) -> Result<Combine, PrepError> {
        match self.0["combine"].as_str() {
            None => Ok(Combine::EvenOdd),
            Some(name) if name == Combine::Union.name() => Ok(Combine::Union),
            Some(_) => Err(unknown("combine")),
        }
    }

    fn profile(&self) -> Result<AuditProfile, PrepError> {
        match self.0["profile"].as_str() {
            None => Ok(AuditProfile::Auto),
            Some(_) => self.named("profile", &AuditProfile::ALL.map(|profile| (profile.name(), profile))),
        }
    }

    fn levels(&self) -> Result<CheckLevels, PrepError> {
        let mut levels = CheckLevels::default();
        for text in self.0["checks"].as_array().into_iter().flatten() {
            let added = text.as_str().map(|text| levels.add(text));
            added.and_then(Result::ok).ok_or(unknown("checks"))?;
        }
        Ok(levels)
    }

    fn on_shared(&self) -> Result<OnShared, PrepError> {
        match self.0["on_shared"].as_str() {
            None => Ok(OnShared::Join),
            Some(_) => self.named("on_shared", &OnShared::ALL.map(|choice| (choice.name(), choice))),
        }
    }

    fn spacing(&self) -> Result<Option<[f64; 2]>, PrepError> {
        let spacing = &self.0["spacing"];
        if spacing.is_null() {
            return Ok(None);
        }
        let mm = |axis: usize| spacing[axis].as_f64().filter(|mm| mm.is_finite() && *mm > 0.0);
        mm(0).zip(mm(1)).map(|(rows, columns)| Some([rows, columns])).ok_or(unknown("spacing"))
    }

    fn padding(&self) -> Result<Padding, PrepError> {
        match self.0["padding"].as_str() {
            None => Ok(Padding::Exclude),
            Some(name) => {
                let known = Padding::ALL.into_iter().find(|padding| padding.name() == name);
                known.ok_or(unknown("padding"))
            }
        }
    }

    fn annotation(&self) -> AnnotationOptions {
        let usual = AnnotationOptions::default();
        let is_swapped = self.0["contour_spacing"] == "swapped";
        AnnotationOptions {
            contour_spacing: if is_swapped { ContourSpacing::Swapped } else { usual.contour_spacing },
            fractional: self.0["fractional"].as_f64().unwrap_or(usual.fractional),
            resample_labels: self.0["resample_labels"] == true,
            mask_invert: self.0["mask_invert"] == true,
            plane_tolerance: self.0["plane_tol"].as_f64(),
            volume_join: JoinBy::ALL
                .into_iter()
                .find(|join| self.0["volume_join"] == join.name())
                .unwrap_or(usual.volume_join),
        }
    }

    fn text(&self, option: &'static str) -> Result<&str, PrepError> {
        self.0[option].as_str().ok_or(unknown(option))
    }

    fn whole(&self, option: &'static str) -> Result<u64, PrepError> {
        self.0[option].as_u64().ok_or(unknown(option))
    }

    fn named<T: Copy>(&self, option: &'static str, choices: &[(&str, T)]) -> Result<T, PrepError> {
        let name = self.text(option)?;
        choices.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or(unknown(option))
    }

    fn or_auto<T>(
        &self,
        option: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, PrepError> {
        match self.text(option)? {
            "auto" => Ok(None),
            text => parse(text).map(Some).ok_or(unknown(option)),
        }
    }

    fn thresholds(&self) -> Result<Thresholds, PrepError> {
        let mut thresholds = Thresholds::default();
        for threshold in &Thresholds::ALL {
            let value = self.0["audit"][threshold.name].as_f64().ok_or(unknown("audit"))?;
            thresholds.set(threshold.name, value);
        }
        Ok(thresholds)
    }

    fn splits(&self) -> Result<Splits, PrepError> {
        let split = &self.0["split"];
        if split["table"].as_bool() == Some(true) {
            return Ok(Splits::Fractions(SplitSpec::NONE, 0));
        }
        let spec = split["fractions"].as_str().and_then(|text| SplitSpec::parse(text).ok());
        let (Some(spec), Some(seed)) = (spec, split["seed"].as_u64()) else { return Err(unknown("split")) };
        Ok(Splits::Fractions(spec, seed))
    }
}

fn parse_size(text: &str) -> Option<GridShape> {
    let (rows, columns) = text.split_once('x')?;
    GridShape::new(rows.parse().ok()?, columns.parse().ok()?).ok()
}

fn unknown(option: &'static str) -> PrepError {
    PrepError::Config { option }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                size: Some(GridShape::new(64, 48).unwrap()),
                fit,
                spacing: Some([0.5, 1.25]),
                padding: Padding::Keep,
                monochrome1: Monochrome1::Keep,
                color: ColorChoice::Gray,
                splits,
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
        for text in ["", "{}", "[]", r#"{"structures":["left/atrium"]}"#] {
            let error = RecordedOptions::parse(text).unwrap_err();
            assert!(matches!(error, PrepError::Config { option: "structures" }), "{error}");
        }
    }
}
