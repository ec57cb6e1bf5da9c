//! Departures from the standard that an image is read despite, and attributes that its pixels leave away.

use std::fmt;

/// A departure from the standard that leaves no doubt about the values, so that the image is read, or an attribute that is
/// not applied to the pixels. Each is reported and counted by kind.
///
/// Displays as one sentence without a full stop, the same for every image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Leniency {
    /// An element has a value representation that PS3.5 6.2 does not know, such as `--`.
    UnknownVr,
    /// The data set is written in another encoding than the transfer syntax says: explicit for implicit VR, implicit
    /// for explicit, or the other byte order.
    OtherEncoding,
    /// Number of Frames (0028,0008) is 0 or empty.
    NoNumberOfFrames,
    /// Rescale Slope (0028,1053) or Rescale Intercept (0028,1052) is empty.
    EmptyRescale,
    /// There is a Modality LUT beside a rescale (PS3.3 C.11.1).
    LutBesideRescale,
    /// High Bit (0028,0102) is above Bits Stored - 1.
    HighBit,
    /// MONOCHROME1 with floating point pixels, whose range is unknown.
    FloatNotInverted,
    /// MONOCHROME1 with modality values of a unit, which no other value stands for.
    QuantityNotInverted,
    /// Pixel Data (7FE0,0010) has more bytes than the image needs.
    ExcessPixels,
    /// The fragments of the pixel data have no Sequence Delimitation Item at their end.
    UnendedFragments,
    /// The Basic Offset Table does not fit the fragments.
    OffsetTable,
    /// 32-bit pixels in Explicit VR Big Endian, written in 16-bit words, the low one first (PS3.5 7.3).
    WideInWords,
    /// 32-bit pixels in Explicit VR Big Endian, written as 32-bit numbers.
    WideAsNumbers,
    /// A compressed image has no end marker, though all its rows are there.
    NoEndMarker,
    /// A lossy compressed image has values slightly beyond Bits Stored.
    Overshoot,
    /// A JPEG 2000 stream says another sign than Pixel Representation (0028,0103), which counts.
    SignOfHeader,
    /// There is an ICC profile (0028,2000).
    IccProfile,
    /// A rescale or a Modality LUT stands in a colour image.
    RescaleOfColor,
    /// A palette supplements a monochrome image: Pixel Presentation (0008,9205) is MIXED, COLOR or TRUE_COLOR.
    SupplementalPalette,
    /// All entries of a palette of 16 bits are below 256.
    DarkPalette,
    /// Photometric Interpretation is YBR_FULL_422, and native pixel data has all colour differences.
    NotHalved,
    /// Photometric Interpretation is RGB, and the JPEG stream says YCbCr: by a JFIF or an Adobe marker, or since it has fewer
    /// samples of some components.
    YbrInJpeg,
    /// Photometric Interpretation is YBR_FULL or YBR_FULL_422, and the JPEG stream says RGB: by an Adobe marker or by the
    /// identifiers of its components.
    RgbInJpeg,
}

impl fmt::Display for Leniency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownVr => "an element has an unknown VR; it is passed over by its length",
            Self::OtherEncoding => {
                "the data set is not encoded as the Transfer Syntax UID says; it is read as it is written"
            }
            Self::NoNumberOfFrames => "Number of Frames is 0 or empty; the pixels of one frame are there",
            Self::EmptyRescale => "Rescale Slope or Intercept is empty; it is taken as 1 or 0",
            Self::LutBesideRescale => {
                "there is a Modality LUT beside a rescale; the LUT is applied (PS3.3 C.11.1)"
            }
            Self::HighBit => {
                "High Bit is above Bits Stored - 1; the values are shifted down to bit 0, which some readers do not do"
            }
            Self::FloatNotInverted => {
                "floating point pixels are MONOCHROME1; their range is unknown, so they are not inverted"
            }
            Self::QuantityNotInverted => {
                "MONOCHROME1 with values of a unit (Rescale Type, or HU of CT): they are not inverted"
            }
            Self::ExcessPixels => "Pixel Data is longer than the image; what follows the image is left away",
            Self::UnendedFragments => {
                "the fragments of Pixel Data do not end with a Sequence Delimitation Item; the image is complete"
            }
            Self::OffsetTable => {
                "the Basic Offset Table does not fit the fragments; the frames are found without it"
            }
            Self::WideInWords => {
                "32-bit pixels in Explicit VR Big Endian are read in 16-bit words, the low one first (PS3.5 7.3), as \
                 only this fits the header"
            }
            Self::WideAsNumbers => {
                "32-bit pixels in Explicit VR Big Endian are read as 32-bit numbers, as only this fits the header"
            }
            Self::NoEndMarker => "the compressed image has no end marker; all its rows are there",
            Self::Overshoot => {
                "lossy compression goes beyond Bits Stored; such values are set to the largest or smallest"
            }
            Self::SignOfHeader => {
                "the JPEG 2000 stream says another sign than Pixel Representation; its bits are read by the header"
            }
            Self::IccProfile => "there is an ICC profile; it is not applied, as in most readers",
            Self::RescaleOfColor => {
                "there is a rescale or a Modality LUT in a colour image; it is not applied (PS3.3 C.11.1)"
            }
            Self::SupplementalPalette => {
                "a palette supplements a monochrome image (Pixel Presentation); the pixels are grey, as stored"
            }
            Self::DarkPalette => {
                "all entries of the 16-bit palette are below 256, so in 8 bits the image is black; use --dtype uint16"
            }
            Self::NotHalved => {
                "Photometric Interpretation is YBR_FULL_422, and the pixel data is as long as that of YBR_FULL; it is \
                 read as such"
            }
            Self::YbrInJpeg => {
                "Photometric Interpretation is RGB, and the JPEG stream says YCbCr (by a JFIF or Adobe marker, or \
                 subsampling); it is converted to RGB"
            }
            Self::RgbInJpeg => {
                "Photometric Interpretation is YBR_FULL or YBR_FULL_422, and the JPEG stream says RGB (by an Adobe marker \
                 or its components' identifiers); it is not converted"
            }
        })
    }
}
