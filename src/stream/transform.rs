//! From a row as it is stored to a sample as it leaves.

use std::collections::TryReserveError;
use std::sync::Arc;

use super::convert::ImageParts;
use super::{
    AxisOrder, ChannelNormalization, ConvertError, ImageConverter, ImageDtype, MaskConverter, MaskDtype,
    Normalization, RowWindow,
};
use crate::augment::{
    AugmentParams, AugmentSpec, Augmenter, Centering, DrawKey, ImageAndMask, ImageAndMaskMut, Whitening, draw,
};
use crate::model::PixelType;

/// Options of every sample.
#[derive(Debug, Clone)]
pub(super) struct TransformOptions<'o> {
    /// Rows, columns, channels of a stored image.
    pub(super) image_shape: [usize; 3],
    pub(super) pixel_type: PixelType,
    /// Planes of a stored mask.
    pub(super) stored_planes: usize,
    /// Those that leave, in this order.
    pub(super) planes: &'o [usize],
    pub(super) layout: AxisOrder,
    pub(super) image_dtype: ImageDtype,
    pub(super) mask_dtype: MaskDtype,
    pub(super) normalization: ChannelNormalization,
    /// Augmentation, and the key of its draws.
    pub(super) augment: Option<&'o AugmentSpec>,
    pub(super) seed: u64,
    /// The last thing that is done to images.
    pub(super) whiten: Option<Whitener>,
}

/// Whitening, and what comes before it.
#[derive(Debug, Clone)]
pub(super) struct Whitener {
    pub(super) centering: Centering,
    pub(super) whitening: Arc<Whitening>,
}

/// Conversion of stored rows to the samples of a stream.
pub(super) struct SampleTransform {
    pub(super) image: ImageConverter,
    pub(super) mask: MaskConverter,
    work: Option<Steps>,
}

/// Steps in between, on images of float32 (H, W, C) and masks of uint8 (H, W, K).
struct Steps {
    image: ImageConverter,
    mask: MaskConverter,
    spec: AugmentSpec,
    seed: u64,
    /// True if something is drawn, not only whitened.
    augments: bool,
    whiten: Option<Whitener>,
    shape: [usize; 3],
    planes: usize,
}

impl SampleTransform {
    pub(super) fn new(options: &TransformOptions<'_>) -> Result<Self, ConvertError> {
        let &TransformOptions { image_shape, pixel_type, stored_planes, planes, layout, .. } = options;
        let TransformOptions { image_dtype, mask_dtype, normalization, .. } = *options;
        let [height, width, channels] = image_shape;
        let stored_mask = [height, width, stored_planes];
        let spec = options.augment.filter(|spec| !spec.is_identity());
        if spec.is_none() && options.whiten.is_none() {
            return Ok(Self {
                image: ImageConverter::new(pixel_type, image_shape, image_dtype, layout, normalization)?,
                mask: MaskConverter::new(stored_mask, planes, mask_dtype, layout),
                work: None,
            });
        }
        let augments = spec.is_some();
        let spec = spec.cloned().unwrap_or_default();
        if image_dtype == ImageDtype::Stored && pixel_type != PixelType::Float32 {
            return Err(ConvertError::StoredAugmented);
        }
        let [height, width] = spec.output_shape([height, width]);
        // The matrix was made for the images of the file.
        let (leaving, whitened) = ([height, width], [image_shape[0], image_shape[1]]);
        if options.whiten.is_some() && leaving != whitened {
            return Err(ConvertError::WhitenedSize { leaving, whitened });
        }
        let all: Vec<usize> = (0..planes.len()).collect();
        let nhwc = AxisOrder::Nhwc;
        let to_float =
            ImageConverter::new(pixel_type, image_shape, ImageDtype::Float32, nhwc, Normalization::None)?;
        Ok(Self {
            image: ImageConverter::new(
                PixelType::Float32,
                [height, width, channels],
                image_dtype,
                layout,
                normalization,
            )?,
            mask: MaskConverter::new([height, width, planes.len()], &all, mask_dtype, layout),
            work: Some(Steps {
                image: to_float,
                mask: MaskConverter::new(stored_mask, planes, MaskDtype::UInt8, nhwc),
                spec,
                seed: options.seed,
                augments,
                whiten: options.whiten.clone(),
                shape: image_shape,
                planes: planes.len(),
            }),
        })
    }

    /// True if images, and masks, leave with the bytes that are stored.
    pub(super) fn is_stored(&self) -> [bool; 2] {
        [self.image.is_identity(), self.mask.is_identity()].map(|stays| self.work.is_none() && stays)
    }

    /// True if something is drawn for every sample.
    pub(super) fn augments(&self) -> bool {
        self.work.as_ref().is_some_and(|work| work.augments)
    }

    /// Augmentation of samples.
    pub(super) fn augmentation(&self) -> Option<&AugmentSpec> {
        self.work.as_ref().filter(|work| work.augments).map(|work| &work.spec)
    }

    /// Parameters for the sample of a row: none where the stream is not augmented.
    pub(super) fn draw(&self, epoch: u64, row: u64) -> Option<AugmentParams> {
        let Steps { spec, seed, shape: [height, width, _], .. } =
            self.work.as_ref().filter(|work| work.augments)?;
        Some(draw(spec, DrawKey { seed: *seed, epoch, row }, [*height, *width]))
    }
}

/// Memory of a thread that forms samples, kept between them.
pub(super) struct SampleTransformer<'f> {
    transform: &'f SampleTransform,
    work: Option<TransformMemory>,
}

/// Memory of a [`SampleTransformer`]. It goes with one transform.
pub(super) struct TransformMemory {
    augmenter: Augmenter,
    image: Vec<f32>,
    mask: Vec<u8>,
    changed: Vec<f32>,
    changed_mask: Vec<u8>,
    whitened: Vec<f32>,
}

impl TransformMemory {
    /// Makes room for a sample, and for what becomes of it where that does not stay in the batch.
    fn resize(&mut self, work: &Steps, image_stays: bool, mask_stays: bool) -> Result<(), TryReserveError> {
        let [height, width, channels] = work.shape;
        resize(&mut self.image, height * width * channels)?;
        resize(&mut self.mask, height * width * work.planes)?;
        let [height, width] = work.spec.output_shape([height, width]);
        if !image_stays {
            resize(&mut self.changed, height * width * channels)?;
        }
        if !mask_stays {
            resize(&mut self.changed_mask, height * width * work.planes)?;
        }
        Ok(())
    }
}

impl<'f> SampleTransformer<'f> {
    /// With `memory` that a transformer of the same transform has left, if there is any.
    pub(super) fn reusing(transform: &'f SampleTransform, memory: Option<TransformMemory>) -> Self {
        let new = |Steps { spec, shape: [height, width, channels], planes, .. }: &Steps| TransformMemory {
            augmenter: Augmenter::new(spec, [*height, *width], *channels, *planes),
            image: Vec::new(),
            mask: Vec::new(),
            changed: Vec::new(),
            changed_mask: Vec::new(),
            whitened: Vec::new(),
        };
        Self { transform, work: transform.work.as_ref().map(|steps| memory.unwrap_or_else(|| new(steps))) }
    }

    /// Its memory, for a transformer of the same transform.
    pub(super) fn into_memory(self) -> Option<TransformMemory> {
        self.work
    }

    /// Destination of the image of a row that comes in parts, before [`SampleTransformer::transform`] makes a sample of it with the same
    /// `row_window` and the same place `image` in the batch; `None` where it has to be there as a whole.
    pub(super) fn begin_image<'a>(
        &'a mut self,
        row_window: RowWindow,
        image: &'a mut [u8],
    ) -> Result<Option<ImageParts<'a>>, TransformError> {
        let (Some(work), Some(buffers)) = (&self.transform.work, &mut self.work) else {
            return Ok(self.transform.image.parts(row_window, image)?);
        };
        let [height, width, channels] = work.shape;
        resize(&mut buffers.image, height * width * channels)?;
        Ok(work.image.parts(row_window, bytemuck::cast_slice_mut(&mut buffers.image))?)
    }

    /// Writes the sample of a stored row, drawn for which is `params`, into its places in the batch. `row_window` is
    /// its own window. What is no more given as it is stored is in its place already: that of
    /// [`SampleTransformer::begin_image`], or that in the batch of what [stays](SampleTransform::is_stored).
    pub(super) fn transform(
        &mut self,
        [stored_image, stored_mask]: [Option<&[u8]>; 2],
        row_window: RowWindow,
        params: Option<&AugmentParams>,
        [image, mask]: [&mut [u8]; 2],
    ) -> Result<(), TransformError> {
        let SampleTransform { image: last_image, mask: last_mask, .. } = self.transform;
        let (Some(work), Some(buffers)) = (&self.transform.work, &mut self.work) else {
            if let Some(stored) = stored_image {
                last_image.convert(stored, row_window, image)?;
            }
            if let Some(stored) = stored_mask {
                last_mask.convert(stored, mask);
            }
            return Ok(());
        };
        // What leaves as it was worked on is worked on where it leaves from.
        let image_stays = last_image.is_identity()
            && work.whiten.is_none()
            && bytemuck::try_cast_slice::<u8, f32>(image).is_ok();
        let mask_stays = last_mask.is_identity();
        buffers.resize(work, image_stays, mask_stays)?;
        let TransformMemory { augmenter, image: plain, mask: plain_mask, changed, changed_mask, whitened } =
            buffers;
        let nothing = AugmentParams::default();
        let params = params.unwrap_or(&nothing);
        // As is what has only its values changed.
        let in_place = image_stays && stored_image.is_some() && augmenter.moves_nothing(params);
        if let Some(stored) = stored_image {
            let place = if in_place { &mut *image } else { bytemuck::cast_slice_mut(plain) };
            work.image.convert(stored, row_window, place)?;
        }
        let plain_mask = match stored_mask {
            Some(stored) if work.mask.is_identity() => stored,
            stored => {
                stored.into_iter().for_each(|stored| work.mask.convert(stored, plain_mask));
                plain_mask
            }
        };
        if in_place {
            augmenter.change_values(params, bytemuck::cast_slice_mut(image));
            last_mask.convert(plain_mask, mask);
            return Ok(());
        }
        augmenter.apply(
            params,
            ImageAndMask { image: plain, mask: plain_mask },
            ImageAndMaskMut {
                image: if image_stays { bytemuck::cast_slice_mut(image) } else { changed },
                mask: if mask_stays { mask } else { changed_mask },
            },
        );
        if let Some(Whitener { centering, whitening }) = &work.whiten {
            centering.apply(changed);
            whitening.apply(changed, whitened);
        }
        if !image_stays {
            last_image.convert(bytemuck::cast_slice(changed), row_window, image)?;
        }
        if !mask_stays {
            last_mask.convert(changed_mask, mask);
        }
        Ok(())
    }
}

/// Why a sample cannot be transformed.
pub(super) enum TransformError {
    Convert(ConvertError),
    /// Memory does not hold it.
    Memory,
}

impl From<ConvertError> for TransformError {
    fn from(error: ConvertError) -> Self {
        Self::Convert(error)
    }
}

impl From<TryReserveError> for TransformError {
    fn from(_: TryReserveError) -> Self {
        Self::Memory
    }
}

/// Gives `values` a length; what it holds does not matter.
pub(super) fn resize<T: Clone + Default>(values: &mut Vec<T>, length: usize) -> Result<(), TryReserveError> {
    if values.capacity() < length {
        // Whether there is so much can be asked, but not for zeroed memory that the system gives on first use.
        Vec::<T>::new().try_reserve_exact(length)?;
        *values = vec![T::default(); length];
    } else {
        values.resize(length, T::default());
    }
    Ok(())
}

#[cfg(target_endian = "big")]
compile_error!("the numbers of a batch are little endian, and are worked on where they lie");
