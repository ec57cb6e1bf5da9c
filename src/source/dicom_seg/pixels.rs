//! Pixels of the frames of a segmentation.

use std::ops::Range;

use crate::model::{GridShape, Mask};
use crate::source::Limits;
use crate::source::dicom::{
    DataElement, DicomFault, TransferSyntax, attribute, fragment_ranges, label_frame,
};

use super::error::SegmentationFault;
use super::read::Fault;

/// Encoding of the pixels of all frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct PixelEncoding {
    pub(super) shape: GridShape,
    /// Bits Allocated: 1, 8 or 16.
    pub(super) bits: u32,
    pub(super) frames: usize,
}

/// The bytes of an object and where its frames are.
#[derive(Debug)]
pub(super) struct FramePixels {
    bytes: Vec<u8>,
    layout: PixelEncoding,
    form: Stored,
    big_endian: bool,
}

#[derive(Debug)]
enum Stored {
    /// One stream of bits from the first frame to the last, the lowest bit of a byte first (PS3.5 8.1.1).
    Bits { start: usize },
    /// Bits, where each frame begins with a byte: what some writers do.
    PaddedBits { start: usize },
    /// Bytes or words.
    Samples { start: usize },
    /// Compressed, the fragments of each frame.
    Encapsulated { frames: Vec<Vec<Range<usize>>>, syntax: TransferSyntax },
}

impl FramePixels {
    /// The pixels in the element `pixels` of the data set `bytes`.
    pub(super) fn new(
        mut bytes: Vec<u8>,
        pixels: &DataElement,
        syntax: TransferSyntax,
        layout: PixelEncoding,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        let fault = |fault: DicomFault| (Some(attribute::PIXEL_DATA), SegmentationFault::from(fault));
        let pixels_in_frame = layout.shape.pixels() as u64;
        if pixels_in_frame > limits.max_image_pixels {
            let limit = limits.max_image_pixels;
            return Err(fault(DicomFault::TooManyPixels { pixels: pixels_in_frame, limit }));
        }
        let big_endian = pixels.syntax.big_endian;
        let Some(end) = pixels.end else {
            let frames = fragment_ranges(&bytes, pixels.start, layout.frames).map_err(fault)?;
            let form = Stored::Encapsulated { frames, syntax };
            return Ok(Self { bytes, layout, form, big_endian: false });
        };
        if syntax.is_encapsulated() {
            let syntax = syntax.to_string();
            return Err(fault(DicomFault::Encapsulation { encapsulated: false, syntax }));
        }
        let end = end.min(bytes.len());
        let present = (end - pixels.start) as u64;
        let (needed, form) = match layout.bits {
            1 => stream_or_padded(layout, present, pixels.start),
            bits => {
                let needed = layout.frames as u64 * pixels_in_frame * u64::from(bits / 8);
                (needed, Stored::Samples { start: pixels.start })
            }
        };
        if present < needed {
            return Err(fault(DicomFault::PixelsShort { needed, present }));
        }
        // Bytes in words of big endian: the first is in the low byte (PS3.5 7.3, 8.1.1).
        if big_endian && layout.bits < 16 && pixels.vr == *b"OW" {
            bytes[pixels.start..end].as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.reverse());
        }
        Ok(Self { bytes, layout, form, big_endian })
    }

    /// Note on the encoding of the pixels.
    pub(super) fn note(&self) -> Option<String> {
        matches!(self.form, Stored::PaddedBits { .. }).then(|| {
            "each of its frames begins with a byte of its own, where the standard has one stream of bits: read by the \
             length of Pixel Data"
                .to_owned()
        })
    }

    /// The pixels of frame `index` that are not 0.
    pub(super) fn nonzero(&self, index: usize) -> Result<Mask, Fault> {
        if self.layout.bits != 1 {
            return self.select(index, |value| value != 0);
        }
        let pixels = self.layout.shape.pixels();
        let mask = |bytes: &[u8], first: usize| {
            let mut data = Vec::with_capacity(pixels + 8);
            expand_bits(bytes, first, pixels, &mut data);
            Mask::from_values(self.layout.shape, data)
        };
        Ok(match &self.form {
            Stored::Encapsulated { .. } => {
                let decoded = self.decoded(index)?;
                // One byte a pixel where the codec unpacks bits, else the bits.
                if decoded.len() >= pixels {
                    Mask::from_values(self.layout.shape, decoded[..pixels].to_vec())
                } else {
                    mask(&decoded, 0)
                }
            }
            Stored::Bits { start } => mask(&self.bytes[*start..], index * pixels),
            Stored::PaddedBits { start } => mask(&self.bytes[start + index * pixels.div_ceil(8)..], 0),
            Stored::Samples { start } => mask(&self.bytes[*start..], index * pixels),
        })
    }

    /// The pixels of frame `index`, of 8 or 16 bits, whose value is `wanted`.
    pub(super) fn select(&self, index: usize, wanted: impl Fn(u16) -> bool) -> Result<Mask, Fault> {
        let length = self.layout.shape.pixels() * (self.layout.bits / 8) as usize;
        let decoded;
        let (bytes, big_endian) = match &self.form {
            Stored::Encapsulated { .. } => {
                decoded = self.decoded(index)?;
                (&decoded[..length], false)
            }
            Stored::Samples { start } | Stored::Bits { start } | Stored::PaddedBits { start } => {
                let first = start + index * length;
                (&self.bytes[first..first + length], self.big_endian)
            }
        };
        let mut data = Vec::with_capacity(self.layout.shape.pixels());
        if self.layout.bits == 8 {
            data.extend(bytes.iter().map(|&value| u8::from(wanted(value.into()))));
        } else {
            let word = |pair: &[u8; 2]| {
                if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }
            };
            data.extend(bytes.as_chunks::<2>().0.iter().map(|pair| u8::from(wanted(word(pair)))));
        }
        Ok(Mask::from_values(self.layout.shape, data))
    }

    /// The decoded bytes of a compressed frame.
    fn decoded(&self, index: usize) -> Result<Vec<u8>, Fault> {
        let Stored::Encapsulated { frames, syntax } = &self.form else { return Ok(Vec::new()) };
        let fragments: Vec<u8> = match frames[index].as_slice() {
            [only] => self.bytes[only.clone()].to_vec(),
            several => several.iter().flat_map(|range| self.bytes[range.clone()].iter().copied()).collect(),
        };
        label_frame(*syntax, self.layout.shape, self.layout.bits, &fragments)
            .map_err(|fault| (Some(attribute::PIXEL_DATA), fault.into()))
    }
}

/// Bits in one stream, or with each frame padded to whole bytes, as the length of the pixels tells. Where both fit, the
/// stream that the standard has (PS3.5 8.1.1).
fn stream_or_padded(layout: PixelEncoding, present: u64, start: usize) -> (u64, Stored) {
    let (frames, pixels) = (layout.frames as u64, layout.shape.pixels() as u64);
    let stream = (frames * pixels).div_ceil(8);
    let padded = frames * pixels.div_ceil(8);
    let even = |length: u64| length + length % 2;
    let fits = |length: u64| present == length || present == even(length);
    if fits(padded) && !fits(stream) {
        return (padded, Stored::PaddedBits { start });
    }
    (stream, Stored::Bits { start })
}

/// Appends `count` bits from bit `first` on as bytes of 0 and 1, the lowest bit of a byte first. A byte too few is 0.
fn expand_bits(bytes: &[u8], first: usize, count: usize, data: &mut Vec<u8>) {
    let (from, shift) = (first / 8, first % 8);
    let byte = |at: usize| bytes.get(at).copied().map_or(0, u16::from);
    for at in from..from + count.div_ceil(8) {
        let eight = (byte(at) | byte(at + 1) << 8) >> shift;
        data.extend((0..8).map(|bit| (eight >> bit & 1) as u8));
    }
    data.truncate(count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_run_across_bytes_and_frames() {
        let mut data = Vec::new();
        expand_bits(&[0b1010_0001, 0b0000_0011], 5, 5, &mut data);
        assert_eq!(data, [1, 0, 1, 1, 1]);
    }

    #[test]
    fn the_length_tells_padded_frames_from_a_stream() {
        let layout = |frames| PixelEncoding { shape: GridShape::new(50, 50).unwrap(), bits: 1, frames };
        // 7 frames of 2,500 bits: 2,188 bytes in a stream, 7 times 313 and one more where each is padded.
        assert!(matches!(stream_or_padded(layout(7), 2188, 0), (2188, Stored::Bits { .. })));
        assert!(matches!(stream_or_padded(layout(7), 2192, 0), (2191, Stored::PaddedBits { .. })));
        assert!(matches!(stream_or_padded(layout(7), 2191, 0), (2191, Stored::PaddedBits { .. })));
        assert!(matches!(stream_or_padded(layout(1), 314, 0), (313, Stored::Bits { .. })));
        assert!(matches!(stream_or_padded(layout(7), 4000, 0), (2188, Stored::Bits { .. })));
    }
}
