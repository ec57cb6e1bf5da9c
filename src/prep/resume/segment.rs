//! Rows that are kept together.

/// Bytes of images and masks, before they are compressed, that make a segment.
const SEGMENT_BYTES: usize = 256 << 20;
/// Rows of a segment, whatever their size.
const SEGMENT_ROWS: (usize, usize) = (16, 4096);

/// Rows of a segment where none are asked for.
pub(in crate::prep) fn segment_rows(sample_bytes: usize) -> usize {
    (SEGMENT_BYTES / sample_bytes.max(1)).clamp(SEGMENT_ROWS.0, SEGMENT_ROWS.1)
}
