//! Deflated Image Frame Compression (PS3.5 A.4.13).

use flate2::{Decompress, FlushDecompress, Status};

use super::super::error::DicomFault;

/// Inflates a frame up to the bytes that are needed. The stream must come to its end there.
pub(in super::super) fn decode(needed: usize, frame: &[u8], decoded: &mut Vec<u8>) -> Result<(), DicomFault> {
    decoded.clear();
    // One byte that makes the length even, and one that shows that there is more.
    decoded.reserve(needed + 2);
    let mut inflate = Decompress::new(false);
    let done = inflate.decompress_vec(frame, decoded, FlushDecompress::Finish);
    match done {
        Ok(Status::StreamEnd) => {}
        _ if decoded.len() > needed + needed % 2 => {}
        _ => return Err(DicomFault::Codestream { format: "deflate" }),
    }
    whole_frame(needed, decoded)?;
    decoded.truncate(needed);
    Ok(())
}

/// The `needed` bytes of a frame that is not compressed: no byte less, and none more but the one that
/// makes its length even (PS3.5 A.4).
pub(in super::super) fn whole_frame(needed: usize, frame: &[u8]) -> Result<&[u8], DicomFault> {
    let present = frame.len();
    if present != needed && present != needed + needed % 2 {
        return Err(DicomFault::FrameLength { needed: needed as u64, present: present as u64 });
    }
    Ok(&frame[..needed])
}
