//! Native pixels of Explicit VR Big Endian, whose bytes stand in 16-bit words (PS3.5 7.3).

use super::error::DicomFault;
use super::header::ImageHeader;
use super::leniency::Leniency;
use super::stored_format::StoredFormat;

/// Swaps the bytes of 16-bit words: the first 8-bit pixel of an OW is in the low byte (PS3.5 8.2, 7.3).
pub(super) fn swap_bytes(words: &[u8], swapped: &mut Vec<u8>) {
    swapped.clear();
    swapped.extend(words.as_chunks::<2>().0.iter().flat_map(|&[high, low]| [low, high]));
}

/// Brings 32-bit pixels into big endian numbers in `numbers`, and says how they are written.
///
/// An OW of big endian is swapped within its 16-bit words, so that the low word of a pixel comes first (PS3.5 7.3), and
/// so DCMTK, GDCM and Orthanc write it; others write 32-bit numbers. The values decide: those that Bits Stored does not
/// hold, or that are not the Smallest and Largest Image Pixel Value, are not meant.
pub(super) fn wide_numbers(
    header: &ImageHeader,
    bytes: &[u8],
    numbers: &mut Vec<u8>,
) -> Result<Option<Leniency>, DicomFault> {
    let pixels = bytes.as_chunks::<4>().0;
    let in_words = |[a, b, c, d]: [u8; 4]| [c, d, a, b];
    let as_numbers = is_possible(header, pixels.iter().copied());
    let as_words = is_possible(header, pixels.iter().map(|&pixel| in_words(pixel)));
    numbers.clear();
    if pixels.iter().all(|&pixel| in_words(pixel) == pixel) {
        numbers.extend_from_slice(bytes);
        return Ok(None);
    }
    match (as_words, as_numbers) {
        (true, false) => {
            numbers.extend(pixels.iter().flat_map(|&pixel| in_words(pixel)));
            Ok(Some(Leniency::WideInWords))
        }
        (false, true) => {
            numbers.extend_from_slice(bytes);
            Ok(Some(Leniency::WideAsNumbers))
        }
        (both, _) => Err(DicomFault::WordOrder { both }),
    }
}

/// True if big endian 32-bit numbers are values that the header allows.
fn is_possible(header: &ImageHeader, pixels: impl Iterator<Item = [u8; 4]>) -> bool {
    let StoredFormat::Integer { bits_stored, high_bit, signed, .. } = header.stored else {
        return false;
    };
    let (mut smallest, mut largest) = (i64::MAX, i64::MIN);
    for pixel in pixels {
        let value = i64::from(u32::from_be_bytes(pixel)) >> (high_bit + 1 - bits_stored);
        let value = if signed { i64::from((value as u32).cast_signed()) } else { value };
        (smallest, largest) = (smallest.min(value), largest.max(value));
    }
    let fits = header.stored.range().is_some_and(|(low, high)| low <= smallest && largest <= high);
    fits && header.stored_extremes.is_none_or(|extremes| extremes == [smallest, largest])
}
