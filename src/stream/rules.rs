//! Rules about options that go together, and what the options of a stream come to.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::context::MOST_BESIDE;
use super::edges::Edges;
use super::image_dtype::ImageDtype;
use super::normalize::{NormalizationChoice, NormalizationName};
use super::option_error::OptionError;
use super::options::StreamOptions;
use super::select::RowOptions;
use super::standardize::StandardizeSteps;
use crate::order::{Arrangement, BatchOptions, Rank};

impl StreamOptions {
    /// Checks that the options go together, whatever the file is.
    ///
    /// # Errors
    /// [`OptionError`].
    pub fn check(&self) -> Result<(), OptionError> {
        let steps = self.standardize_steps();
        let stored = self.image_dtype == ImageDtype::Stored;
        if stored && self.normalize != NormalizationName::None {
            return Err(OptionError::StoredFractions {
                what: format!("normalization {}", self.normalize.name()),
            });
        }
        if let Some([center, width]) = self.window {
            if self.normalize != NormalizationName::Window {
                return Err(OptionError::WindowAlone);
            }
            if !(center.is_finite() && width.is_finite() && width >= 1.0) {
                return Err(OptionError::BadWindow { center, width });
            }
        }
        if !(self.rescale as f32).is_normal() {
            return Err(OptionError::Rescale(self.rescale));
        }
        if stored && (steps.is_some() || self.zca_whitening.is_some()) {
            return Err(OptionError::StoredFractions { what: "standardization".to_owned() });
        }
        if self.held_out && self.fold.is_none() {
            return Err(OptionError::HeldOutAlone);
        }
        self.check_one_normalization()?;
        self.check_context()?;
        if self.crop.is_some() && self.size.is_none() {
            return Err(OptionError::CropAlone);
        }
        if self.size.is_some() && self.zca_whitening.is_some() {
            return Err(OptionError::Apart { one: "size", other: "zca_whitening" });
        }
        self.rank()?;
        let mut names = BTreeSet::new();
        if let Some(twice) = self.structures.iter().find(|name| !names.insert(name.as_str())) {
            return Err(OptionError::NamedTwice(twice.clone()));
        }
        Ok(())
    }

    /// Neighbours and phases are channels of their own, for which no whitening matrix was made.
    fn check_context(&self) -> Result<(), OptionError> {
        for (option, given) in [("neighbours", self.neighbours), ("phases", self.phases)] {
            if given > MOST_BESIDE {
                return Err(OptionError::TooMany { option, given, most: MOST_BESIDE });
            }
            if given > 0 && self.zca_whitening.is_some() {
                return Err(OptionError::Apart { one: option, other: "zca_whitening" });
            }
        }
        if self.neighbours > 0 && self.phases > 0 {
            return Err(OptionError::Apart { one: "neighbours", other: "phases" });
        }
        if self.edges != Edges::default() && self.neighbours == 0 {
            return Err(OptionError::EdgesAlone);
        }
        Ok(())
    }

    /// Keras' steps, whitening and other normalizations exclude each other, as whitening rescales and centers itself.
    fn check_one_normalization(&self) -> Result<(), OptionError> {
        let steps = [
            ("rescale", self.rescale != 1.0),
            ("samplewise_center", self.samplewise_center),
            ("samplewise_std_normalization", self.samplewise_std_normalization),
            ("featurewise_center", self.featurewise_center),
            ("featurewise_std_normalization", self.featurewise_std_normalization),
        ];
        let step = steps.into_iter().find(|(_, given)| *given).map(|(name, _)| name);
        let normalize = (self.normalize != NormalizationName::None).then_some("normalize");
        let whiten = self.zca_whitening.as_ref().map(|_| "zca_whitening");
        match (whiten, normalize, step) {
            (Some(one), Some(other), _) | (Some(one), None, Some(other)) | (None, Some(other), Some(one)) => {
                Err(OptionError::Conflict { one, other })
            }
            _ => Ok(()),
        }
    }

    /// Sets the option `name`, with hyphens or underscores, to a value of its type or to a text as the command line takes it.
    /// `no_shuffle` and `no_...` of other switches set the opposite.
    ///
    /// ```
    /// use dicomprep::stream::StreamOptions;
    /// # fn main() -> Result<(), dicomprep::stream::OptionError> {
    /// let mut options = StreamOptions::default();
    /// options.set("batch-size", &"8".into())?;
    /// options.set("where", &"mask_pixels.inner>50".into())?;
    /// options.set("epochs", &0.into())?;
    /// assert_eq!((options.batch_size.get(), options.conditions.len(), options.epochs), (8, 1, None));
    /// assert!(options.set("batch_size", &"none".into()).is_err());
    /// assert!(options.set("batchsize", &"8".into()).unwrap_err().to_string().contains("batch_size"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`OptionError::Unknown`], [`OptionError::Value`].
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), OptionError> {
        let mut name = name.replace('-', "_");
        let mut fields = self.to_fields();
        let mut value = value.clone();
        if let Some(positive) = name.strip_prefix("no_").filter(|positive| fields.contains_key(*positive)) {
            let off = match &value {
                Value::Bool(off) => *off,
                Value::String(text) => matches!(text.as_str(), "" | "1" | "true" | "True"),
                _ => false,
            };
            value = Value::Bool(!off);
            name = positive.to_owned();
        }
        let Some(field) = fields.get_mut(&name) else {
            let names = Self::names();
            let near = names.iter().find(|known| is_near(known, &name));
            let near = near.or_else(|| names.iter().find(|known| is_misspelt(known, &name))).copied();
            return Err(OptionError::Unknown { name, near });
        };
        // Every further condition must be met too.
        if let (Value::Array(given), true) = (&mut *field, name == "where") {
            match value.clone() {
                Value::Array(more) => given.extend(more),
                one => given.push(one),
            }
        } else {
            *field = value.clone();
        }
        let texts = self.texts;
        let why = |error: serde_json::Error| OptionError::Value {
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            why: error.to_string(),
            option: name.clone(),
        };
        *self = serde_json::from_value(Value::Object(fields)).map_err(why)?;
        self.texts = texts;
        Ok(())
    }

    /// The names of all options, in snake case.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        static NAMES: std::sync::LazyLock<Vec<String>> =
            std::sync::LazyLock::new(|| StreamOptions::default().to_fields().keys().cloned().collect());
        NAMES.iter().map(String::as_str).collect()
    }

    fn to_fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        }
    }

    /// The rows.
    pub(super) fn row_options(&self) -> RowOptions {
        RowOptions {
            split: self.split.clone(),
            fold: self.fold,
            held_out: self.held_out,
            conditions: self.conditions.clone(),
            balance: self.balance.clone(),
            allow_leak: self.allow_leak,
        }
    }

    /// Keras' steps of standardization, if any is asked for.
    pub(super) fn standardize_steps(&self) -> Option<StandardizeSteps> {
        let steps = StandardizeSteps {
            rescale: self.rescale,
            samplewise_center: self.samplewise_center,
            samplewise_std_normalization: self.samplewise_std_normalization,
            featurewise_center: self.featurewise_center,
            featurewise_std_normalization: self.featurewise_std_normalization,
        };
        (steps != StandardizeSteps::default()).then_some(steps)
    }

    pub(super) fn normalization_choice(&self) -> NormalizationChoice {
        match (self.standardize_steps(), self.window) {
            (Some(steps), _) => NormalizationChoice::Standardize(steps),
            (None, Some([center, width])) => NormalizationChoice::Window(Some((center, width))),
            (None, None) => NormalizationChoice::Named(self.normalize),
        }
    }

    pub(super) fn rank(&self) -> Result<Rank, OptionError> {
        Rank::new(self.rank, self.world_size).map_err(OptionError::Rank)
    }

    /// The options of the plan over `rows` rows.
    pub(super) fn batch_options(&self, rows: u64) -> Result<BatchOptions, OptionError> {
        Ok(BatchOptions {
            rows,
            arrangement: match self.shuffle {
                true => Arrangement::Shuffled { seed: self.seed },
                false => Arrangement::FileOrder,
            },
            epochs: self.epochs,
            rank: self.rank()?,
            uneven: self.uneven,
            batch_size: self.batch_size,
            drop_last: self.drop_last,
        })
    }
}

/// True where the names are equal but for underscores, or one is the beginning of the other.
fn is_near(known: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('_', "");
    let (known, name) = (plain(known), plain(name));
    known == name || (name.len() >= 4 && (known.starts_with(&name) || name.starts_with(&known)))
}

/// True where names of five letters or more differ in at most two that follow each other, as `neighbors`, `agument`.
fn is_misspelt(known: &str, name: &str) -> bool {
    let (longest, shortest) = (known.len().max(name.len()), known.len().min(name.len()));
    let same = known.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count();
    let reversed = known.bytes().rev().zip(name.bytes().rev());
    let same_end = reversed.take(shortest - same).take_while(|(one, other)| one == other).count();
    longest >= 5 && longest - same - same_end <= 2
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_make_the_options_that_values_make() {
        let pairs = [
            ("split", json!("train"), json!("train")),
            ("where", json!("split=val"), json!(["split=val"])),
            ("fold", json!("3"), json!(3)),
            ("held-out", json!("true"), json!(true)),
            ("structures", json!("outer, inner"), json!(["outer", "inner"])),
            ("batch-size", json!("7"), json!(7)),
            ("drop_last", json!("true"), json!(true)),
            ("epochs", json!("0"), json!(0)),
            ("no-shuffle", json!(""), json!(true)),
            ("uneven", json!("drop"), json!("drop")),
            ("image_dtype", json!("float16"), json!("float16")),
            ("window", json!("40, 400"), json!([40.0, 400.0])),
            ("zoom_range", json!("0.2"), json!(0.2)),
            ("width_shift_range", json!("1,2"), json!([1.0, 2.0])),
            ("interpolation_order", json!("3"), json!(3)),
            ("horizontal_flip", json!("true"), json!(true)),
            ("rescale", json!("0.5"), json!(0.5)),
            ("augment", json!("cardiac"), json!("cardiac")),
            ("size", json!("96x128"), json!([96, 128])),
        ];
        let [mut texts, mut values] = [StreamOptions::default(), StreamOptions::default()];
        for (name, text, value) in pairs {
            texts.set(name, &text).unwrap();
            values.set(name, &value).unwrap();
        }
        assert_eq!(texts, values);
        assert!(!texts.shuffle && texts.epochs.is_none());
        let text = serde_json::to_string(&texts).unwrap();
        assert_eq!(serde_json::from_str::<StreamOptions>(&text).unwrap(), texts);
    }

    #[test]
    fn wrong_values_name_their_option() {
        let error =
            |name: &str, value: Value| StreamOptions::default().set(name, &value).unwrap_err().to_string();
        assert_eq!(
            error("batch_size", json!("0")),
            "`0` is no value of `batch_size`: use a whole number from 1"
        );
        assert_eq!(error("seed", json!(-1)), "`-1` is no value of `seed`: use a whole number from 0");
        assert!(error("layout", json!("hwc")).contains("nhwc"));
        assert!(error("where", json!("x")).contains("operators"));
        assert_eq!(error("colour", json!(1)), "there is no option `colour`");
        for (written, meant) in
            [("neighbors", "neighbours"), ("agument", "augment"), ("normalise", "normalize")]
        {
            let text = format!("there is no option `{written}`; did you mean `{meant}`?");
            assert_eq!(error(written, json!(1)), text);
        }
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let refused = |pairs: &[(&str, &str)]| {
            let mut options = StreamOptions::default();
            for (name, value) in pairs {
                options.set(name, &json!(value)).unwrap();
            }
            options.check().unwrap_err()
        };
        let stored = refused(&[("normalize", "zscore"), ("image_dtype", "stored")]);
        assert_eq!(stored.hint().unwrap().for_shell().to_string(), "use --image-dtype float32");
        assert!(matches!(refused(&[("window", "1,2")]), OptionError::WindowAlone));
        assert!(matches!(
            refused(&[("window", "1,0"), ("normalize", "window")]),
            OptionError::BadWindow { .. }
        ));
        assert!(matches!(refused(&[("rank", "2"), ("world_size", "2")]), OptionError::Rank(_)));
        assert!(matches!(refused(&[("rescale", "0")]), OptionError::Rescale(_)));
        let both = refused(&[("rescale", "2"), ("normalize", "minmax")]);
        assert!(matches!(both, OptionError::Conflict { one: "rescale", other: "normalize" }));
        assert!(matches!(refused(&[("held_out", "true")]), OptionError::HeldOutAlone));
        let both = refused(&[("neighbours", "1"), ("phases", "1")]);
        assert_eq!(both.to_string(), "`neighbours` cannot be used with `phases`");
        assert!(matches!(refused(&[("neighbours", "33")]), OptionError::TooMany { most: 32, .. }));
        assert!(matches!(refused(&[("edges", "zero")]), OptionError::EdgesAlone));
        assert!(matches!(refused(&[("crop", "random")]), OptionError::CropAlone));
        assert!(StreamOptions::default().check().is_ok());
    }
}
