//! HDF5's filters of the chunks of a dataset.

use hdf5::Dataset;
use hdf5::filters::Filter;

/// The filters of a dataset in the order in which they were applied: shuffle or not, then deflate or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FilterPipeline {
    /// Bytes of the elements that the shuffle filter works with.
    element_size: usize,
    /// The place of the filter in the pipeline, which is its bit in the mask of filters that a chunk left out.
    shuffle: Option<u32>,
    deflate: Option<u32>,
}

impl FilterPipeline {
    /// The pipeline of `dataset`, or what is in it that cannot be undone here.
    pub(super) fn of(dataset: &Dataset) -> hdf5::Result<Result<Self, String>> {
        let element_size = dataset.dtype()?.size();
        let mut pipeline = Self { element_size, shuffle: None, deflate: None };
        for (place, filter) in (0..).zip(dataset.filters()) {
            match filter {
                Filter::Shuffle if pipeline == (Self { element_size, shuffle: None, deflate: None }) => {
                    pipeline.shuffle = Some(place);
                }
                Filter::Deflate(_) if pipeline.deflate.is_none() => pipeline.deflate = Some(place),
                other => return Ok(Err(format!("{other:?}"))),
            }
        }
        Ok(Ok(pipeline))
    }

    /// Filters of a chunk that left out the filters whose bits are set in `left_out`.
    pub(super) fn applied(&self, left_out: u32) -> Applied {
        let applied = |place: Option<u32>| place.is_some_and(|place| left_out >> place & 1 == 0);
        let shuffled = applied(self.shuffle) && self.element_size > 1;
        Applied {
            deflated: applied(self.deflate),
            shuffled_elements: if shuffled { Some(self.element_size) } else { None },
        }
    }
}

/// Filters of one chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// True if it is a zlib stream.
    pub deflated: bool,
    /// Bytes of the elements whose bytes were shuffled, `None` where they were not.
    pub shuffled_elements: Option<usize>,
}
