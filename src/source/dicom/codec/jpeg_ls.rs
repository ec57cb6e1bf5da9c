//! JPEG-LS, lossless and near-lossless (PS3.5 A.4.3).

use dicomprep_jpeg_ls::JpegLsError;

use super::super::error::DicomFault;
use super::super::transfer_syntax::TransferSyntax;
use super::codestream::Codestream;

/// Properties that a stream states.
pub(in super::super) fn describe(syntax: TransferSyntax, frame: &[u8]) -> Result<Codestream, DicomFault> {
    let header = dicomprep_jpeg_ls::read_header(frame).map_err(|error| fault(syntax, error))?;
    Ok(Codestream {
        rows: header.rows.into(),
        columns: header.columns.into(),
        components: header.components.len() as u16,
        precision: header.precision,
        signed: false,
    })
}

/// Decodes a stream that has been described. False if it has no end marker; all samples are there.
pub(in super::super) fn decode(
    syntax: TransferSyntax,
    frame: &[u8],
    samples: &mut Vec<u16>,
) -> Result<bool, DicomFault> {
    let decoded = dicomprep_jpeg_ls::decode(frame, samples).map_err(|error| fault(syntax, error))?;
    Ok(decoded.has_end)
}

fn fault(syntax: TransferSyntax, error: JpegLsError) -> DicomFault {
    match error {
        JpegLsError::Unsupported { what } => DicomFault::Unsupported {
            value: format!("{what} in JPEG-LS"),
            supported: "JPEG-LS of part 1 in one frame",
        },
        JpegLsError::NotJpegLs | JpegLsError::Cut | JpegLsError::Missing | JpegLsError::NoMarker { .. } => {
            DicomFault::Codestream { format: "JPEG-LS" }
        }
        _ => DicomFault::Codec { syntax: syntax.to_string(), message: error.to_string() },
    }
}
