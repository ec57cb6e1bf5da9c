//! Several stored images side by side, as the channels of one.

use super::batch::TensorSchema;

/// The place of one image among several that are the channels of one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// Number of the image, from 0.
    pub(super) number: usize,
    /// Number of images.
    pub(super) images: usize,
}

impl Slot {
    /// Writes `image` (H, W, C), whose pixels have `pixel_bytes` with all their channels, into its channels of `joined`
    /// (H, W, images C).
    pub(super) fn put(self, image: &[u8], pixel_bytes: usize, joined: &mut [u8]) {
        match pixel_bytes {
            1 => self.put_pixels::<1>(image, joined),
            2 => self.put_pixels::<2>(image, joined),
            4 => self.put_pixels::<4>(image, joined),
            _ => {
                let pixels = joined.chunks_exact_mut(pixel_bytes * self.images);
                for (to, pixel) in pixels.zip(image.chunks_exact(pixel_bytes)) {
                    to[self.number * pixel_bytes..][..pixel_bytes].copy_from_slice(pixel);
                }
            }
        }
    }

    fn put_pixels<const BYTES: usize>(self, image: &[u8], joined: &mut [u8]) {
        let (pixels, _) = image.as_chunks::<BYTES>();
        let (joined, _) = joined.as_chunks_mut::<BYTES>();
        let places = joined.iter_mut().skip(self.number).step_by(self.images);
        places.zip(pixels).for_each(|(to, pixel)| *to = *pixel);
    }

    /// Makes the channels of the image 0 in `sample`, a tensor of `schema`.
    pub(super) fn clear(self, schema: &TensorSchema, sample: &mut [u8]) {
        let size = schema.element.size();
        if schema.axes[0] == "channel" {
            let bytes = sample.len() / self.images;
            sample[self.number * bytes..][..bytes].fill(0);
        } else {
            let bytes = schema.shape[2] * size / self.images;
            for pixel in sample.chunks_exact_mut(bytes * self.images) {
                pixel[self.number * bytes..][..bytes].fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::ElementType;

    #[test]
    fn images_are_put_side_by_side_and_cleared() {
        for pixel_bytes in [1, 2, 3, 4, 6] {
            let mut joined = vec![0xAA; 2 * pixel_bytes * 3];
            for number in 0..3 {
                let image = vec![number as u8; 2 * pixel_bytes];
                Slot { number, images: 3 }.put(&image, pixel_bytes, &mut joined);
            }
            let pixel: Vec<u8> = [0, 1, 2].iter().flat_map(|&n| vec![n; pixel_bytes]).collect();
            assert_eq!(joined, [&pixel[..], &pixel].concat());
        }
        let cleared = |axes, shape| {
            let schema = TensorSchema { element: ElementType::UInt8, shape, axes };
            let mut sample = vec![1; 8];
            Slot { number: 1, images: 2 }.clear(&schema, &mut sample);
            sample
        };
        assert_eq!(cleared(["row", "column", "channel"], [1, 2, 4]), [1, 1, 0, 0, 1, 1, 0, 0]);
        assert_eq!(cleared(["channel", "row", "column"], [4, 1, 2]), [1, 1, 1, 1, 0, 0, 0, 0]);
    }
}
