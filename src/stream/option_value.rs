//! Values of options, of their own type or as text.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::augment::{Interpolation, Range, ShiftRange};

/// A value as it is, or one that `parse` makes of a text.
fn value_or_text<'de, T: DeserializeOwned, E: Display, D: Deserializer<'de>>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => parse(text.trim()).map_err(D::Error::custom),
        value => serde_json::from_value(value).map_err(D::Error::custom),
    }
}

fn parsed<T: FromStr>(text: &str, expected: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("use {expected}"))
}

/// A whole number; where it is one from 1, 0 is an error.
pub(super) fn count<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: DeserializeOwned + FromStr + TryFrom<u64>,
    D: Deserializer<'de>,
{
    let least = if T::try_from(0).is_ok() { 0 } else { 1 };
    let error = || D::Error::custom(format!("use a whole number from {least}"));
    match Value::deserialize(deserializer)? {
        Value::String(text) => text.trim().parse().map_err(|_| error()),
        value => serde_json::from_value(value).map_err(|_| error()),
    }
}

/// True or false.
pub(super) fn yes_or_no<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    value_or_text(deserializer, parse_bool)
}

/// True or false, or nothing.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    value_or_text(deserializer, |text| parse_bool(text).map(Some))
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        // A switch without a value, as in a query string, is on.
        "" | "1" | "true" | "True" => Ok(true),
        "0" | "false" | "False" => Ok(false),
        _ => Err("use true or false".to_owned()),
    }
}

/// The number of a fold, or nothing.
pub(super) fn fold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => count(value).map(Some).map_err(D::Error::custom),
    }
}

/// A number, or nothing.
pub(super) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    value_or_text(deserializer, |text| parsed(text, "a number").map(Some))
}

/// A number.
pub(super) fn factor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    value_or_text(deserializer, |text| parsed(text, "a number"))
}

/// Several values, or a text of values with commas between them.
pub(super) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: DeserializeOwned + ListItem,
    D: Deserializer<'de>,
{
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => T::split(&text)
            .into_iter()
            .map(|item| serde_json::from_value(Value::String(item.to_owned())))
            .collect::<Result<_, _>>()
            .map_err(D::Error::custom),
        value => serde_json::from_value(value).map_err(D::Error::custom),
    }
}

/// An item of a list that can be written as one text.
pub(super) trait ListItem {
    /// The items of a text.
    fn split(text: &str) -> Vec<&str>;
}

impl ListItem for String {
    fn split(text: &str) -> Vec<&str> {
        text.split(',').map(str::trim).collect()
    }
}

impl ListItem for super::condition::Condition {
    /// A condition may have commas in its value.
    fn split(text: &str) -> Vec<&str> {
        vec![text]
    }
}

/// Center and width, or nothing.
pub(super) fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[f64; 2]>, D::Error> {
    value_or_text(deserializer, |text| {
        let parts: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
        let window = parts.and_then(|parts| <[f64; 2]>::try_from(parts).ok());
        window.map(Some).ok_or("use center and width, as in 300,600")
    })
}

/// Keras' `zoom_range`: a number, or two.
pub(super) fn zoom<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Range>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    if let Some(zoom) = value.as_f64() {
        return Ok(Some(Range::new(1.0 - zoom, 1.0 + zoom)));
    }
    value_or_text(value, |text| Range::from_zoom_text(text).map(Some)).map_err(D::Error::custom)
}

/// Two numbers, or nothing.
pub(super) fn range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Range>, D::Error> {
    value_or_text(deserializer, |text| Range::from_two_numbers(text).map(Some))
}

/// Keras' `width_shift_range`, or nothing.
pub(super) fn shift<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ShiftRange>, D::Error> {
    value_or_text(deserializer, |text| text.parse::<ShiftRange>().map(Some))
}

/// An order of interpolation, or nothing.
pub(super) fn interpolation<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Interpolation>, D::Error> {
    value_or_text(deserializer, |text| {
        let order: u8 = parsed(text, "0, 1 or 3")?;
        serde_json::from_value(order.into()).map(Some).map_err(|error| error.to_string())
    })
}

/// Rows and columns: `HxW`, two numbers, or nothing.
pub(super) mod size {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use serde_json::Value;

    use crate::model::GridShape;

    pub(in super::super) fn serialize<S: Serializer>(
        size: &Option<GridShape>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match size {
            Some(size) => serializer.collect_str(size),
            None => serializer.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<GridShape>, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(None),
            Value::String(text) => text.trim().parse().map(Some).map_err(D::Error::custom),
            value => {
                let sides = serde_json::from_value::<[usize; 2]>(value);
                let [rows, columns] =
                    sides.map_err(|_| D::Error::custom("use rows and columns, as in 256x256"))?;
                GridShape::new(rows, columns).map(Some).map_err(D::Error::custom)
            }
        }
    }
}

/// A number of epochs, of which 0 is without end.
pub(super) mod epochs {
    use std::num::NonZeroU64;

    use serde::{Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        epochs: &Option<NonZeroU64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(epochs.map_or(0, NonZeroU64::get))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NonZeroU64>, D::Error> {
        super::count(deserializer).map(NonZeroU64::new)
    }
}
