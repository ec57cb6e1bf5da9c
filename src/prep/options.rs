//! Options that decide the content of the file, and the part of the machine that is used for it.

use serde::Serialize;
use serde_json::{Value, json};

use super::EarlierSplits;
use crate::assemble::Fit;
use crate::audit::{AuditOptions, AuditProfile, CheckLevels, Thresholds};
use crate::layout::{Require, Select, StructurePatterns};
use crate::model::{GridShape, Padding, PixelType};
use crate::raster::{Combine, MaskRule};
use crate::source::{AnnotationOptions, ContourSpacing, Limits, Monochrome1};
use crate::split::{SplitFile, SplitSpec};
use crate::store::{Compression, Encoder};

/// Handling of images without a contour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlabelled {
    /// They are left out.
    #[default]
    Skip,
    /// They become samples whose `annotated` is 0.
    Include,
}

/// Handling of an annotation in which the audit finds an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFinding {
    /// It is left out.
    #[default]
    Reject,
    /// It stays, and the findings tell of it.
    Keep,
}

/// Treatment of patients that share a study or, by their headers, are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnShared {
    /// They stand in one split.
    #[default]
    Join,
    /// All but the first are left out.
    Reject,
    /// They are told of, and treated as different persons.
    Ignore,
}

impl OnShared {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Join, Self::Reject, Self::Ignore];

    /// The name in options and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Reject => "reject",
            Self::Ignore => "ignore",
        }
    }
}

/// Channels of the images of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// Those of the images: 3 where all are in colour, 1 where all are monochrome; images of both kinds are refused.
    #[default]
    Auto,
    /// 3 where any image is in colour: monochrome ones have three equal channels then.
    Keep,
    /// 1: the luma of colour images (ITU-R BT.601).
    Gray,
}

impl ColorChoice {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Keep, Self::Gray];

    /// The spelling in options and in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Keep => "keep",
            Self::Gray => "gray",
        }
    }
}

/// Origin of the splits.
#[derive(Debug, Clone)]
pub enum Splits {
    /// Fractions of the patients, and the seed.
    Fractions(SplitSpec, u64),
    /// A table of patients.
    Table(SplitFile),
    /// An earlier file, for the patients that it has; fractions and seed for others.
    Kept {
        /// The splits of the earlier file.
        earlier: EarlierSplits,
        /// Fractions of the others.
        spec: SplitSpec,
        /// Seed of the others.
        seed: u64,
    },
}

/// Everything that `prep` can be told, apart from where things are.
#[derive(Debug, Clone)]
pub struct PrepOptions {
    /// The mask planes, in order, and what they are called in the data; `None` leaves them to the layout.
    pub structures: Option<StructurePatterns>,
    /// Number of them that a sample needs.
    pub require: Require,
    /// Handling of images without a contour.
    pub unlabelled: Unlabelled,
    /// Rule that assigns pixels to a contour; `None` is the usual rule of the annotations. A plan knows it.
    pub mask_rule: Option<MaskRule>,
    /// Combination of several contours of one structure on one image into one mask.
    pub combine: Combine,
    /// Options of reading annotation files of several structures.
    pub annotation: AnnotationOptions,
    /// Added to every contour point, `[x, y]` in pixels.
    pub contour_offset: [f64; 2],
    /// The type of the pixels; `None` chooses by what the images hold.
    pub pixel_type: Option<PixelType>,
    /// The size of the images; `None` asks for all to have one size.
    pub size: Option<GridShape>,
    /// Handling of images of another size.
    pub fit: Fit,
    /// The distances between rows and between columns in mm that images are brought to; `None`: they keep their own.
    pub spacing: Option<[f64; 2]>,
    /// Treatment of padding in statistics.
    pub padding: Padding,
    /// Handling of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// Treatment of colour.
    pub color: ColorChoice,
    /// Origin of the splits.
    pub splits: Splits,
    /// Treatment of patients that share a study or a person.
    pub on_shared: OnShared,
    /// Compression of the chunks.
    pub compression: Compression,
    /// The encoder of the images; `None` chooses by a few of them. It is not asked where nothing is compressed.
    pub encoder: Option<Encoder>,
    /// The key of the pseudonyms, where they are asked for.
    pub pseudonym_key: Option<Vec<u8>>,
    /// Limits of the inputs.
    pub limits: Limits,
    /// Number of threads, at least 1. The file does not depend on it.
    pub threads: usize,
    /// Handling of an annotation in which the audit finds an error.
    pub on_finding: OnFinding,
    /// Thresholds of findings.
    pub thresholds: Thresholds,
    /// Kind of images that the audit supposes.
    pub profile: AuditProfile,
    /// Severities of the audit's checks by choice.
    pub levels: CheckLevels,
    /// Refuse to write a file where anything was rejected.
    pub strict: bool,
    /// The share of the plan that is made; `None` is all of it.
    pub shard: Option<Share>,
}

/// One of several shares of a plan, which together are all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Index of the share, counted from 0; below `count`.
    pub index: u32,
    /// Number of them.
    pub count: u32,
}

impl Share {
    /// Parses `I/N` with 0 <= I < N.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.split_once('/')?;
        let share = Self { index: index.parse().ok()?, count: count.parse().ok()? };
        (share.index < share.count).then_some(share)
    }
}

impl PrepOptions {
    /// The options that decide the content of the file, for its attribute `config`: no path, no thread
    /// count. `encoder` is what was chosen for the images.
    pub(super) fn config(&self, encoder: Encoder) -> Value {
        let splits = match &self.splits {
            Splits::Fractions(spec, seed) => json!({ "fractions": spec.to_string(), "seed": seed }),
            Splits::Table(_) => json!({ "table": true }),
            Splits::Kept { spec, seed, .. } => {
                json!({ "fractions": spec.to_string(), "seed": seed, "kept": true })
            }
        };
        let mut config = json!({
            "structures": self.structures.iter().flat_map(|s| s.names().names()).collect::<Vec<_>>(),
            "require": match self.require { Require::Any => "any", Require::All => "all" },
            "unlabelled": match self.unlabelled { Unlabelled::Skip => "skip", Unlabelled::Include => "include" },
            "mask_rule": self.mask_rule().name(),
            "contour_offset": self.contour_offset,
            "dtype": self.pixel_type.map_or("auto", PixelType::name),
            "size": self.size.map_or_else(|| "auto".to_owned(), |size| size.to_string()),
            "fit": self.fit.name(),
            "monochrome1": match self.monochrome1 { Monochrome1::Invert => "invert", Monochrome1::Keep => "keep" },
            "split": splits,
            "compression": self.compression.level(),
            "encoder": if self.compression.is_on() { encoder.name() } else { "none" },
            "on_finding": match self.on_finding { OnFinding::Reject => "reject", OnFinding::Keep => "keep" },
            "audit": self.thresholds_json(),
            "pseudonyms": self.pseudonym_key.is_some(),
            "max_image_bytes": self.limits.max_image_bytes,
            "max_image_pixels": self.limits.max_image_pixels,
        });
        // What the structures are called in the data, where they have other names there.
        if let Some(patterns) = self.structures.as_ref().filter(|patterns| !patterns.are_names()) {
            config["structure_patterns"] = patterns.to_string().into();
        }
        if self.profile != AuditProfile::Auto {
            config["profile"] = self.profile.name().into();
        }
        let levels: Vec<_> = self.levels.names().map(|(check, level)| format!("{check}={level}")).collect();
        if !levels.is_empty() {
            config["checks"] = levels.into();
        }
        if self.on_shared != OnShared::Join {
            config["on_shared"] = self.on_shared.name().into();
        }
        if self.color != ColorChoice::Auto {
            config["color"] = self.color.name().into();
        }
        // What is usual is not mentioned.
        if let Some(spacing) = self.spacing {
            config["spacing"] = json!(spacing);
        }
        if self.padding == Padding::Keep {
            config["padding"] = self.padding.name().into();
        }
        self.record_annotation(&mut config);
        config
    }

    /// Records how annotation files are read, where it is not the usual way.
    fn record_annotation(&self, config: &mut Value) {
        let usual = AnnotationOptions::default();
        let AnnotationOptions {
            contour_spacing,
            fractional,
            resample_labels,
            mask_invert,
            plane_tolerance,
            volume_join,
        } = self.annotation;
        if self.combine != Combine::EvenOdd {
            config["combine"] = self.combine.name().into();
        }
        if contour_spacing == ContourSpacing::Swapped {
            config["contour_spacing"] = "swapped".into();
        }
        if fractional != usual.fractional {
            config["fractional"] = fractional.into();
        }
        if resample_labels {
            config["resample_labels"] = true.into();
        }
        if mask_invert {
            config["mask_invert"] = true.into();
        }
        if let Some(tolerance) = plane_tolerance {
            config["plane_tol"] = tolerance.into();
        }
        if volume_join != usual.volume_join {
            config["volume_join"] = volume_join.name().into();
        }
    }

    /// Selection for the layout.
    pub(super) fn select(&self) -> Select {
        Select {
            structures: self.structures.clone().into(),
            require: self.require,
            annotation: self.annotation,
            images_alone: self.unlabelled == Unlabelled::Include,
        }
    }

    /// Which pixels a contour owns.
    pub(super) fn mask_rule(&self) -> MaskRule {
        self.mask_rule.unwrap_or(MaskRule::Center)
    }

    fn thresholds_json(&self) -> Value {
        let all = Thresholds::ALL.iter().map(|t| (t.name.to_owned(), json!(self.thresholds.get(t.name))));
        Value::Object(all.collect())
    }

    /// Options of the audit.
    pub(super) fn audit(&self) -> AuditOptions {
        let Self { thresholds, contour_offset, profile, limits, .. } = *self;
        AuditOptions { thresholds, contour_offset, profile, levels: self.levels.clone(), limits }
    }

    /// The number of the seed, 0 where there is none.
    pub(super) fn split_seed(&self) -> u64 {
        match &self.splits {
            Splits::Fractions(_, seed) | Splits::Kept { seed, .. } => *seed,
            Splits::Table(_) => 0,
        }
    }
}
