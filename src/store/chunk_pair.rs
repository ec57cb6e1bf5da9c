//! Two chunks that are inflated together.

use super::chunk_codec::{LEFT_OUT, PADDING, unshuffle_on_this_machine, unshuffle_parts};
use super::chunk_fetch::fetch;
use super::inflate::PlaneInflater;
use super::{Applied, ChunkTable};

/// Two chunks that were inflated together, each half the work; keeps its memory between them.
#[derive(Default)]
pub(super) struct ChunkPair {
    encoded: [Vec<u8>; 2],
    /// Shuffled, with bytes after them that mean nothing.
    planes: [Vec<u8>; 2],
    /// Bytes of a chunk, and of an element.
    length: usize,
    element_size: usize,
    part: Vec<u8>,
    inflater: PlaneInflater,
    /// Pairs that are still left out.
    left_out: u32,
}

impl ChunkPair {
    /// Reads and inflates two chunks of the dataset of `table`, of `length` bytes. `false` where that cannot be done
    /// together: for whatever reason, each can still be read alone, and damage shows then.
    pub(super) fn read(&mut self, table: &ChunkTable, chunks: [usize; 2], length: usize) -> bool {
        if self.left_out > 0 {
            self.left_out -= 1;
            return false;
        }
        self.length = length;
        let inflated = self.inflate(table, chunks).is_some();
        if !inflated {
            self.left_out = LEFT_OUT;
        }
        inflated
    }

    fn inflate(&mut self, table: &ChunkTable, chunks: [usize; 2]) -> Option<()> {
        let (mut lengths, mut sizes) = ([0; 2], [0; 2]);
        for (number, encoded) in self.encoded.iter_mut().enumerate() {
            let (table, chunk) = table.resolve(chunks[number]);
            let span = table.span(chunk).ok()??;
            let Applied { deflated: true, shuffled_elements: Some(element_size) } =
                table.applied(span.filters_left_out)
            else {
                return None;
            };
            sizes[number] = element_size;
            lengths[number] = fetch(encoded, table, chunk, &span, self.length).ok()? + PADDING;
        }
        self.element_size = sizes[0];
        let [one, two] = &self.encoded;
        let streams = [&one[..lengths[0]], &two[..lengths[1]]];
        let inflated = self.inflater.inflate_two(streams, self.planes.each_mut(), self.length);
        (inflated && sizes[0] == sizes[1]).then_some(())
    }

    /// Writes the first or the second of the chunks into `bytes`, which is as long as it.
    pub(super) fn write(&self, number: usize, bytes: &mut [u8]) {
        unshuffle_on_this_machine(&self.planes[number][..self.length], self.element_size, 0, bytes);
    }

    /// Hands the first or the second of the chunks to `take` in parts of whole elements, in order.
    pub(super) fn write_parts(&mut self, number: usize, take: impl FnMut(&[u8])) {
        let planes = &self.planes[number][..self.length];
        unshuffle_parts(planes, self.element_size, &mut self.part, take);
    }
}
