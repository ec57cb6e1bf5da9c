//! JPEG: lossless, baseline, extended and progressive (PS3.5 A.4.1, A.4.2).

use dicomprep_jpeg::{Header, JpegError};

use super::super::error::DicomFault;
use super::super::transfer_syntax::TransferSyntax;
use super::codestream::Codestream;

/// Properties that a stream states, and its header.
pub(in super::super) fn describe(
    syntax: TransferSyntax,
    frame: &[u8],
) -> Result<(Codestream, Header), DicomFault> {
    let header = dicomprep_jpeg::read_header(frame).map_err(|error| fault(syntax, error))?;
    let stream = Codestream {
        rows: header.rows.into(),
        columns: header.columns.into(),
        components: header.components.len() as u16,
        precision: header.precision,
        signed: false,
    };
    Ok((stream, header))
}

/// Decodes a stream that has been described. False if it has no end marker; all samples are there.
pub(in super::super) fn decode(
    syntax: TransferSyntax,
    frame: &[u8],
    samples: &mut Vec<u16>,
) -> Result<bool, DicomFault> {
    let decoded = dicomprep_jpeg::decode(frame, samples).map_err(|error| fault(syntax, error))?;
    Ok(decoded.has_end)
}

fn fault(syntax: TransferSyntax, error: JpegError) -> DicomFault {
    match error {
        JpegError::Unsupported { .. } => {
            let supported = "JPEG with Huffman coding in one frame";
            DicomFault::Unsupported { value: error.to_string().replace(" is not supported", ""), supported }
        }
        JpegError::NotJpeg
        | JpegError::Cut
        | JpegError::Missing
        | JpegError::Restart
        | JpegError::NoTable { .. }
        | JpegError::NoMarker { .. } => DicomFault::Codestream { format: "JPEG" },
        _ => DicomFault::Codec { syntax: syntax.to_string(), message: error.to_string() },
    }
}
