//! From the masks in the file to the masks in a batch.

use crate::model::choice;

use super::layout::plane_of;
use super::{AxisOrder, ElementType, TensorSchema};

/// The number type of masks in a batch: 0 and 1 in either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MaskDtype {
    /// 8-bit unsigned, as in the file.
    #[default]
    UInt8,
    /// IEEE 754 binary32.
    Float32,
}

choice!(MaskDtype {
    UInt8 => "uint8",
    Float32 => "float32",
});

impl MaskDtype {
    fn element(self) -> ElementType {
        match self {
            Self::UInt8 => ElementType::UInt8,
            Self::Float32 => ElementType::Float32,
        }
    }
}

/// Turns the masks of one file into those of a stream.
#[derive(Debug, Clone)]
pub struct MaskConverter {
    stored_planes: usize,
    planes: Vec<usize>,
    dtype: MaskDtype,
    layout: AxisOrder,
    /// True if the numbers stand in the batch in the order of the file.
    in_file_order: bool,
    schema: TensorSchema,
}

impl MaskConverter {
    /// For masks of shape (H, W, K) in the file, of which the planes with the numbers `planes`, counted from
    /// 0, leave in that order.
    ///
    /// # Panics
    /// Where a number is not less than K.
    #[must_use]
    pub fn new(
        [rows, columns, stored_planes]: [usize; 3],
        planes: &[usize],
        dtype: MaskDtype,
        layout: AxisOrder,
    ) -> Self {
        assert!(planes.iter().all(|&plane| plane < stored_planes), "planes {planes:?} of {stored_planes}");
        let schema = TensorSchema {
            element: dtype.element(),
            shape: layout.arrange([rows, columns, planes.len()]),
            axes: layout.arrange(["row", "column", "structure"]),
        };
        let in_file_order =
            planes.iter().copied().eq(0..stored_planes) && (layout == AxisOrder::Nhwc || stored_planes == 1);
        Self { stored_planes, planes: planes.to_vec(), dtype, layout, in_file_order, schema }
    }

    /// Shape and type of the masks in a batch.
    #[must_use]
    pub fn schema(&self) -> &TensorSchema {
        &self.schema
    }

    /// True if every mask leaves with exactly the bytes that are in the file.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.in_file_order && self.dtype == MaskDtype::UInt8
    }

    /// Writes one mask into `out`, which is exactly as long as the schema's [`TensorSchema::sample_bytes`].
    /// `stored` are its bytes in the file, row-major (H, W, K).
    ///
    /// # Panics
    /// Where `stored` or `out` has not the length of one mask.
    pub fn convert(&self, stored: &[u8], out: &mut [u8]) {
        let numbers = self.schema.shape.iter().product::<usize>();
        assert_eq!(
            stored.len() * self.planes.len(),
            numbers * self.stored_planes,
            "the bytes of one stored mask"
        );
        assert_eq!(out.len(), self.schema.sample_bytes(), "the bytes of one mask in a batch");
        if self.is_identity() {
            return out.copy_from_slice(stored);
        }
        match self.dtype {
            MaskDtype::UInt8 => self.convert_with(stored, out.as_chunks_mut().0, |value| [value]),
            MaskDtype::Float32 => {
                self.convert_with(stored, out.as_chunks_mut().0, |value| f32::from(value).to_le_bytes());
            }
        }
    }

    fn convert_with<const SIZE: usize>(
        &self,
        stored: &[u8],
        out: &mut [[u8; SIZE]],
        convert: impl Fn(u8) -> [u8; SIZE],
    ) {
        if self.in_file_order {
            return write(out.iter_mut(), stored.iter().copied(), convert);
        }
        let pixels = stored.len() / self.stored_planes;
        for (slot, &plane) in self.planes.iter().enumerate() {
            let values = plane_of(stored, self.stored_planes, plane);
            if self.layout == AxisOrder::Nchw || self.planes.len() == 1 {
                write(out[slot * pixels..][..pixels].iter_mut(), values, &convert);
            } else {
                write(out.iter_mut().skip(slot).step_by(self.planes.len()), values, &convert);
            }
        }
    }
}

fn write<'a, const SIZE: usize>(
    out: impl Iterator<Item = &'a mut [u8; SIZE]>,
    values: impl Iterator<Item = u8>,
    convert: impl Fn(u8) -> [u8; SIZE],
) {
    for (to, value) in out.zip(values) {
        *to = convert(value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identity_is_what_changes_no_byte() {
        let identity = |stored_planes, planes: &[usize], dtype, layout| {
            MaskConverter::new([2, 3, stored_planes], planes, dtype, layout).is_identity()
        };
        assert!(identity(1, &[0], MaskDtype::UInt8, AxisOrder::Nchw));
        assert!(identity(2, &[0, 1], MaskDtype::UInt8, AxisOrder::Nhwc));
        assert!(!identity(2, &[0, 1], MaskDtype::UInt8, AxisOrder::Nchw));
        assert!(!identity(2, &[1, 0], MaskDtype::UInt8, AxisOrder::Nhwc));
        assert!(!identity(2, &[0], MaskDtype::UInt8, AxisOrder::Nhwc));
        assert!(!identity(1, &[0], MaskDtype::Float32, AxisOrder::Nhwc));
    }

    #[test]
    #[should_panic(expected = "planes [2] of 2")]
    fn a_plane_that_is_not_there_is_refused() {
        let _ = MaskConverter::new([2, 3, 2], &[2], MaskDtype::UInt8, AxisOrder::Nhwc);
    }

    proptest! {
        #[test]
        fn each_chosen_plane_goes_to_its_place(
            (rows, columns) in (1usize..12, 1usize..12),
            stored_planes in 1usize..4,
            wishes in prop::collection::vec(0usize..12, 1..4),
            bits in prop::collection::vec(0u8..2, 12 * 12 * 4),
            dtype in prop::sample::select(&MaskDtype::ALL[..]),
            layout in prop::sample::select(&AxisOrder::ALL[..]),
        ) {
            let planes: Vec<usize> = wishes.iter().map(|wish| wish % stored_planes).collect();
            let pixels = rows * columns;
            let stored = &bits[..pixels * stored_planes];
            let converter = MaskConverter::new([rows, columns, stored_planes], &planes, dtype, layout);
            let mut out = vec![0xAA; converter.schema().sample_bytes()];
            converter.convert(stored, &mut out);
            prop_assert_eq!(converter.schema().shape, layout.arrange([rows, columns, planes.len()]));
            for pixel in 0..pixels {
                for (slot, plane) in planes.iter().enumerate() {
                    let index = match layout {
                        AxisOrder::Nhwc => pixel * planes.len() + slot,
                        AxisOrder::Nchw => slot * pixels + pixel,
                    };
                    let expected = stored[pixel * stored_planes + plane];
                    let found = match dtype {
                        MaskDtype::UInt8 => f32::from(out[index]),
                        MaskDtype::Float32 => f32::from_le_bytes(out.as_chunks().0[index]),
                    };
                    prop_assert_eq!(found, f32::from(expected));
                }
            }
            prop_assert!(!converter.is_identity() || out == stored);
        }
    }
}
