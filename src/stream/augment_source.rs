//! The source of an augmentation: a preset, a file, or the values themselves.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::option_error::OptionError;
use crate::augment::{AugmentSpec, Preset};

/// The largest file of an augmentation, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// The source of an augmentation. In text it is the name of a preset or of a TOML file.
#[derive(Debug, Clone, PartialEq)]
pub enum AugmentSource {
    /// A preset.
    Preset(Preset),
    /// A TOML file, of at most 1 MiB.
    File(PathBuf),
    /// The values.
    Spec(Box<AugmentSpec>),
}

impl AugmentSource {
    /// The preset or the file of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        name.parse().map_or_else(|_| Self::File(name.into()), Self::Preset)
    }

    /// The values.
    ///
    /// # Errors
    /// [`OptionError::AugmentFile`] where the file cannot be read, [`OptionError::Augment`] where it is no augmentation.
    pub fn read(&self) -> Result<AugmentSpec, OptionError> {
        match self {
            Self::Preset(preset) => Ok(AugmentSpec::preset(*preset)),
            Self::Spec(spec) => Ok((**spec).clone()),
            Self::File(path) => {
                let text = read_text(path)
                    .map_err(|source| OptionError::AugmentFile { path: path.clone(), source })?;
                AugmentSpec::from_toml(&text)
                    .map_err(|source| OptionError::AugmentText { path: path.clone(), source })
            }
        }
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_FILE_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(io::Error::other)
}

impl Serialize for AugmentSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Preset(preset) => preset.serialize(serializer),
            Self::File(path) => path.serialize(serializer),
            Self::Spec(spec) => spec.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AugmentSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(name) => Ok(Self::named(&name)),
            spec => Ok(Self::Spec(serde_json::from_value(spec).map_err(de::Error::custom)?)),
        }
    }
}
