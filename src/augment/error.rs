//! Why samples cannot be augmented as asked.

/// Why samples cannot be augmented as asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AugmentError {
    /// A text is no TOML, or has a field that is unknown or of a wrong type.
    #[error("line {line}, `{text}`: {message}")]
    Toml {
        /// The line, counted from 1.
        line: usize,
        /// The line itself, which names the field.
        text: String,
        /// The problem.
        message: String,
    },
    /// A text that is not the numbers that it should be.
    #[error("`{text}` is not {expected}")]
    NotNumbers {
        /// The text.
        text: String,
        /// The value expected.
        expected: &'static str,
    },
    /// A number that its field cannot have.
    #[error("`{field}` is {value}: {allowed}")]
    NotAllowed {
        /// The field, with its table.
        field: &'static str,
        /// Its value.
        value: f64,
        /// The values it accepts.
        allowed: &'static str,
    },
    /// A range that ends before it begins.
    #[error("`{field}` is [{low}, {high}]: the first number must not be more than the second")]
    Reversed {
        /// The field, with its table.
        field: &'static str,
        /// The first number.
        low: f64,
        /// The second number.
        high: f64,
    },
    /// Two fields that ask for the same.
    #[error("`{field}` and `{other}` ask for the same: give one of them")]
    Twice {
        /// One field.
        field: &'static str,
        /// The other, with its table.
        other: &'static str,
    },
    /// A name that no preset has.
    #[error("there is no preset `{name}`; presets are keras-default, cardiac and nnunet")]
    UnknownPreset {
        /// The name.
        name: String,
    },
}
