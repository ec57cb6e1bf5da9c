//! Pixels as they stand in native pixel data (PS3.5 8.1.1, 8.2): their order, and single bits.

use super::color_space::ColorSpace;
use super::header::ImageHeader;

/// Order of the bytes of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SampleOrder {
    /// The samples of each pixel one behind the other.
    ByPixel,
    /// All samples of a component one behind the other: Planar Configuration (0028,0006) is 1.
    ByPlane,
    /// Two values of luma, then the two colour differences of both pixels (PS3.3 C.7.6.3.1.2, YBR_FULL_422).
    Halved,
    /// Eight pixels a byte, the first in the lowest bit (PS3.5 8.1.1).
    Bits,
}

impl SampleOrder {
    /// The order in native pixel data under this header.
    pub(super) fn of(header: &ImageHeader) -> Self {
        match &header.color {
            _ if header.stored.is_bit() => Self::Bits,
            Some(ColorSpace::YbrFull422) => Self::Halved,
            Some(_) if header.samples() > 1 && header.is_planar => Self::ByPlane,
            _ => Self::ByPixel,
        }
    }

    /// Bits of one frame under this header.
    pub(super) fn frame_bits(self, header: &ImageHeader) -> u64 {
        let (pixels, bytes) = (header.shape.pixels() as u64, header.stored.bytes() as u64);
        match self {
            Self::Bits => pixels * header.samples() as u64,
            Self::Halved => 8 * 2 * pixels * bytes,
            Self::ByPixel | Self::ByPlane => 8 * pixels * header.samples() as u64 * bytes,
        }
    }

    /// Brings a frame into the order by pixel, with a byte for each bit, in `ordered`. False where it is in that order
    /// already. The frame begins `skipped` bits behind the first of `bytes`.
    pub(super) fn arrange(
        self,
        header: &ImageHeader,
        bytes: &[u8],
        skipped: usize,
        ordered: &mut Vec<u8>,
    ) -> bool {
        ordered.clear();
        let size = header.stored.bytes();
        match self {
            Self::ByPixel => return false,
            Self::Bits => {
                let bits = header.shape.pixels() * header.samples();
                ordered.extend((skipped..skipped + bits).map(|bit| bytes[bit / 8] >> (bit % 8) & 1));
            }
            Self::ByPlane => interleave(bytes, size, header.samples(), ordered),
            Self::Halved => {
                for pair in bytes.chunks_exact(4 * size) {
                    let [first, second, blue, red] = [0, 1, 2, 3].map(|at| &pair[at * size..(at + 1) * size]);
                    for part in [first, blue, red, second, blue, red] {
                        ordered.extend_from_slice(part);
                    }
                }
            }
        }
        true
    }
}

/// Brings planes of samples of `size` bytes into the order by pixel.
fn interleave(bytes: &[u8], size: usize, planes: usize, ordered: &mut Vec<u8>) {
    ordered.resize(bytes.len(), 0);
    for (number, plane) in bytes.chunks_exact(bytes.len() / planes).enumerate() {
        let samples = ordered.chunks_exact_mut(size).skip(number).step_by(planes);
        plane.chunks_exact(size).zip(samples).for_each(|(from, to)| to.copy_from_slice(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_interleaved() {
        let mut ordered = Vec::new();
        interleave(&[1, 2, 3, 4, 5, 6], 1, 3, &mut ordered);
        assert_eq!(ordered, [1, 3, 5, 2, 4, 6]);
        ordered.clear();
        interleave(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], 2, 3, &mut ordered);
        assert_eq!(ordered, [1, 2, 5, 6, 9, 10, 3, 4, 7, 8, 11, 12]);
    }
}
