//! A condition on a column of `/samples`, as people write it.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::known_column::{CellParts, KnownColumn, ValueKind, all_columns};

/// A condition that rows meet or not: `COLUMN OPERATOR VALUE`, as in `split=train`, `mask_pixels.inner > 0`
/// or `pixel_spacing.row <= 1.5`.
///
/// - The column is one of the table in the documentation of [`Condition::column`].
/// - The operator is the first of `=`, `==`, `!=`, `<`, `<=`, `>` and `>=` in the text.
/// - Everything after it is the value, quotes and further operators included; only the white space around it
///   is not.
///
/// Parsing needs no file. What a file alone knows, its structures, is asked for by [`Condition::cell`].
#[derive(Debug, Clone)]
pub struct Condition {
    column: KnownColumn,
    /// The component or structure after the dot.
    part: Option<String>,
    operator: Operator,
    value: Value,
    /// The value as it was written.
    written: String,
}

/// Equal where the same rows meet both, however the value is written.
impl PartialEq for Condition {
    fn eq(&self, other: &Self) -> bool {
        (self.column.name, &self.part, self.operator, &self.value)
            == (other.column.name, &other.part, other.operator, &other.value)
    }
}

/// Comparison of a cell with the value of a [`Condition`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Operator {
    /// `=`, also written `==`.
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

/// Why a text is no condition, or no condition on the rows of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConditionError {
    /// A text without an operator.
    #[error(
        "`{condition}` has none of the operators = != < <= > >=; write for example 'mask_pixels.inner > 0', \
         with the quotes, as a shell takes < and > for files"
    )]
    NoOperator {
        /// The text.
        condition: String,
    },
    /// A column that no file has, or none that can be compared.
    #[error("`{condition}`: there is no column `{column}` to compare; there are {}", all_columns().join(", "))]
    UnknownColumn {
        /// The text.
        condition: String,
        /// The column in it.
        column: String,
    },
    /// A column with several numbers for each row, and none of them named; or the wrong name.
    #[error("`{condition}`: `{column}` is not a number or text of each row; write {possible}")]
    UnknownPart {
        /// The text.
        condition: String,
        /// The column in it.
        column: String,
        /// Possible columns.
        possible: String,
    },
    /// A structure that the file does not have.
    #[error("`{condition}`: the file has no structure `{structure}`; it has {}", .structures.join(", "))]
    UnknownStructure {
        /// The condition.
        condition: String,
        /// The structure.
        structure: String,
        /// Those of the file.
        structures: Vec<String>,
    },
    /// A text compared by order.
    #[error("`{condition}`: `{column}` is a text, which can be compared by = and != only")]
    TextOrder {
        /// The text.
        condition: String,
        /// The column.
        column: String,
    },
    /// A number compared with a text that is none.
    #[error("`{condition}`: `{column}` is a number, and `{value}` is none")]
    NotANumber {
        /// The text.
        condition: String,
        /// The column.
        column: String,
        /// The value.
        value: String,
    },
}

/// A value in the type of the column.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    /// For whole numbers too.
    Float64(f64),
    /// So that 0.7 is equal to a cell in which 0.7 was stored.
    Float32(f32),
}

impl Condition {
    /// The name of the column in `/samples`, without a part.
    ///
    /// | column | part | a row's cell |
    /// |---|---|---|
    /// | `id`, `patient_id`, `original_id`, `source`, `split`, `findings` | | a text |
    /// | `instance`, `frame`, `rows`, `columns`, `image_rows`, `image_columns`, `stack`, `stack_position`, `trigger_time` | | a number |
    /// | `annotated`, `mask_pixels`, `contour_area` | a structure | a number for each structure |
    /// | `pixel_spacing` | `row`, `column` | two numbers, in mm |
    /// | `window` | `center`, `width` | two numbers |
    /// | `value_range` | `min`, `max` | two numbers |
    /// | `image_position` | `x`, `y`, `z` | three numbers, in mm |
    /// | `image_orientation` | `row_x`, `row_y`, `row_z`, `column_x`, `column_y`, `column_z` | six numbers |
    /// | `checksum` | `image`, `mask` | two numbers |
    #[must_use]
    pub fn column(&self) -> &'static str {
        self.column.name
    }

    /// True if the column is one of texts, not of numbers.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.column.kind == ValueKind::Text
    }

    /// Index, from 0, of the text or number in a row's cell that is compared, in a file of these
    /// structures; 0 where there is only one.
    ///
    /// # Errors
    /// [`ConditionError::UnknownStructure`] where the condition is on a structure that is not among them.
    pub fn cell(&self, structures: &[String]) -> Result<usize, ConditionError> {
        let part = self.part.as_deref().unwrap_or_default();
        let found = match self.column.parts {
            CellParts::One => Some(0),
            CellParts::Named(names) => names.iter().position(|name| *name == part),
            CellParts::Structures => structures.iter().position(|structure| structure == part),
        };
        found.ok_or_else(|| ConditionError::UnknownStructure {
            condition: self.to_string(),
            structure: part.to_owned(),
            structures: structures.to_vec(),
        })
    }

    /// True if a cell meets the condition. NaN meets none, and no number meets a condition on a text.
    #[must_use]
    pub fn matches_number(&self, cell: f64) -> bool {
        let value = match self.value {
            Value::Text(_) => return false,
            Value::Float64(value) => value,
            Value::Float32(value) => f64::from(value),
        };
        cell.partial_cmp(&value).is_some_and(|ordering| self.operator.holds(ordering))
    }

    /// True if a cell meets the condition, byte for byte. No text meets a condition on a number.
    #[must_use]
    pub fn matches_text(&self, cell: &str) -> bool {
        match &self.value {
            Value::Text(value) => self.operator.holds(cell.cmp(value)),
            _ => false,
        }
    }
}

impl Operator {
    /// In the order in which they are looked for: none is the beginning of a later one.
    const SPELLINGS: [(&str, Self); 7] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// True if it holds for what comes so before or after a value.
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// The first operator of `text`, with what stands before and after it.
    fn find(text: &str) -> Option<(&str, Self, &str)> {
        text.char_indices().find_map(|(start, _)| {
            let (before, rest) = text.split_at(start);
            Self::SPELLINGS
                .iter()
                .find_map(|(spelling, operator)| Some((before, *operator, rest.strip_prefix(spelling)?)))
        })
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let condition = || text.to_owned();
        let (name, operator, value) =
            Operator::find(text).ok_or_else(|| ConditionError::NoOperator { condition: condition() })?;
        let (name, value) = (name.trim(), value.trim());
        let owned_name = || name.to_owned();
        let (base, part) = name.split_once('.').map_or((name, None), |(base, part)| (base, Some(part)));
        let column = KnownColumn::find(base)
            .ok_or_else(|| ConditionError::UnknownColumn { condition: condition(), column: owned_name() })?;
        if !column.can_have(part) {
            return Err(ConditionError::UnknownPart {
                condition: condition(),
                column: owned_name(),
                possible: column.spellings().join(" or "),
            });
        }
        if column.kind == ValueKind::Text && !matches!(operator, Operator::Equal | Operator::NotEqual) {
            return Err(ConditionError::TextOrder { condition: condition(), column: owned_name() });
        }
        let written = value.to_owned();
        let value = Value::parse(value, column.kind).ok_or_else(|| ConditionError::NotANumber {
            condition: condition(),
            column: owned_name(),
            value: value.to_owned(),
        })?;
        Ok(Self { column, part: part.map(str::to_owned), operator, value, written })
    }
}

impl Value {
    /// `None` for what is no number and should be.
    fn parse(text: &str, kind: ValueKind) -> Option<Self> {
        match kind {
            ValueKind::Text => Some(Self::Text(text.to_owned())),
            ValueKind::Number => text.parse().ok().filter(|number: &f64| !number.is_nan()).map(Self::Float64),
            ValueKind::Float32 => {
                text.parse().ok().filter(|number: &f32| !number.is_nan()).map(Self::Float32)
            }
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}

/// A text that parses to the same condition.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.column.name)?;
        if let Some(part) = &self.part {
            write!(f, ".{part}")?;
        }
        // With spaces, so that a value that begins with an equals sign stays one.
        write!(f, " {} {}", self.operator, self.written)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::column;

    fn parse(text: &str) -> Condition {
        text.parse().unwrap()
    }

    #[test]
    fn a_number_is_shown_as_it_was_written() {
        for value in ["1e308", "1.50", "-0", "7"] {
            let shown = parse(&format!("instance>={value}")).to_string();
            assert_eq!(shown, format!("instance >= {value}"));
            assert_eq!(parse(&shown), parse(&format!("instance>={value}")));
        }
        assert_eq!(parse("instance=1"), parse("instance = 1.0"));
    }

    fn error(text: &str) -> String {
        text.parse::<Condition>().unwrap_err().to_string()
    }

    #[test]
    fn every_operator_compares_numbers() {
        for (operator, expected) in [
            ("=", [false, true, false]),
            ("==", [false, true, false]),
            ("!=", [true, false, true]),
            ("<", [true, false, false]),
            ("<=", [true, true, false]),
            (">", [false, false, true]),
            (">=", [false, true, true]),
        ] {
            for text in [format!("frame{operator}-3e0"), format!(" frame\t{operator}  -3 ")] {
                let condition = parse(&text);
                assert_eq!([-4.0, -3.0, -2.0].map(|cell| condition.matches_number(cell)), expected, "{text}");
                assert!(!condition.matches_number(f64::NAN) && !condition.matches_text("-3"));
            }
        }
    }

    #[test]
    fn texts_are_everything_after_the_operator() {
        for (text, value) in [
            ("patient_id=SC-HF-I-01", "SC-HF-I-01"),
            ("id=a=b!=c<d", "a=b!=c<d"),
            ("id = =x", "=x"),
            ("id===x", "=x"),
            ("id=='x'", "'x'"),
            ("source=dicoms/a b/1.dcm ", "dicoms/a b/1.dcm"),
            ("split=", ""),
            ("id=\u{1f600}é\n.", "\u{1f600}é\n."),
        ] {
            let condition = parse(text);
            assert!(condition.is_text() && condition.matches_text(value), "{text}");
            assert!(!condition.matches_text("another") && !condition.matches_number(0.0));
            assert_eq!(condition.cell(&[]), Ok(0));
        }
        let other = parse("split!=val");
        assert!(other.matches_text("train") && other.matches_text("") && !other.matches_text("val"));
    }

    #[test]
    fn parts_are_numbers_of_a_cell() {
        let structures = ["outer", "inner.2", "a-b"].map(str::to_owned);
        for (text, column, cell) in [
            ("mask_pixels.outer>0", column::MASK_PIXELS, 0),
            ("annotated.inner.2=1", column::ANNOTATED, 1),
            ("contour_area.a-b<9", column::CONTOUR_AREA, 2),
            ("pixel_spacing.column<2", column::PIXEL_SPACING, 1),
            ("window.center>-inf", column::WINDOW, 0),
            ("value_range.max<=65535", column::VALUE_RANGE, 1),
            ("image_position.z!=0", column::IMAGE_POSITION, 2),
            ("rows=256", column::ROWS, 0),
        ] {
            let condition = parse(text);
            assert_eq!((condition.column(), condition.cell(&structures)), (column, Ok(cell)));
            assert!(!condition.is_text());
        }
        assert_eq!(
            parse("mask_pixels.inner>0").cell(&structures).unwrap_err().to_string(),
            "`mask_pixels.inner > 0`: the file has no structure `inner`; it has outer, inner.2, a-b"
        );
    }

    #[test]
    fn values_are_compared_in_the_precision_of_the_column() {
        assert!(parse("pixel_spacing.row=0.7").matches_number(f64::from(0.7_f32)));
        assert!(parse("pixel_spacing.row>=0.7").matches_number(f64::from(0.7_f32)));
        assert!(parse("image_position.x=0.7").matches_number(0.7));
        assert!(!parse("image_position.x=0.7").matches_number(f64::from(0.7_f32)));
        assert!(parse("mask_pixels.inner=2147483647").matches_number(f64::from(i32::MAX)));
    }

    #[test]
    fn errors_say_what_is_possible() {
        assert_eq!(
            error("split"),
            "`split` has none of the operators = != < <= > >=; write for example 'mask_pixels.inner > 0', \
             with the quotes, as a shell takes < and > for files"
        );
        assert_eq!(
            error("spilt=train"),
            "`spilt=train`: there is no column `spilt` to compare; there are id, patient_id, original_id, \
             instance, frame, source, annotated.STRUCTURE, mask_pixels.STRUCTURE, contour_area.STRUCTURE, rows, \
             columns, pixel_spacing.row, pixel_spacing.column, image_position.x, image_position.y, image_position.z, \
             image_orientation.row_x, image_orientation.row_y, image_orientation.row_z, image_orientation.column_x, \
             image_orientation.column_y, image_orientation.column_z, image_rows, image_columns, spacing.row, spacing.column, position.x, \
             position.y, position.z, stack, stack_position, trigger_time, window.center, window.width, window_function, value_range.min, value_range.max, \
             padding_range.min, padding_range.max, padding_pixels, checksum.image, checksum.mask, split, fold, \
             findings"
        );
        assert_eq!(
            error("pixel_spacing.z<1"),
            "`pixel_spacing.z<1`: `pixel_spacing.z` is not a number or text of each row; write \
             pixel_spacing.row or pixel_spacing.column"
        );
        assert_eq!(
            error("mask_pixels>0"),
            "`mask_pixels>0`: `mask_pixels` is not a number or text of each row; write mask_pixels.STRUCTURE"
        );
        assert_eq!(error("id>=a"), "`id>=a`: `id` is a text, which can be compared by = and != only");
        assert_eq!(error("frame=two"), "`frame=two`: `frame` is a number, and `two` is none");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", " ", "=", "<>", "=train", "!x", "id!train", "Split=train", "id x=1", "id.x=1"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        for text in ["window=1", "window.=1", "window.center.x=1", "mask_pixels.=1", ".id=1", "ıd=1"] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
        for value in ["", "nan", "-NaN", "1,5", "0x10", "1 2", "٣", "1e", "<1"] {
            let error = format!("frame={value}").parse::<Condition>().unwrap_err();
            assert!(matches!(error, ConditionError::NotANumber { .. }), "{value}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_parses_to_the_same(
            column in prop::sample::select(all_columns()),
            operator in prop::sample::select(Operator::SPELLINGS.map(|(spelling, _)| spelling).to_vec()),
            text in "\\PC*|[=<>!. a-c]*",
            number: f64,
        ) {
            for value in [text, number.to_string()] {
                if let Ok(condition) = format!("{column}{operator} {value}").parse::<Condition>() {
                    prop_assert_eq!(&parse(&condition.to_string()), &condition);
                    let equal = matches!(condition.operator, Operator::Equal);
                    prop_assert_eq!(condition.matches_text(value.trim()), condition.is_text() && equal);
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|[a-z_.]{0,9}[=<>! é]{0,3}.*") {
            if let Ok(condition) = text.parse::<Condition>() {
                prop_assert_eq!(parse(&condition.to_string()), condition);
            }
        }
    }
}
