//! What decides the content of the file, and how much of the machine may be used for it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::assemble::Fit;
use crate::audit::{AuditOptions, Thresholds};
use crate::layout::{Require, Select, StructurePatterns};
use crate::model::{GridShape, PixelType};
use crate::raster::{Combine, MaskRule};
use crate::source::{AnnotationOptions, ContourSpacing, Limits, Monochrome1};
use crate::split::{SplitFile, SplitSpec};
use crate::store::{Compression, Encoder};

/// Whether images without a contour become samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlabelled {
    /// They are left out.
    #[default]
    Skip,
    /// They become samples whose `annotated` is 0.
    Include,
}

/// What becomes of an annotation that the audit finds to be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFinding {
    /// It is left out.
    #[default]
    Reject,
    /// It stays, and the findings tell of it.
    Keep,
}

/// Where the splits come from.
#[derive(Debug, Clone)]
pub enum Splits {
    /// Fractions of the patients, and the seed.
    Fractions(SplitSpec, u64),
    /// A table of patients.
    Table(SplitFile),
}

/// Everything that `prep` can be told, apart from where things are.
#[derive(Debug, Clone)]
pub struct PrepOptions {
    /// The mask planes, in order, and what they are called in the data; `None` leaves them to the layout.
    pub structures: Option<StructurePatterns>,
    /// How many of them a sample needs.
    pub require: Require,
    /// What to do with images without a contour.
    pub unlabelled: Unlabelled,
    /// Which pixels a contour owns.
    pub mask_rule: MaskRule,
    /// How several contours of one structure on one image make one mask.
    pub combine: Combine,
    /// How annotation files of several structures are read.
    pub annotation: AnnotationOptions,
    /// Added to every contour point, `[x, y]` in pixels.
    pub contour_offset: [f64; 2],
    /// The type of the pixels; `None` chooses by the headers.
    pub pixel_type: Option<PixelType>,
    /// The size of the images; `None` asks for all to have one size.
    pub size: Option<GridShape>,
    /// What to do with images of another size.
    pub fit: Fit,
    /// What to do with MONOCHROME1.
    pub monochrome1: Monochrome1,
    /// Where the splits come from.
    pub splits: Splits,
    /// Compression of the chunks.
    pub compression: Compression,
    /// The encoder of the images; `None` chooses by a few of them. It is not asked where nothing is compressed.
    pub encoder: Option<Encoder>,
    /// The key of the pseudonyms, where they are asked for.
    pub pseudonym_key: Option<Vec<u8>>,
    /// What no input may exceed.
    pub limits: Limits,
    /// Number of threads, at least 1. The file does not depend on it.
    pub threads: usize,
    /// What becomes of an annotation that the audit finds to be wrong.
    pub on_finding: OnFinding,
    /// From where on something is a finding.
    pub thresholds: Thresholds,
    /// Refuse to write a file where anything was rejected.
    pub strict: bool,
    /// The share of the plan that is made; `None` is all of it.
    pub shard: Option<Share>,
}

/// One of several shares of a plan, which together are all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Which, counted from 0; below `count`.
    pub index: u32,
    /// How many there are.
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
        };
        let mut config = json!({
            "structures": self.structures.iter().flat_map(|s| s.names().names()).collect::<Vec<_>>(),
            "require": match self.require { Require::Any => "any", Require::All => "all" },
            "unlabelled": match self.unlabelled { Unlabelled::Skip => "skip", Unlabelled::Include => "include" },
            "mask_rule": self.mask_rule.name(),
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
        self.record_annotation(&mut config);
        config
    }

    /// Records how annotation files are read, where it is not the usual way.
    fn record_annotation(&self, config: &mut Value) {
        let usual = AnnotationOptions::default();
        let AnnotationOptions { contour_spacing, fractional, resample_labels, mask_invert, volume_join } =
            self.annotation;
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
        if volume_join != usual.volume_join {
            config["volume_join"] = volume_join.name().into();
        }
    }

    /// What the layout is asked for.
    pub(super) fn select(&self) -> Select {
        Select {
            structures: self.structures.clone().into(),
            require: self.require,
            annotation: self.annotation,
        }
    }

    fn thresholds_json(&self) -> Value {
        let all = Thresholds::ALL.iter().map(|t| (t.name.to_owned(), json!(self.thresholds.get(t.name))));
        Value::Object(all.collect())
    }

    /// What the audit needs to know.
    pub(super) fn audit(&self) -> AuditOptions {
        let Self { thresholds, contour_offset, limits, .. } = *self;
        AuditOptions { thresholds, contour_offset, limits }
    }

    /// The number of the seed, 0 where there is none.
    pub(super) fn split_seed(&self) -> u64 {
        match &self.splits {
            Splits::Fractions(_, seed) => *seed,
            Splits::Table(_) => 0,
        }
    }
}
