//! Choice of the deflate encoder for the images of a data set.

use rayon::ThreadPool;

use super::PrepOptions;
use super::plan::PrepPlan;
use crate::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use crate::model::Sample;
use crate::store::{ChunkEncoder, EncodedChunk, Encoder};

/// From this level on, size counts more than speed.
const SMALLEST_FROM: u8 = 7;

/// Images that are tried, evenly spread over the plan.
const TRIED: usize = 8;

/// The encoder that was asked for; otherwise [`Encoder::Planes`] where it is at most half a per cent larger than
/// [`Encoder::Library`] on a few images of the data set, which do not depend on the threads; from level 7 on,
/// where it is no larger at all.
pub(super) fn choose_encoder(plan: &PrepPlan, options: &AssembleOptions, threads: &ThreadPool) -> Encoder {
    let PrepOptions { compression, encoder, .. } = plan.options;
    if let Some(encoder) = encoder {
        return encoder;
    }
    if !compression.is_on() {
        return Encoder::Planes;
    }
    let step = plan.samples.len().div_ceil(TRIED).max(1);
    let tried = plan.samples.iter().step_by(step);
    // Each thread has its share from the first on, so that a run takes the same memory each time.
    let sizes = threads.broadcast(|thread| {
        let share = tried.clone().skip(thread.index()).step_by(thread.num_threads());
        sizes_of(plan, options, share)
    });
    let [planes, library] = [0, 1].map(|encoder| sizes.iter().map(|sizes| sizes[encoder]).sum::<usize>());
    let tolerance = if compression.level() >= SMALLEST_FROM { 0 } else { library / 200 };
    if planes <= library + tolerance { Encoder::Planes } else { Encoder::Library }
}

/// Bytes of the images of these samples by each encoder.
fn sizes_of<'s>(
    plan: &PrepPlan,
    options: &AssembleOptions,
    samples: impl Iterator<Item = &'s Sample>,
) -> [usize; 2] {
    let mut encoders = Encoder::ALL.map(|encoder| ChunkEncoder::new(plan.options.compression, encoder));
    let mut assembler = Assembler::on_pool(&plan.pairs, options);
    let (mut chunk, mut sizes) = (EncodedChunk::default(), [0; 2]);
    for sample in samples {
        // A faulty sample is reported when its row is made.
        let Assembled::Sample(_) = assembler.assemble(sample, &mut Remarks::default()) else { continue };
        let bytes = assembler.pixels().le_bytes();
        for (encoder, size) in encoders.iter_mut().zip(&mut sizes) {
            encoder.encode(&bytes, options.pixel_type.size(), &mut chunk);
            *size += chunk.bytes().len();
        }
    }
    sizes
}
