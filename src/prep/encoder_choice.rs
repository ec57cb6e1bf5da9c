//! Choice of the deflate encoder for the images of a data set.

use crate::assemble::{AssembleOptions, Assembled, Assembler, Remarks};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::store::{ChunkEncoder, Compression, EncodedChunk, Encoder};

/// From this level on, size counts more than speed.
const SMALLEST_FROM: u8 = 7;

/// Images that are tried, evenly spread over the plan.
const TRIED: usize = 8;

/// The encoder that was asked for; otherwise [`Encoder::Planes`] where it is at most half a per cent larger than
/// [`Encoder::Library`] on a few images of the data set, which do not depend on the threads; from level 7 on,
/// where it is no larger at all.
pub(super) fn choose_encoder(
    plan: &SampleSet,
    samples: &[Sample],
    options: &AssembleOptions,
    compression: Compression,
    asked_for: Option<Encoder>,
) -> Encoder {
    if let Some(encoder) = asked_for {
        return encoder;
    }
    if !compression.is_on() {
        return Encoder::Planes;
    }
    let mut encoders = Encoder::ALL.map(|encoder| ChunkEncoder::new(compression, encoder));
    let mut assembler = Assembler::new(plan, options);
    let (mut chunk, mut sizes) = (EncodedChunk::default(), [0usize; 2]);
    for sample in samples.iter().step_by(samples.len().div_ceil(TRIED).max(1)) {
        // A faulty sample is reported when its row is made.
        if let Assembled::Sample(_) = assembler.assemble(sample, &mut Remarks::default()) {
            let bytes = assembler.pixels().le_bytes();
            for (encoder, size) in encoders.iter_mut().zip(&mut sizes) {
                encoder.encode(&bytes, options.pixel_type.size(), &mut chunk);
                *size += chunk.bytes().len();
            }
        }
    }
    let [planes, library] = sizes;
    let tolerance = if compression.level() >= SMALLEST_FROM { 0 } else { library / 200 };
    if planes <= library + tolerance { Encoder::Planes } else { Encoder::Library }
}
