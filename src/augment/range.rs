//! Numbers from which one is drawn, as they are written in TOML.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::AugmentError;

/// Numbers from `low` to `high`, of which one is drawn; where both are equal, it is that number.
///
/// In TOML `[low, high]`, or one number for both; as text `low,high`, or one number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least number.
    pub low: f64,
    /// Exclusive upper bound.
    pub high: f64,
}

impl Range {
    /// The numbers from `low` to `high`.
    #[must_use]
    pub const fn new(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// Keras' `zoom_range` as text: `low,high`, or one number z for those from 1 - z to 1 + z.
    ///
    /// # Errors
    /// [`AugmentError::NotNumbers`].
    pub fn from_zoom_text(text: &str) -> Result<Self, AugmentError> {
        Ok(match *numbers(text, "a number or two numbers, as 0.8,1.2")? {
            [zoom] => Self::new(1.0 - zoom, 1.0 + zoom),
            _ => text.parse()?,
        })
    }

    /// Two numbers as text, `low,high`, as Keras' `brightness_range` has them.
    ///
    /// # Errors
    /// [`AugmentError::NotNumbers`].
    pub fn from_two_numbers(text: &str) -> Result<Self, AugmentError> {
        const EXPECTED: &str = "two numbers, as 0.8,1.2";
        match *numbers(text, EXPECTED)? {
            [low, high] => Ok(Self::new(low, high)),
            _ => Err(AugmentError::NotNumbers { text: text.to_owned(), expected: EXPECTED }),
        }
    }

    /// True if only `value` can be drawn.
    #[must_use]
    pub fn is_only(self, value: f64) -> bool {
        self.low == value && self.high == value
    }
}

impl FromStr for Range {
    type Err = AugmentError;

    fn from_str(text: &str) -> Result<Self, AugmentError> {
        const EXPECTED: &str = "a number or two numbers, as 0.8,1.2";
        match *numbers(text, EXPECTED)? {
            [number] => Ok(Self::new(number, number)),
            [low, high] => Ok(Self::new(low, high)),
            _ => Err(AugmentError::NotNumbers { text: text.to_owned(), expected: EXPECTED }),
        }
    }
}

/// Numbers with commas between them, at least one.
fn numbers(text: &str, expected: &'static str) -> Result<Vec<f64>, AugmentError> {
    let parsed: Result<_, _> = text.split(',').map(|number| number.trim().parse()).collect();
    parsed.map_err(|_| AugmentError::NotNumbers { text: text.to_owned(), expected })
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.low, self.high].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Numbers("a number or two numbers, [low, high]"))? {
            ShiftRange::Whole(number) => Ok(Self::new(number as f64, number as f64)),
            ShiftRange::Real(number) => Ok(Self::new(number, number)),
            ShiftRange::Choice(list) => two(&list),
        }
    }
}

/// Keras' `zoom_range`: two numbers, or one, z, for those from 1 - z to 1 + z.
pub(super) fn zoom_range<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Range, D::Error> {
    match deserializer.deserialize_any(Numbers("a number or two numbers, [low, high]"))? {
        ShiftRange::Whole(number) => Ok(Range::new(1.0 - number as f64, 1.0 + number as f64)),
        ShiftRange::Real(number) => Ok(Range::new(1.0 - number, 1.0 + number)),
        ShiftRange::Choice(list) => two(&list),
    }
}

/// Keras' `brightness_range`: two numbers, and not one.
pub(super) fn two_numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Range>, D::Error> {
    const EXPECTED: &str = "two numbers, [low, high]";
    match deserializer.deserialize_any(Numbers(EXPECTED))? {
        ShiftRange::Choice(list) => two(&list).map(Some),
        _ => Err(de::Error::invalid_length(1, &EXPECTED)),
    }
}

fn two<E: de::Error>(list: &[f64]) -> Result<Range, E> {
    match *list {
        [low, high] => Ok(Range::new(low, high)),
        _ => Err(E::invalid_length(list.len(), &"two numbers, [low, high]")),
    }
}

/// Keras' `width_shift_range` and `height_shift_range`, whose meaning depends on how they are written. As text, a
/// list has commas, as `1,2`; a list of one number ends in one, as `3,`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ShiftRange {
    /// A whole number n, as `5`: one of 0, 1, ..., n - 1, to one side or the other. 0 is no shift.
    Whole(i64),
    /// A real number r, as `0.1` or `5.0`: uniform from -r to r. Less than 1, it is a part of the image's side;
    /// from 1 on, pixels.
    Real(f64),
    /// A list, as `[1, 2]`: one of its numbers, to one side or the other. Where all are less than 1, parts of
    /// the image's side; else pixels. An empty list is no shift.
    Choice(Vec<f64>),
}

impl ShiftRange {
    /// True if only 0 can be drawn.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        match self {
            Self::Whole(number) => *number <= 1,
            Self::Real(number) => *number == 0.0,
            Self::Choice(list) => list.iter().all(|number| *number == 0.0),
        }
    }
}

impl Default for ShiftRange {
    fn default() -> Self {
        Self::Real(0.0)
    }
}

impl FromStr for ShiftRange {
    type Err = AugmentError;

    fn from_str(text: &str) -> Result<Self, AugmentError> {
        let text = text.trim();
        if let Ok(whole) = text.parse() {
            return Ok(Self::Whole(whole));
        }
        let listed = numbers(text.strip_suffix(',').unwrap_or(text), "a number or several, as 1,2")?;
        Ok(if text.contains(',') { Self::Choice(listed) } else { Self::Real(listed[0]) })
    }
}

impl<'de> Deserialize<'de> for ShiftRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Numbers("a number or a list of numbers"))
    }
}

/// Reads a number or a list, and says what it expects.
struct Numbers(&'static str);

impl<'de> Visitor<'de> for Numbers {
    type Value = ShiftRange;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<ShiftRange, E> {
        Ok(ShiftRange::Whole(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<ShiftRange, E> {
        i64::try_from(number)
            .map(ShiftRange::Whole)
            .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<ShiftRange, E> {
        Ok(ShiftRange::Real(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<ShiftRange, A::Error> {
        let mut list = Vec::new();
        while let Some(number) = numbers.next_element()? {
            list.push(number);
        }
        Ok(ShiftRange::Choice(list))
    }
}
