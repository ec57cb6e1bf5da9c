//! Spelling of options in the attribute `config` of a file, where it is not that of one value.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::layout::StructurePatterns;
use crate::model::StructureSet;
use crate::store::Encoder;

/// Names of the mask planes, and what they are called in the data where that differs.
pub(super) mod structures {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Recorded {
        structures: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        structure_patterns: Option<String>,
    }

    pub(in crate::prep) fn serialize<S: Serializer>(
        structures: &Option<StructurePatterns>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let names = structures.iter().flat_map(|patterns| patterns.names().names()).map(str::to_owned);
        let others = structures.as_ref().filter(|patterns| !patterns.are_names());
        let structure_patterns = others.map(ToString::to_string);
        Recorded { structures: names.collect(), structure_patterns }.serialize(serializer)
    }

    pub(in crate::prep) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<StructurePatterns>, D::Error> {
        let Recorded { structures, structure_patterns } = Recorded::deserialize(deserializer)?;
        let names = StructureSet::new(structures.iter().map(String::as_str)).map_err(de::Error::custom)?;
        let patterns = structure_patterns.map(|text| StructurePatterns::parse(&text)).transpose();
        let patterns = patterns.map_err(de::Error::custom)?;
        Ok(Some(patterns.unwrap_or_else(|| StructurePatterns::of_names(names))))
    }
}

/// A value as it is displayed, or `auto`.
pub(super) mod auto {
    use std::fmt::Display;
    use std::str::FromStr;

    use super::*;

    pub(in crate::prep) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            None => serializer.serialize_str("auto"),
            Some(value) => serializer.collect_str(value),
        }
    }

    pub(in crate::prep) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "auto" => Ok(None),
            text => text.parse().map(Some).map_err(de::Error::custom),
        }
    }
}

/// The encoder, or `none`.
pub(super) mod encoder {
    use super::*;

    const NONE: &str = "none";

    pub(in crate::prep) fn serialize<S: Serializer>(
        encoder: &Option<Encoder>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(encoder.map_or(NONE, Encoder::name))
    }

    pub(in crate::prep) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Encoder>, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == NONE { Ok(None) } else { name.parse().map(Some).map_err(de::Error::custom) }
    }
}

/// Two distances in mm.
pub(super) fn spacing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[f64; 2]>, D::Error> {
    let spacing = Option::<[f64; 2]>::deserialize(deserializer)?;
    if spacing.iter().flatten().any(|mm| !(mm.is_finite() && *mm > 0.0)) {
        return Err(de::Error::custom("a spacing is two distances in mm above 0"));
    }
    Ok(spacing)
}

/// Records that there is a value, but not the value.
pub(super) fn is_some<T, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bool(value.is_some())
}

pub(super) fn one_thread() -> usize {
    1
}
