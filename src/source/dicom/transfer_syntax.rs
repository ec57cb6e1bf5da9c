//! The transfer syntaxes: how a data set and its pixels are written.

use std::fmt;

use super::error::{DicomFault, Located};
use super::{attribute, data_set::Syntax, unsupported_syntax};

/// A transfer syntax that is supported (PS3.5 annex A).
///
/// Displays as its name and UID, `RLE Lossless (1.2.840.10008.1.2.5)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferSyntax {
    /// Implicit VR Little Endian.
    ImplicitLittle,
    /// Explicit VR Little Endian.
    ExplicitLittle,
    /// Explicit VR Big Endian (retired).
    ExplicitBig,
    /// Deflated Explicit VR Little Endian.
    Deflated,
    /// RLE Lossless (PS3.5 annex G).
    Rle,
    /// JPEG Baseline, 8 bits.
    JpegBaseline,
    /// JPEG Extended, 8 and 12 bits.
    JpegExtended,
    /// JPEG Spectral Selection, non-hierarchical (retired).
    JpegSpectral,
    /// JPEG Full Progression, non-hierarchical (retired).
    JpegProgressive,
    /// JPEG Lossless, any selection value.
    JpegLossless,
    /// JPEG Lossless, selection value 1.
    JpegLosslessSv1,
    /// JPEG-LS, lossless.
    JpegLsLossless,
    /// JPEG-LS, near-lossless.
    JpegLs,
    /// JPEG 2000, lossless.
    Jpeg2000Lossless,
    /// JPEG 2000.
    Jpeg2000,
    /// JPEG 2000 Part 2, lossless; codestreams that need no extension of part 2.
    Jpeg2000Part2Lossless,
    /// JPEG 2000 Part 2; codestreams that need no extension of part 2.
    Jpeg2000Part2,
    /// High-Throughput JPEG 2000, lossless.
    Htj2kLossless,
    /// High-Throughput JPEG 2000, lossless, with the RPCL progression.
    Htj2kLosslessRpcl,
    /// High-Throughput JPEG 2000.
    Htj2k,
    /// JPEG XL, lossless.
    JpegXlLossless,
    /// JPEG XL made of a JPEG.
    JpegXlRecompression,
    /// JPEG XL.
    JpegXl,
    /// Encapsulated Uncompressed Explicit VR Little Endian.
    EncapsulatedUncompressed,
    /// Deflated Image Frame Compression.
    DeflatedFrame,
}

/// Compression of the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    JpegXl,
    Uncompressed,
    Deflate,
}

impl Codec {
    /// True if each compressed image ends with the bytes FF D9: EOI (T.81, T.87) and EOC (T.800).
    pub(super) fn has_end_marker(self) -> bool {
        matches!(self, Self::Jpeg | Self::JpegLs | Self::Jpeg2000)
    }

    /// True if a fragment with these first bytes begins a compressed image; false where that cannot be seen.
    pub(super) fn begins(self, start: [u8; 8]) -> bool {
        const JP2_SIGNATURE: &[u8] = &[0, 0, 0, 12];
        match self {
            Self::Jpeg2000 => {
                start.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) || start.starts_with(JP2_SIGNATURE)
            }
            Self::JpegXl => start.starts_with(&[0xFF, 0x0A]) || start.starts_with(JP2_SIGNATURE),
            Self::Rle => matches!(start, [1..=15, 0, 0, 0, 64, 0, 0, 0]),
            Self::Uncompressed | Self::Deflate => false,
            _ => start.starts_with(&[0xFF, 0xD8, 0xFF]),
        }
    }
}

impl TransferSyntax {
    /// All of them, by UID.
    pub const ALL: [Self; 25] = [
        Self::ImplicitLittle,
        Self::ExplicitLittle,
        Self::ExplicitBig,
        Self::Deflated,
        Self::Rle,
        Self::JpegBaseline,
        Self::JpegExtended,
        Self::JpegSpectral,
        Self::JpegProgressive,
        Self::JpegLossless,
        Self::JpegLosslessSv1,
        Self::JpegLsLossless,
        Self::JpegLs,
        Self::Jpeg2000Lossless,
        Self::Jpeg2000,
        Self::Jpeg2000Part2Lossless,
        Self::Jpeg2000Part2,
        Self::Htj2kLossless,
        Self::Htj2kLosslessRpcl,
        Self::Htj2k,
        Self::JpegXlLossless,
        Self::JpegXlRecompression,
        Self::JpegXl,
        Self::EncapsulatedUncompressed,
        Self::DeflatedFrame,
    ];

    /// Its UID (PS3.6 annex A).
    #[must_use]
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "1.2.840.10008.1.2",
            Self::ExplicitLittle => "1.2.840.10008.1.2.1",
            Self::ExplicitBig => "1.2.840.10008.1.2.2",
            Self::Deflated => "1.2.840.10008.1.2.1.99",
            Self::Rle => "1.2.840.10008.1.2.5",
            Self::JpegBaseline => "1.2.840.10008.1.2.4.50",
            Self::JpegExtended => "1.2.840.10008.1.2.4.51",
            Self::JpegSpectral => "1.2.840.10008.1.2.4.53",
            Self::JpegProgressive => "1.2.840.10008.1.2.4.55",
            Self::JpegLossless => "1.2.840.10008.1.2.4.57",
            Self::JpegLosslessSv1 => "1.2.840.10008.1.2.4.70",
            Self::JpegLsLossless => "1.2.840.10008.1.2.4.80",
            Self::JpegLs => "1.2.840.10008.1.2.4.81",
            Self::Jpeg2000Lossless => "1.2.840.10008.1.2.4.90",
            Self::Jpeg2000 => "1.2.840.10008.1.2.4.91",
            Self::Jpeg2000Part2Lossless => "1.2.840.10008.1.2.4.92",
            Self::Jpeg2000Part2 => "1.2.840.10008.1.2.4.93",
            Self::Htj2kLossless => "1.2.840.10008.1.2.4.201",
            Self::Htj2kLosslessRpcl => "1.2.840.10008.1.2.4.202",
            Self::Htj2k => "1.2.840.10008.1.2.4.203",
            Self::JpegXlLossless => "1.2.840.10008.1.2.4.110",
            Self::JpegXlRecompression => "1.2.840.10008.1.2.4.111",
            Self::JpegXl => "1.2.840.10008.1.2.4.112",
            Self::EncapsulatedUncompressed => "1.2.840.10008.1.2.1.98",
            Self::DeflatedFrame => "1.2.840.10008.1.2.8.1",
        }
    }

    /// Its name (PS3.6 annex A).
    fn name(self) -> &'static str {
        match self {
            Self::ImplicitLittle => "Implicit VR Little Endian",
            Self::ExplicitLittle => "Explicit VR Little Endian",
            Self::ExplicitBig => "Explicit VR Big Endian",
            Self::Deflated => "Deflated Explicit VR Little Endian",
            Self::Rle => "RLE Lossless",
            Self::JpegBaseline => "JPEG Baseline (Process 1)",
            Self::JpegExtended => "JPEG Extended (Process 2 & 4)",
            Self::JpegSpectral => "JPEG Spectral Selection, Non-Hierarchical (Process 6 & 8)",
            Self::JpegProgressive => "JPEG Full Progression, Non-Hierarchical (Process 10 & 12)",
            Self::JpegLossless => "JPEG Lossless, Non-Hierarchical (Process 14)",
            Self::JpegLosslessSv1 => {
                "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])"
            }
            Self::JpegLsLossless => "JPEG-LS Lossless Image Compression",
            Self::JpegLs => "JPEG-LS Lossy (Near-Lossless) Image Compression",
            Self::Jpeg2000Lossless => "JPEG 2000 Image Compression (Lossless Only)",
            Self::Jpeg2000 => "JPEG 2000 Image Compression",
            Self::Jpeg2000Part2Lossless => {
                "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)"
            }
            Self::Jpeg2000Part2 => "JPEG 2000 Part 2 Multi-component Image Compression",
            Self::Htj2kLossless => "High-Throughput JPEG 2000 Image Compression (Lossless Only)",
            Self::Htj2kLosslessRpcl => {
                "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)"
            }
            Self::Htj2k => "High-Throughput JPEG 2000 Image Compression",
            Self::JpegXlLossless => "JPEG XL Lossless",
            Self::JpegXlRecompression => "JPEG XL JPEG Recompression",
            Self::JpegXl => "JPEG XL",
            Self::EncapsulatedUncompressed => "Encapsulated Uncompressed Explicit VR Little Endian",
            Self::DeflatedFrame => "Deflated Image Frame Compression",
        }
    }

    /// The supported transfer syntax with this UID.
    pub(super) fn from_uid(uid: &str) -> Result<Self, Located> {
        Self::ALL.into_iter().find(|syntax| syntax.uid() == uid).ok_or_else(|| {
            DicomFault::TransferSyntax { name: described(uid) }.at(attribute::TRANSFER_SYNTAX_UID)
        })
    }

    /// Encoding of the elements of the data set.
    pub(super) fn syntax(self) -> Syntax {
        match self {
            Self::ImplicitLittle => Syntax::IMPLICIT_LITTLE,
            Self::ExplicitBig => Syntax::EXPLICIT_BIG,
            _ => Syntax::EXPLICIT_LITTLE,
        }
    }

    /// True if its pixels are always compressed without loss.
    #[must_use]
    pub fn is_lossless(self) -> bool {
        matches!(
            self,
            Self::ImplicitLittle
                | Self::ExplicitLittle
                | Self::ExplicitBig
                | Self::Deflated
                | Self::Rle
                | Self::JpegLossless
                | Self::JpegLosslessSv1
                | Self::JpegLsLossless
                | Self::Jpeg2000Lossless
                | Self::Jpeg2000Part2Lossless
                | Self::Htj2kLossless
                | Self::Htj2kLosslessRpcl
                | Self::JpegXlLossless
                | Self::EncapsulatedUncompressed
                | Self::DeflatedFrame
        )
    }

    /// True if pixels are in fragments.
    #[must_use]
    pub fn is_encapsulated(self) -> bool {
        self.codec().is_some()
    }

    /// The codec of its pixels; `None` where they are native.
    pub(super) fn codec(self) -> Option<Codec> {
        match self {
            Self::ImplicitLittle | Self::ExplicitLittle | Self::ExplicitBig | Self::Deflated => None,
            Self::Rle => Some(Codec::Rle),
            Self::JpegBaseline
            | Self::JpegExtended
            | Self::JpegSpectral
            | Self::JpegProgressive
            | Self::JpegLossless
            | Self::JpegLosslessSv1 => Some(Codec::Jpeg),
            Self::JpegLsLossless | Self::JpegLs => Some(Codec::JpegLs),
            Self::Jpeg2000Lossless
            | Self::Jpeg2000
            | Self::Jpeg2000Part2Lossless
            | Self::Jpeg2000Part2
            | Self::Htj2kLossless
            | Self::Htj2kLosslessRpcl
            | Self::Htj2k => Some(Codec::Jpeg2000),
            Self::JpegXlLossless | Self::JpegXlRecompression | Self::JpegXl => Some(Codec::JpegXl),
            Self::EncapsulatedUncompressed => Some(Codec::Uncompressed),
            Self::DeflatedFrame => Some(Codec::Deflate),
        }
    }
}

impl fmt::Display for TransferSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&described(self.uid()))
    }
}

/// Name and UID, or the UID alone where it is not known.
fn described(uid: &str) -> String {
    let supported =
        TransferSyntax::ALL.into_iter().find(|syntax| syntax.uid() == uid).map(TransferSyntax::name);
    match supported.or_else(|| unsupported_syntax::name(uid)) {
        Some(name) => format!("{name} ({uid})"),
        None => format!("{:?}", uid.chars().take(64).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_is_found_by_its_uid_and_named() {
        for syntax in TransferSyntax::ALL {
            assert_eq!(TransferSyntax::from_uid(syntax.uid()).unwrap(), syntax);
            assert!(syntax.to_string().ends_with(&format!("({})", syntax.uid())), "{syntax}");
        }
    }

    #[test]
    fn an_unsupported_syntax_is_named() {
        let refused = |uid| TransferSyntax::from_uid(uid).unwrap_err().in_file("a.dcm").to_string();
        let error = refused("1.2.840.10008.1.2.4.100.1");
        assert!(
            error.contains("Fragmentable MPEG2 Main Profile / Main Level (1.2.840.10008.1.2.4.100.1)"),
            "{error}"
        );
        for unknown in ["1.2.840.10008.1.2.4.100.2", "1.2.3.1"] {
            assert!(refused(unknown).contains(&format!("{unknown:?}")), "{unknown}");
        }
    }

    #[test]
    fn every_syntax_of_the_dictionary_has_a_name() {
        use dicom_dictionary_std::uids;
        let others = [
            uids::SMPTEST211020_UNCOMPRESSED_PROGRESSIVE_ACTIVE_VIDEO,
            uids::SMPTEST211020_UNCOMPRESSED_INTERLACED_ACTIVE_VIDEO,
            uids::SMPTEST211030PCM_DIGITAL_AUDIO,
        ];
        let registry = dicom_transfer_syntax_registry::TransferSyntaxRegistry;
        let known = registry.iter().map(|syntax| syntax.uid().to_owned());
        for uid in known.chain(others.map(str::to_owned)) {
            assert!(described(&uid).ends_with(&format!(" ({uid})")), "{uid} has no name");
        }
    }
}
