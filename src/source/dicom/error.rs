//! Why a DICOM file gives no image.

use crate::model::{GridError, PixelType, Place, Plain, Reason};

use super::attribute::Attribute;
use super::object_kind::ObjectKind;

/// A DICOM file that gives no image: where, and why.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct DicomError {
    /// The file, and the attribute where there is one.
    pub place: Box<Place>,
    /// The fault there.
    pub fault: DicomFault,
}

/// Fault of a DICOM file, sorted by its meaning: unreadable, of a kind that is not
/// supported, over a limit, or with a value that the pixel type cannot hold.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum DicomFault {
    /// It begins like no DICOM file.
    #[error("this is not a DICOM file")]
    NotDicom,
    /// It ends inside its header.
    #[error("the file ends at byte {at} in the middle of its data set")]
    Cut {
        /// The length of the file.
        at: usize,
    },
    /// An element claims more bytes than there are.
    #[error("claims {claimed} bytes where {left} are left")]
    Length {
        /// Length that the element states.
        claimed: usize,
        /// Bytes left of the file, or of the item that holds it.
        left: usize,
    },
    /// Something other than an item stands in a sequence.
    #[error("stands at byte {at}, where an item of a sequence was expected")]
    NotAnItem {
        /// Its offset in the data set's bytes.
        at: usize,
    },
    /// The data set is deflated and the stream is damaged.
    #[error("the deflated data set cannot be inflated")]
    Deflate,
    /// A required attribute is absent.
    #[error("the attribute is missing")]
    Missing,
    /// An attribute's value is not what it must be.
    #[error("the value {value:?} is not {expected}")]
    Value {
        /// The value as it stands in the file, shortened.
        value: String,
        /// The expected value.
        expected: &'static str,
    },
    /// Rows or Columns is 0.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// Bits Allocated, Bits Stored and High Bit contradict each other.
    #[error("{allocated} bits allocated, {stored} stored and high bit {high} contradict each other")]
    Bits {
        /// Bits Allocated.
        allocated: u16,
        /// Bits Stored.
        stored: u16,
        /// High Bit.
        high: u16,
    },
    /// There are fewer pixel bytes than the image needs.
    #[error("the image needs {needed} bytes of pixels and {present} are there")]
    PixelsShort {
        /// Bytes by Rows, Columns and Bits Allocated.
        needed: u64,
        /// The files found.
        present: u64,
    },
    /// The table of a palette has fewer bytes than its descriptor says.
    #[error("the table needs {needed} bytes and has {present}")]
    PaletteShort {
        /// Bytes that the descriptor asks for.
        needed: u64,
        /// Bytes that are there.
        present: u64,
    },
    /// Two attributes that exclude each other are both there.
    #[error("contradicts {with}")]
    Contradicts {
        /// The other attribute.
        with: Attribute,
    },
    /// Pixel data is in fragments where the transfer syntax has none, or the other way round.
    #[error("the pixels are {} although the transfer syntax is {syntax}", if *.encapsulated { "encapsulated" } else { "not encapsulated" })]
    Encapsulation {
        /// True if the pixels are in fragments.
        encapsulated: bool,
        /// The transfer syntax.
        syntax: String,
    },
    /// A decoded image of this size cannot come out of so few bytes.
    #[error("the image needs {needed} bytes of pixels, more than {encoded} compressed bytes can hold")]
    Implausible {
        /// Bytes by Rows, Columns and Bits Allocated.
        needed: u64,
        /// Number of compressed bytes.
        encoded: u64,
    },
    /// The fragments are damaged.
    #[error("the fragments of the pixel data are incomplete at byte {at}")]
    Fragments {
        /// Offset in the data set's bytes.
        at: usize,
    },
    /// The compressed image is not a whole codestream of its format.
    #[error("the compressed image is not a complete {format} stream")]
    Codestream {
        /// The format that the transfer syntax names.
        format: &'static str,
    },
    /// A frame that stands alone in its fragments is longer or shorter than the image.
    #[error("the image needs {needed} bytes of pixels and its frame has {present}")]
    FrameLength {
        /// Bytes by Rows, Columns and Bits Allocated.
        needed: u64,
        /// Bytes of the frame, or more than needed where it was not inflated to its end.
        present: u64,
    },
    /// The compressed image has another size, depth or number of components than the header says.
    #[error("the compressed image has {stream}, the header {header}")]
    CodestreamDiffers {
        /// Value of the codestream.
        stream: String,
        /// Value of the attributes.
        header: String,
    },
    /// The codec refused the compressed image, or failed in it.
    #[error("the image compressed as {syntax} cannot be decoded: {}", Plain(message))]
    Codec {
        /// The transfer syntax.
        syntax: String,
        /// Error of the codec.
        message: String,
    },

    /// It has no pixels: a report, a plan, a directory.
    #[error("this DICOM file holds no image")]
    NoImage,
    /// Its SOP Class is not one of annotations.
    #[error("this is {kind}, not an RT Structure Set or a segmentation")]
    NotAnAnnotation {
        /// The description.
        kind: ObjectKind,
    },
    /// Its SOP Class is not one of images.
    #[error("this is {kind}, not an image")]
    NotAnImage {
        /// The description.
        kind: ObjectKind,
    },
    /// Its transfer syntax is not supported.
    #[error("the transfer syntax {name} is not supported")]
    TransferSyntax {
        /// Name and UID.
        name: String,
    },
    /// The attribute has a value that is allowed but not supported.
    #[error("{value} is not supported, only {supported}")]
    Unsupported {
        /// The value.
        value: String,
        /// Supported values.
        supported: &'static str,
    },

    /// Sequences are nested deeper than allowed.
    #[error("sequences are nested more than {limit} deep")]
    TooDeep {
        /// The deepest nesting allowed.
        limit: usize,
    },
    /// It has more values than the limit.
    #[error("the object has more than {limit} values and items")]
    TooManyValues {
        /// The most that are kept.
        limit: usize,
    },
    /// It is larger than the limit, as a file or after decoding.
    #[error("{what} has {bytes} bytes, more than the limit of {limit}; see --max-image-bytes")]
    OverLimit {
        /// `the file`, `the inflated data set` or `the decoded image`.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },

    /// It says that it has more frames than the limit.
    #[error("says that it has {frames} frames, more than the limit of {limit}")]
    TooManyFrames {
        /// Number of Frames.
        frames: u32,
        /// The limit.
        limit: u32,
    },

    /// There are fewer or more frames in the pixel data than the header says.
    #[error("the header says {frames} {} and the pixel data has {found}", if *.frames == 1 { "frame" } else { "frames" })]
    FrameCount {
        /// Number of Frames; 1 where it is absent.
        frames: u32,
        /// Bytes of the pixel data.
        found: String,
    },

    /// The file has no frame of that number.
    #[error("frame {frame} was asked for, and there are {frames}")]
    NoSuchFrame {
        /// The frame, counted from 1; 0 for the only one.
        frame: u32,
        /// Number of Frames.
        frames: u32,
    },

    /// A part of the file could not be read.
    #[error("cannot be read: {message}")]
    Read {
        /// Error of the operating system.
        message: String,
    },

    /// 32-bit pixels in big endian whose word order cannot be determined.
    #[error(
        "32-bit pixels in Explicit VR Big Endian fit the header {}, so nothing tells how they are written; convert the \
         file to a little endian transfer syntax", if *.both { "both as 32-bit numbers and in 16-bit words" } else { "neither as 32-bit numbers nor in 16-bit words" }
    )]
    WordOrder {
        /// Both orders are possible; else none is.
        both: bool,
    },

    /// It has more pixels than the limit.
    #[error("the image has {pixels} pixels, more than the limit of {limit}; see --max-image-pixels")]
    TooManyPixels {
        /// Rows times columns.
        pixels: u64,
        /// The limit.
        limit: u64,
    },

    /// A value does not fit the pixel type.
    #[error("the value {value} at row {row}, column {column} (counted from 0) {}", misfit(*.value, *.target))]
    PixelValue {
        /// The modality value.
        value: f64,
        /// Its row, from 0.
        row: usize,
        /// Its column, from 0.
        column: usize,
        /// The type asked for.
        target: PixelType,
    },
}

/// Why a value does not fit, and what helps.
fn misfit(value: f64, target: PixelType) -> String {
    match target {
        _ if !value.is_finite() => "is no number; an image with such a value cannot be used".to_owned(),
        PixelType::Float32 => format!("does not fit {target} exactly, the widest type there is"),
        _ => format!("does not fit {target} exactly; choose another type with --dtype"),
    }
}

impl DicomFault {
    /// The bin's reason for this fault.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NoImage
            | Self::NotAnImage { .. }
            | Self::NotAnAnnotation { .. }
            | Self::TransferSyntax { .. }
            | Self::Unsupported { .. }
            | Self::TooManyFrames { .. }
            | Self::NoSuchFrame { .. }
            | Self::WordOrder { .. }
            | Self::TooDeep { .. }
            | Self::TooManyValues { .. }
            | Self::OverLimit { .. }
            | Self::TooManyPixels { .. } => Reason::ImageUnsupported,
            Self::PixelValue { .. } => Reason::ImageValue,
            _ => Reason::ImageUnreadable,
        }
    }

    /// This fault at an attribute.
    pub(super) fn at(self, attribute: Attribute) -> Located {
        Located { attribute: Some(attribute), fault: self }
    }
}

impl DicomError {
    /// The bin's reason for this error.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.fault.reason()
    }
}

/// A fault before its file is known.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) attribute: Option<Attribute>,
    pub(super) fault: DicomFault,
}

impl Located {
    pub(super) fn in_file(self, file: &str) -> DicomError {
        let place = match self.attribute {
            Some(attribute) => attribute.place(file),
            None => Place::file(file),
        };
        DicomError { place: Box::new(place), fault: self.fault }
    }
}

impl From<DicomFault> for Located {
    fn from(fault: DicomFault) -> Self {
        Self { attribute: None, fault }
    }
}
