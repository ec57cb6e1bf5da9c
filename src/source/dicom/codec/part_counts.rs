//! Numbers of tile-parts in a JPEG 2000 codestream.

/// Leaves the numbers of tile-parts open (TNsot, A.4.2) if some tile has more of them than it says, as of some writers: the
/// library would leave out the parts beyond without an error. `stream` has been followed to its end.
pub(super) fn mend_part_counts(stream: &mut [u8]) {
    let mut parts = Vec::new();
    let mut at = 2;
    while let Some(&[0xFF, code, l0, l1]) = stream.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let length = stream.get(at + 6..).and_then(|rest| rest.first_chunk::<4>());
        at += match (code, length) {
            (0xD9, _) | (0x90, None) => break,
            (0x90, Some(&length)) => {
                parts.push(at);
                match u32::from_be_bytes(length) {
                    0 => break,
                    length => length as usize,
                }
            }
            _ => 2 + usize::from(u16::from_be_bytes([l0, l1])),
        };
    }
    let is_beyond = |&at: &usize| matches!(stream[at + 10..], [part, of, ..] if of != 0 && part >= of);
    if parts.iter().any(is_beyond) {
        parts.iter().for_each(|at| stream[at + 11] = 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A codestream with tile-parts of these numbers (TPsot, TNsot) and a byte of data each.
    fn with_parts(numbers: &[[u8; 2]]) -> Vec<u8> {
        let mut stream = vec![0xFF, 0x4F, 0xFF, 0x64, 0, 3, 7];
        for [part, of] in numbers {
            stream.extend([0xFF, 0x90, 0, 10, 0, 0, 0, 0, 0, 15, *part, *of, 0xFF, 0x93, 1]);
        }
        stream.extend([0xFF, 0xD9]);
        stream
    }

    #[test]
    fn tiles_with_more_parts_than_they_say_have_an_open_number() {
        let mut good = with_parts(&[[0, 2], [1, 2], [2, 0]]);
        mend_part_counts(&mut good);
        assert_eq!(good, with_parts(&[[0, 2], [1, 2], [2, 0]]));
        let mut short = with_parts(&[[0, 2], [1, 2], [2, 2]]);
        mend_part_counts(&mut short);
        assert_eq!(short, with_parts(&[[0, 0], [1, 0], [2, 0]]));
    }
}
