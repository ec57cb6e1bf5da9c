//! Options that decide the content of the file, and the part of the machine that is used for it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config;
use super::grouping::Grouping;
use super::splits::Splits;
use crate::assemble::Fit;
use crate::audit::{AuditOptions, AuditProfile, CheckLevels, Thresholds};
use crate::layout::{Require, Select, StructurePatterns};
use crate::model::{GridShape, Padding, PixelType, choice, is_default};
use crate::raster::{Combine, MaskRule};
use crate::source::{AnnotationOptions, Limits, Monochrome1};
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

choice!(Unlabelled {
    Skip => "skip",
    Include => "include",
});

/// Handling of an annotation in which the audit finds an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFinding {
    /// It is left out.
    #[default]
    Reject,
    /// It stays, and is listed with the findings.
    Keep,
}

choice!(OnFinding {
    Reject => "reject",
    Keep => "keep",
});

/// Treatment of patients that share a study or, by their headers, are one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnShared {
    /// They stand in one split.
    #[default]
    Join,
    /// All but the first are left out.
    Reject,
    /// They are reported, and treated as different persons.
    Ignore,
}

choice!(OnShared {
    Join => "join",
    Reject => "reject",
    Ignore => "ignore",
});

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

choice!(ColorChoice {
    Auto => "auto",
    Keep => "keep",
    Gray => "gray",
});

/// The size of the images of the file, where it is not one that all have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageSize {
    /// This one: the options say how images of another size come to it.
    Fixed(GridShape),
    /// Each image has its own; chunks have the rows of the tallest and the columns of the widest.
    Varied,
}

impl ImageSize {
    /// The size that all images come to.
    #[must_use]
    pub fn fixed(self) -> Option<GridShape> {
        match self {
            Self::Fixed(shape) => Some(shape),
            Self::Varied => None,
        }
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(shape) => shape.fmt(f),
            Self::Varied => f.write_str("varied"),
        }
    }
}

impl FromStr for ImageSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "varied" { Ok(Self::Varied) } else { text.parse().map(Self::Fixed) }
    }
}

/// Everything that `prep` can be told, apart from where things are. The options that decide the content of the file are
/// serialized, as its attribute `config`; the usual value of an option that older versions do not know is left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PrepOptions {
    /// The mask planes, in order, and what they are called in the data; `None` leaves them to the layout.
    #[serde(flatten, with = "config::structures")]
    pub structures: Option<StructurePatterns>,
    /// Number of them that a sample needs.
    pub require: Require,
    /// Handling of images without a contour.
    pub unlabelled: Unlabelled,
    /// Rule that assigns pixels to a contour; `None` is the usual rule of the annotations. A plan knows it.
    pub mask_rule: Option<MaskRule>,
    /// Combination of several contours of one structure on one image into one mask.
    #[serde(default, skip_serializing_if = "is_default")]
    pub combine: Combine,
    /// Options of reading annotation files of several structures.
    #[serde(flatten)]
    pub annotation: AnnotationOptions,
    /// Added to every contour point, `[x, y]` in pixels.
    pub contour_offset: [f64; 2],
    /// The type of the pixels; `None` chooses by what the images hold.
    #[serde(rename = "dtype", with = "config::auto")]
    pub pixel_type: Option<PixelType>,
    /// The size of the images; `None` asks for all to have one size.
    #[serde(with = "config::auto")]
    pub size: Option<ImageSize>,
    /// Handling of images of another size.
    pub fit: Fit,
    /// The distances between rows and between columns in mm that images are resampled to; `None` keeps their own.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "config::spacing")]
    pub spacing: Option<[f64; 2]>,
    /// Treatment of padding in statistics.
    #[serde(default, skip_serializing_if = "is_default")]
    pub padding: Padding,
    /// Handling of MONOCHROME1 images.
    pub monochrome1: Monochrome1,
    /// Treatment of colour.
    #[serde(default, skip_serializing_if = "is_default")]
    pub color: ColorChoice,
    /// Origin of the splits. A table, and the splits of an earlier file, are not recorded.
    #[serde(rename = "split")]
    pub splits: Splits,
    /// Groups, strata and folds of the patients.
    #[serde(flatten)]
    pub grouping: Grouping,
    /// Treatment of patients that share a study or a person.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_shared: OnShared,
    /// Compression of the chunks.
    pub compression: Compression,
    /// The encoder of the images; `None` chooses by a few of them. It is not asked where nothing is compressed.
    #[serde(with = "config::encoder")]
    pub encoder: Option<Encoder>,
    /// The key of the pseudonyms, where they are asked for. It is not recorded, but that there is one.
    #[serde(rename = "pseudonyms", serialize_with = "config::is_some", skip_deserializing)]
    pub pseudonym_key: Option<Vec<u8>>,
    /// Limits of the inputs.
    #[serde(flatten)]
    pub limits: Limits,
    /// Number of threads, at least 1. The file does not depend on it.
    #[serde(skip, default = "config::one_thread")]
    pub threads: usize,
    /// Handling of an annotation in which the audit finds an error.
    pub on_finding: OnFinding,
    /// Thresholds of findings.
    #[serde(rename = "audit")]
    pub thresholds: Thresholds,
    /// Kind of images that the audit supposes.
    #[serde(default, skip_serializing_if = "is_default")]
    pub profile: AuditProfile,
    /// Severities of the audit's checks by choice.
    #[serde(rename = "checks", default, skip_serializing_if = "is_default")]
    pub levels: CheckLevels,
    /// Refuse to write a file where anything was rejected.
    #[serde(skip)]
    pub strict: bool,
    /// The share of the plan that is made; `None` is all of it.
    #[serde(skip)]
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
    /// The options that decide the content of the file, for its attribute `config`: no path, no thread count. `encoder`
    /// is the one that was chosen for the images.
    pub(super) fn config(&self, encoder: Encoder) -> Value {
        let encoder = self.compression.is_on().then_some(encoder);
        let resolved = Self { mask_rule: Some(self.mask_rule()), encoder, ..self.clone() };
        serde_json::to_value(resolved).expect("every option is a JSON value, and every key a text")
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

    /// Rule that assigns pixels to a contour.
    pub(super) fn mask_rule(&self) -> MaskRule {
        self.mask_rule.unwrap_or(MaskRule::Center)
    }

    /// Options of the audit.
    pub(super) fn audit(&self) -> AuditOptions {
        let Self { thresholds, contour_offset, combine, profile, limits, .. } = *self;
        let (mask_rule, levels) = (self.mask_rule(), self.levels.clone());
        AuditOptions { thresholds, contour_offset, mask_rule, combine, profile, levels, limits }
    }

    /// The number of the seed, 0 where there is none.
    pub(super) fn split_seed(&self) -> u64 {
        match &self.splits {
            Splits::Fractions(_, seed) | Splits::Kept { seed, .. } => *seed,
            Splits::Table(_) => 0,
        }
    }
}
