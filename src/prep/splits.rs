//! Origin of the splits.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::EarlierSplits;
use crate::split::{SplitFile, SplitSpec};

/// Origin of the splits. Fractions and seed are serialized; of a table, that it was one.
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

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RecordedSplits {
    #[serde(skip_serializing_if = "Option::is_none")]
    fractions: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// True if the patients of an earlier file have kept their splits.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    table: bool,
}

impl Serialize for Splits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let drawn = |spec: &SplitSpec, seed: u64, kept| {
            let fractions = Some(spec.to_string());
            RecordedSplits { fractions, seed: Some(seed), kept, table: false }
        };
        let recorded = match self {
            Self::Fractions(spec, seed) => drawn(spec, *seed, false),
            Self::Kept { spec, seed, .. } => drawn(spec, *seed, true),
            Self::Table(_) => RecordedSplits { table: true, ..RecordedSplits::default() },
        };
        recorded.serialize(serializer)
    }
}

/// A table, and the splits of an earlier file, do not come back.
impl<'de> Deserialize<'de> for Splits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let RecordedSplits { fractions, seed, table, .. } = RecordedSplits::deserialize(deserializer)?;
        if table {
            return Ok(Self::Fractions(SplitSpec::NONE, 0));
        }
        let fractions = fractions.ok_or_else(|| de::Error::missing_field("fractions"))?;
        let spec = SplitSpec::parse(&fractions).map_err(de::Error::custom)?;
        Ok(Self::Fractions(spec, seed.ok_or_else(|| de::Error::missing_field("seed"))?))
    }
}
