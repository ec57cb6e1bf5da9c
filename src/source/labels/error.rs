//! Why a mask image or a label volume cannot be used.

use crate::model::{GridError, GridShape, Place, Plain};

/// A mask image or label volume that cannot be used: the file, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct LabelError {
    /// The file.
    pub place: Box<Place>,
    /// The problem.
    pub fault: LabelFault,
}

/// Fault of a mask image or a label volume.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum LabelFault {
    /// It begins like no file of its format.
    #[error("this is not a {format} file")]
    NotThisFormat {
        /// The format that its name promises.
        format: &'static str,
    },
    /// It ends before all its values.
    #[error("the file ends after {present} of {needed} bytes of values")]
    Cut {
        /// Bytes of values that are there.
        present: u64,
        /// Bytes of values that the header asks for.
        needed: u64,
    },
    /// It cannot be decoded.
    #[error("the {format} file is damaged: {}", Plain(message))]
    Damaged {
        /// Its format.
        format: &'static str,
        /// Error of the decoder.
        message: String,
    },
    /// A field of its header is absent, or has a value that it cannot have.
    #[error("the header's {field} is {}", Plain(value))]
    Header {
        /// The field.
        field: &'static str,
        /// Its value, or `missing`.
        value: String,
    },
    /// It is of a kind that is not read.
    #[error("{}; {remedy}", Plain(found))]
    Unsupported {
        /// The description, as a sentence.
        found: String,
        /// Advice.
        remedy: &'static str,
    },
    /// It is larger than the limit.
    #[error("{what} has {bytes} bytes, more than the limit of {limit}; see --max-image-bytes")]
    OverLimit {
        /// `the file` or `the label volume`.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It has more pixels than the limit.
    #[error("the mask image has {pixels} pixels, more than the limit of {limit}; see --max-image-pixels")]
    TooManyPixels {
        /// Rows times columns.
        pixels: u64,
        /// The limit.
        limit: u64,
    },
    /// Values of this size cannot come out of so few bytes.
    #[error("its values need {needed} bytes, more than {encoded} compressed bytes can hold")]
    Implausible {
        /// Bytes by the header.
        needed: u64,
        /// Number of compressed bytes.
        encoded: u64,
    },
    /// A side is 0, or longer than an image can be.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// A value is not a whole number.
    #[error(
        "value {index} (counted from 0) is {value}, not a whole number: a label map is expected, not probabilities"
    )]
    NotWhole {
        /// Its index, in the order of the file.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A colour image whose channels differ.
    #[error(
        "the mask image is in colour, and row {row}, column {column} (counted from 0) is no shade of grey; \
         save masks as grey values or as indices of a palette"
    )]
    Colour {
        /// Row of the first such pixel.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// The mask image has another size than its image.
    #[error("the mask image has {mask} pixels and its image {image}{}", if *.turned { ": rows and columns are exchanged" } else { "" })]
    Size {
        /// Size of the mask.
        mask: GridShape,
        /// Size of the image.
        image: GridShape,
        /// True if one is the other on its side.
        turned: bool,
    },
}

impl LabelFault {
    /// This fault in `file`.
    pub(super) fn in_file(self, file: &str) -> LabelError {
        LabelError { place: Box::new(Place::file(file)), fault: self }
    }

    /// Something that is not read, with what to do about it.
    pub(super) fn unsupported(found: impl Into<String>, remedy: &'static str) -> Self {
        Self::Unsupported { found: found.into(), remedy }
    }

    /// A header's field with a value that it cannot have.
    pub(super) fn header(field: &'static str, value: impl ToString) -> Self {
        let value: String = value.to_string().chars().take(80).collect();
        Self::Header { field, value }
    }
}
