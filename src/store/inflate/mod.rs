//! Two streams of our own deflate encoder at once.
//!
//! To find a code, an inflater waits for the one before it: most of its time a processor does nothing else. Streams of
//! [`deflate`](super::deflate) hold literals and runs, with codes of at most 11 bits, so that all of them are found in one
//! table of 2,048 entries, and the codes of two streams can be looked up in turns: three quarters of the time that libdeflate
//! takes for one after the other.
//!
//! Any other stream is left to libdeflate, and so is every error: what is decoded here has passed its checksum.

mod bits;
mod stream;
mod table;
#[cfg(test)]
mod tests;

use stream::{InflateJob, InflateStream, SLACK};

/// Inflates pairs of streams; keeps its memory between them.
#[derive(Default)]
pub(in crate::store) struct PairInflater([InflateStream; 2]);

impl PairInflater {
    /// Inflates two zlib streams of our own encoder that stand for `length` bytes each, to the beginning of the `outputs`. Each
    /// stream may be followed by anything. `false` where one is of another encoder or damaged; then the outputs hold
    /// anything.
    pub(in crate::store) fn inflate(
        &mut self,
        streams: [&[u8]; 2],
        outputs: [&mut Vec<u8>; 2],
        length: usize,
    ) -> bool {
        let [one, two] = &mut self.0;
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
            one.finish(&mut one_job)?;
            two.finish(&mut two_job)?;
            one.check(&one_job)?;
            two.check(&two_job)
        };
        inflate().is_some()
    }
}
