//! Choice of the deflate encoder for the images of a data set.

use rayon::ThreadPool;
use rayon::prelude::*;

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
    let tried: Vec<&Sample> = plan.samples.iter().step_by(step).collect();
    let encoders = || Encoder::ALL.map(|encoder| ChunkEncoder::new(compression, encoder));
    let memory = || (Assembler::on_pool(&plan.pairs, options), encoders(), EncodedChunk::default());
    let sizes = tried.par_iter().map_init(memory, |(assembler, encoders, chunk), sample| {
        // A faulty sample is reported when its row is made.
        let Assembled::Sample(_) = assembler.assemble(sample, &mut Remarks::default()) else { return [0; 2] };
        let bytes = assembler.pixels().le_bytes();
        encoders.each_mut().map(|encoder| {
            encoder.encode(&bytes, options.pixel_type.size(), chunk);
            chunk.bytes().len()
        })
    });
    let sum = |[planes, library]: [usize; 2], sizes: [usize; 2]| [planes + sizes[0], library + sizes[1]];
    let [planes, library] = threads.install(|| sizes.reduce(|| [0; 2], sum));
    let tolerance = if compression.level() >= SMALLEST_FROM { 0 } else { library / 200 };
    if planes <= library + tolerance { Encoder::Planes } else { Encoder::Library }
}
