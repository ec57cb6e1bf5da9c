//! Errors of the options of a stream.

use std::io;
use std::path::PathBuf;

use crate::augment::AugmentError;
use crate::model::{Advice, Hint};
use crate::order::OrderError;

/// An error of the options of a stream: the caller is wrong, whatever the file is.
#[derive(Debug, thiserror::Error)]
pub enum OptionError {
    /// A name that no option has.
    #[error("there is no option `{name}`{}", near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The option that it is nearest to, if any is near.
        near: Option<&'static str>,
    },
    /// A value that the option does not take.
    #[error("`{value}` is no value of `{option}`: {why}")]
    Value {
        /// The option.
        option: String,
        /// The value.
        value: String,
        /// Possible values.
        why: String,
    },
    /// Fractions in the stored type, which is one of integers as a rule.
    #[error("{what} makes fractions, which images in their stored type do not hold")]
    StoredFractions {
        /// `normalization zscore`, `standardization`.
        what: String,
    },
    /// Augmentation in the stored type.
    #[error("images are augmented and whitened in float32, not in the stored type")]
    StoredAugmented,
    /// A fold is held out, and none is named.
    #[error("the rows of a fold that is held out need the number of the fold")]
    HeldOutAlone,
    /// A window without the normalization that takes one.
    #[error("a window goes with the normalization window alone")]
    WindowAlone,
    /// A window that is none.
    #[error("window {center},{width}: both must be finite, and the width at least 1 (PS3.3 C.11.2.1.2)")]
    BadWindow {
        /// Its center.
        center: f64,
        /// Its width.
        width: f64,
    },
    /// Two ways to normalize.
    #[error("`{one}` cannot be used with `{other}`: both normalize")]
    Conflict {
        /// An option.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// Two options that exclude each other.
    #[error("`{one}` cannot be used with `{other}`")]
    Apart {
        /// An option.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// A number that is too large.
    #[error("`{option}` is {given}; use at most {most}")]
    TooMany {
        /// The option.
        option: &'static str,
        /// Its value.
        given: u16,
        /// The largest.
        most: u16,
    },
    /// Edges without neighbours.
    #[error("`edges` goes with `neighbours` alone: phases are a cycle")]
    EdgesAlone,
    /// A crop without a size.
    #[error("`crop` goes with `size`")]
    CropAlone,
    /// A factor that is none.
    #[error("rescale is {0}; use a number of float32 that is not 0, as in 0.00390625")]
    Rescale(f64),
    /// A structure that is named twice.
    #[error("structure {0} is named twice")]
    NamedTwice(String),
    /// A rank outside the world.
    #[error("rank and world_size do not go together")]
    Rank(#[source] OrderError),
    /// A value of the augmentation that is out of its range.
    #[error(transparent)]
    Augment(AugmentError),
    /// The file of an augmentation.
    #[error("`{}` is no augmentation preset, and cannot be read as a file; the presets are keras-default, cardiac, nnunet",
        path.display())]
    AugmentFile {
        /// Its path.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file of an augmentation is none.
    #[error("{}", path.display())]
    AugmentText {
        /// Its path.
        path: PathBuf,
        /// The error in it.
        source: AugmentError,
    },
}

impl OptionError {
    /// The option that helps.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::StoredFractions { .. } | Self::StoredAugmented => {
                Hint::new("image_dtype", Advice::Set("float32"))
            }
            Self::HeldOutAlone => Hint::new("fold", Advice::Set("0")),
            Self::WindowAlone => Hint::new("normalize", Advice::Set("window")),
            Self::Apart { one, .. } | Self::Conflict { one, .. } => Hint::new(one, Advice::LeaveOut),
            Self::CropAlone => Hint::new("size", Advice::Give("HxW")),
            Self::EdgesAlone => Hint::new("edges", Advice::LeaveOut),
            Self::TooMany { option, .. } => Hint::new(option, Advice::Lower),
            _ => return None,
        })
    }
}
