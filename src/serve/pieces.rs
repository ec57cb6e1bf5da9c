//! Bytes in pieces, which leave together.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Bytes in pieces, none of which is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Pieces(VecDeque<Bytes>);

impl Pieces {
    /// Takes the first `most` bytes off, or all where there are fewer.
    pub(super) fn take_front(&mut self, mut most: usize) -> Self {
        let mut taken = VecDeque::new();
        while let Some(first) = self.0.front_mut().filter(|_| most > 0) {
            let piece = first.split_to(first.len().min(most));
            most -= piece.len();
            taken.push_back(piece);
            if first.is_empty() {
                self.0.pop_front();
            }
        }
        Self(taken)
    }
}

impl FromIterator<Bytes> for Pieces {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        Self(pieces.into_iter().filter(|piece| !piece.is_empty()).collect())
    }
}

impl From<Bytes> for Pieces {
    fn from(piece: Bytes) -> Self {
        Self::from_iter([piece])
    }
}

impl IntoIterator for Pieces {
    type Item = Bytes;
    type IntoIter = std::collections::vec_deque::IntoIter<Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    fn chunk(&self) -> &[u8] {
        self.0.front().map_or(&[], |first| first)
    }

    fn chunks_vectored<'a>(&'a self, room: &mut [IoSlice<'a>]) -> usize {
        let filled = room.iter_mut().zip(&self.0).map(|(place, piece)| *place = IoSlice::new(piece));
        filled.count()
    }

    fn advance(&mut self, count: usize) {
        drop(self.take_front(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_taken_in_order_and_none_is_empty() {
        let given = || ["ab", "", "cdef", ""].map(|text| Bytes::from_static(text.as_bytes()));
        for count in 0..8 {
            let (mut pieces, all) = (Pieces::from_iter(given()), given().concat());
            let taken = pieces.take_front(count);
            let (front, rest) = all.split_at(count.min(all.len()));
            assert_eq!((taken.remaining(), pieces.remaining()), (front.len(), rest.len()));
            let mut room = [IoSlice::new(&[]); 4];
            let filled = pieces.chunks_vectored(&mut room);
            assert_eq!(
                room[..filled].iter().flat_map(|piece| piece.iter().copied()).collect::<Vec<_>>(),
                rest
            );
            assert!(room[..filled].iter().all(|piece| !piece.is_empty()));
            assert_eq!(taken.into_iter().collect::<Vec<_>>().concat(), front);
            pieces.advance(pieces.remaining());
            assert_eq!((pieces.chunk(), pieces.has_remaining()), (&b""[..], false));
        }
    }
}
