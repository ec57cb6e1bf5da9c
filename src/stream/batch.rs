//! A batch as it leaves, and what all batches of a stream have in common.

use ndarray::ArrayView4;

use super::tensor_bytes::TensorBytes;
use crate::augment::AugmentSpec;
use crate::order::{Cursor, PlannedSample};

/// The number type of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// 8-bit unsigned.
    UInt8,
    /// 16-bit signed.
    Int16,
    /// 16-bit unsigned.
    UInt16,
    /// IEEE 754 binary16.
    Float16,
    /// IEEE 754 binary32.
    Float32,
}

impl ElementType {
    /// numpy's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Float16 => "float16",
            Self::Float32 => "float32",
        }
    }

    /// Bytes of one number.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::UInt8 => 1,
            Self::Int16 | Self::UInt16 | Self::Float16 => 2,
            Self::Float32 => 4,
        }
    }
}

/// A number type of tensors in memory.
pub trait Element: bytemuck::Pod {
    /// Its name.
    const TYPE: ElementType;
}

macro_rules! elements {
    ($($number:ty => $name:ident),*) => { $(impl Element for $number {
        const TYPE: ElementType = ElementType::$name;
    })* };
}

elements!(u8 => UInt8, i16 => Int16, u16 => UInt16, half::f16 => Float16, f32 => Float32);

/// Shape and type of the tensors of one kind, images or masks, in every sample of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSchema {
    /// The type of the numbers, little endian.
    pub element: ElementType,
    /// The shape of one sample, row-major: (H, W, C), or (C, H, W).
    pub shape: [usize; 3],
    /// Name of each axis, as in the file: `row`, `column`, `channel` or `structure`.
    pub axes: [&'static str; 3],
}

impl TensorSchema {
    /// Bytes of one sample.
    #[must_use]
    pub fn sample_bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.size()
    }

    /// Tensors of this kind, sample after sample, as an array whose first axis is the samples; `None` where `T` is another
    /// number type, or `bytes` are not aligned for it or no whole samples.
    #[must_use]
    pub fn view<'b, T: Element>(&self, bytes: &'b [u8]) -> Option<ArrayView4<'b, T>> {
        let numbers = (T::TYPE == self.element).then(|| bytemuck::try_cast_slice(bytes).ok())??;
        let samples = bytes.len() / self.sample_bytes().max(1);
        let [a, b, c] = self.shape;
        ArrayView4::from_shape((samples, a, b, c), numbers).ok()
    }
}

/// Properties of all batches of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamSchema {
    /// The images.
    pub image: TensorSchema,
    /// The masks.
    pub mask: TensorSchema,
    /// Slices on each side whose images are channels: 2 times that and 1 more images a sample, in the order of their
    /// positions.
    pub neighbours: u16,
    /// Phases on each side, in the same way.
    pub phases: u16,
    /// The mask planes, in order.
    pub structures: Vec<String>,
    /// The split that is streamed; `None` where rows of all splits are.
    pub split: Option<String>,
    /// The fold that is held out, or, with `held_out`, streamed; `None` where rows are not chosen by fold.
    pub fold: Option<u16>,
    /// True if the rows of `fold` are streamed.
    pub held_out: bool,
    /// The seed of the order; `None` where the rows come in the order of the file.
    pub seed: Option<u64>,
    /// The name of the normalization, `none` where there is none.
    pub normalization: String,
    /// Augmentation of samples; `None` where nothing is drawn for them.
    pub augmentation: Option<AugmentSpec>,
}

/// Texts one after the other, in Arrow's layout: text i is `bytes[offsets[i]..offsets[i + 1]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { offsets: vec![0], bytes: Vec::new() }
    }
}

impl Texts {
    /// Forgets all texts and keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.bytes.clear();
    }

    /// Appends a text. All together are shorter than 2 GiB.
    pub fn push(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        let end = i32::try_from(self.bytes.len()).expect("the texts of a batch are shorter than 2 GiB");
        self.offsets.push(end);
    }

    /// Number of texts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// True if there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Text `index`; empty where there is no such text.
    #[must_use]
    pub fn get(&self, index: usize) -> &str {
        let bytes = match self.offsets.get(index..) {
            Some([start, end, ..]) => &self.bytes[*start as usize..*end as usize],
            _ => &[],
        };
        // Only whole texts are appended.
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Start of each text, and the end of the last: one number more than there are texts.
    #[must_use]
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }

    /// All texts.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The place where a batch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchStart {
    /// Its cursor.
    pub cursor: Cursor,
    /// The position of its first sample in the epoch.
    pub position: u64,
}

/// One batch of decoded samples. Its memory is used again for later batches.
#[derive(Debug, Default, PartialEq)]
pub struct Batch {
    /// Its place in the stream.
    pub cursor: Cursor,
    /// The batch that follows it in the stream; `None` after the last.
    pub next: Option<BatchStart>,
    /// Position in the epoch and row in the file of each sample.
    pub samples: Vec<PlannedSample>,
    /// `samples/id` of each sample; no texts where the stream leaves them out.
    pub ids: Texts,
    /// `samples/patient_id`, in the same way.
    pub patient_ids: Texts,
    /// `samples/split`, in the same way.
    pub splits: Texts,
    /// Parameters drawn for each sample, as JSON; no texts where the stream is not augmented or is set to leave
    /// them out.
    pub augmentations: Texts,
    /// The images, sample after sample, as [`StreamSchema::image`] says.
    pub images: TensorBytes,
    /// The masks, sample after sample, as [`StreamSchema::mask`] says.
    pub masks: TensorBytes,
}

impl Batch {
    /// The images as an array (N, H, W, C), or (N, C, H, W), without a copy; `None` where `T` is not the number type of
    /// `schema`, the one of the stream.
    #[must_use]
    pub fn images<T: Element>(&self, schema: &StreamSchema) -> Option<ArrayView4<'_, T>> {
        schema.image.view(&self.images)
    }

    /// The masks as an array (N, H, W, K), or (N, K, H, W), in the same way.
    #[must_use]
    pub fn masks<T: Element>(&self, schema: &StreamSchema) -> Option<ArrayView4<'_, T>> {
        schema.mask.view(&self.masks)
    }

    /// True if `bytes` stand in the memory of the batch's images or masks.
    #[must_use]
    pub fn holds(&self, bytes: &[u8]) -> bool {
        [&self.images, &self.masks].iter().any(|tensors| tensors.as_ptr_range().contains(&bytes.as_ptr()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_again() {
        let mut texts = Texts::default();
        for text in ["SCD01/48", "", "é"] {
            texts.push(text);
        }
        assert_eq!((texts.len(), texts.offsets()), (3, &[0, 8, 8, 10][..]));
        assert_eq!([0, 1, 2, 3].map(|index| texts.get(index)), ["SCD01/48", "", "é", ""]);
        texts.clear();
        assert!(texts.is_empty() && texts.bytes().is_empty());
    }
}
