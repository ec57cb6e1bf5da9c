//! Streams of our own deflate encoder, at two places at once.
//!
//! To find a code, an inflater waits for the one before it: most of its time a processor does nothing else. Streams of
//! [`deflate`](super::deflate) hold literals and runs, with codes of at most 11 bits, so that all of them are found in one
//! table of 2,048 entries, and codes of two places can be looked up in turns: of two streams, or of one whose block is begun
//! at its middle as well. A stream of two takes two thirds of the time that libdeflate takes, one alone three quarters.
//!
//! Any other stream is left to libdeflate, and so is every error: what is decoded here has passed its checksum.

mod bits;
mod second_place;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use second_place::SecondPlace;
use stream::{InflateJob, InflateStream, SLACK};

/// Inflates streams, one or two at once; keeps its memory between them.
#[derive(Default)]
pub(in crate::store) struct PlaneInflater {
    streams: [InflateStream; 2],
    ahead: SecondPlace,
}

impl PlaneInflater {
    /// Inflates two zlib streams of our own encoder that stand for `length` bytes each, to the beginning of the `outputs`. Each
    /// stream may be followed by anything. `false` where one is of another encoder or damaged; then the outputs hold
    /// anything.
    pub(in crate::store) fn inflate_two(
        &mut self,
        streams: [&[u8]; 2],
        outputs: [&mut Vec<u8>; 2],
        length: usize,
    ) -> bool {
        let Self { streams: [one, two], ahead } = self;
        let [one_out, two_out] = outputs.map(|output| {
            output.resize(length + SLACK, 0);
            &mut output[..]
        });
        let mut one_job = InflateJob { input: streams[0], out: one_out, length };
        let mut two_job = InflateJob { input: streams[1], out: two_out, length };
        let mut inflate = || {
            one.begin(&one_job)?;
            two.begin(&two_job)?;
            stream::take_turns([&mut *one, &mut *two], [&mut one_job, &mut two_job])?;
            finish(one, &mut one_job, ahead)?;
            finish(two, &mut two_job, ahead)?;
            one.check(&one_job)?;
            two.check(&two_job)
        };
        inflate().is_some()
    }

    /// As [`PlaneInflater::inflate_two`], of one stream.
    pub(in crate::store) fn inflate(&mut self, stream: &[u8], output: &mut Vec<u8>, length: usize) -> bool {
        output.resize(length + SLACK, 0);
        let Self { streams: [one, _], ahead } = self;
        let mut job = InflateJob { input: stream, out: output, length };
        let mut inflate = || {
            one.begin(&job)?;
            finish(one, &mut job, ahead)?;
            one.check(&job)
        };
        inflate().is_some()
    }
}

/// Takes the rest of `stream`, at two places at once where that is worth it.
fn finish(stream: &mut InflateStream, job: &mut InflateJob<'_>, ahead: &mut SecondPlace) -> Option<()> {
    while !stream.has_ended() {
        stream.enter_block(job)?;
        if stream.in_block && !ahead.split(stream, job)? {
            stream.finish_block(job)?;
        }
    }
    Some(())
}
