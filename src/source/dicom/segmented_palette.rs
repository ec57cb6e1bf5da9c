//! Segmented palettes (PS3.3 C.7.9.2): tables that are made of runs and ramps.

use super::error::DicomFault;
use super::value::RawValue;

/// Segments that indirect ones may lead to, one within the other.
const MOST_NESTED: usize = 8;

/// The `entries` entries that a segmented table of so many `bits` stands for.
///
/// The offset of an indirect segment counts bytes; some writers and readers count words of 16 bits. The one is taken
/// under which the table has as many entries as its descriptor says, the standard's first.
pub(super) fn expand(data: RawValue<'_>, bits: u16, entries: usize) -> Result<Vec<u16>, DicomFault> {
    let words = words(data, bits);
    let unit = if bits == 16 { 2 } else { 1 };
    let expanded = |unit| {
        let mut table = Expansion { words: &words, unit, bits, entries, table: Vec::new(), steps: 0 };
        table.run(0, usize::MAX, 0).ok().map(|()| table.table).filter(|table| table.len() == entries)
    };
    expanded(unit).or_else(|| expanded(1)).ok_or(MALFORMED)
}

const MALFORMED: DicomFault = DicomFault::Codestream { format: "segmented palette" };

/// The numbers of the table: words of 16 bits, or bytes where entries have 8 bits.
fn words(data: RawValue<'_>, bits: u16) -> Vec<u16> {
    let RawValue { bytes, syntax } = data;
    if bits == 16 {
        return bytes.as_chunks::<2>().0.iter().map(|&pair| syntax.u16(pair)).collect();
    }
    // Bytes packed in 16-bit words: swapped in big endian.
    let swap = usize::from(syntax.big_endian);
    (0..bytes.len()).filter_map(|index| bytes.get(index ^ swap)).map(|&byte| u16::from(byte)).collect()
}

struct Expansion<'w> {
    words: &'w [u16],
    /// Units of an indirect segment's offset in a number.
    unit: usize,
    bits: u16,
    entries: usize,
    table: Vec<u16>,
    steps: usize,
}

impl Expansion<'_> {
    /// Expands so many segments from `at` on, or as many as there are.
    fn run(&mut self, mut at: usize, segments: usize, depth: usize) -> Result<(), DicomFault> {
        for _ in 0..segments {
            // A byte may stand behind the last segment, to make the length even.
            if self.table.len() >= self.entries && depth == 0 || at + 1 >= self.words.len() {
                break;
            }
            self.steps += 1;
            // Every segment gives an entry, but those of length 0.
            if self.steps > 2 * self.entries + self.words.len() {
                return Err(MALFORMED);
            }
            let (kind, length) = (self.words[at], usize::from(self.words[at + 1]));
            at += 2;
            match kind {
                0 => {
                    let run = self.words.get(at..at + length).ok_or(MALFORMED)?;
                    self.table.extend_from_slice(run);
                    at += length;
                }
                1 => {
                    let (&first, &last) = self.table.last().zip(self.words.get(at)).ok_or(MALFORMED)?;
                    self.table.extend(ramp(first, last, length));
                    at += 1;
                }
                2 if depth < MOST_NESTED && !self.table.is_empty() => {
                    let (offset, after) = self.offset(at).ok_or(MALFORMED)?;
                    self.run(offset, length, depth + 1)?;
                    at = after;
                }
                _ => return Err(MALFORMED),
            }
            if self.table.len() > self.entries {
                return Err(MALFORMED);
            }
        }
        Ok(())
    }

    /// Target of an indirect segment, by the numbers at `at`, and the place of the next segment. Offsets have 32 bits, the
    /// lower half first.
    fn offset(&self, at: usize) -> Option<(usize, usize)> {
        let number = |index: usize| self.words.get(at + index).map(|&word| word as usize);
        let (offset, after) = match self.bits {
            16 => (number(0)? | number(1)? << 16, at + 2),
            _ => (number(0)? | number(1)? << 8 | number(2)? << 16 | number(3)? << 24, at + 4),
        };
        let is_whole = offset.is_multiple_of(self.unit);
        is_whole.then_some((offset / self.unit, after)).filter(|(offset, _)| *offset + 1 < self.words.len())
    }
}

/// `length` entries behind `first` up to `last`, at equal steps, rounded half to even.
fn ramp(first: u16, last: u16, length: usize) -> impl Iterator<Item = u16> {
    let (from, to) = (f64::from(first), f64::from(last));
    let step = (to - from) / length as f64;
    (1..=length).map(move |index| {
        let value = if index == length { to } else { from + step * index as f64 };
        value.round_ties_even() as u16
    })
}

#[cfg(test)]
mod tests {
    use super::super::data_set::Syntax;
    use super::*;

    fn expanded(words: &[u16], entries: usize) -> Option<Vec<u16>> {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        expand(RawValue { bytes: &bytes, syntax: Syntax::EXPLICIT_LITTLE }, 16, entries).ok()
    }

    #[test]
    fn runs_ramps_and_references_are_expanded() {
        let table = [0, 2, 100, 200, 1, 4, 400];
        assert_eq!(expanded(&table, 6).unwrap(), [100, 200, 250, 300, 350, 400]);
        // Behind them, both once more: the first stands at byte 0.
        let again = [&table[..], &[2, 2, 0, 0]].concat();
        let twice = [100, 200, 250, 300, 350, 400, 100, 200, 250, 300, 350, 400];
        assert_eq!(expanded(&again, 12).unwrap(), twice);
        // Only the ramp, which stands at byte 8 or, for those who count words, at word 4.
        for offset in [8, 4] {
            let ramp = [&table[..], &[2, 1, offset, 0]].concat();
            assert_eq!(expanded(&ramp, 10).unwrap()[6..], [400; 4]);
        }
    }

    #[test]
    fn tables_of_bytes() {
        let bytes = [0, 2, 10, 20, 1, 2, 40, 2, 1, 0, 0, 0, 0, 0];
        let value = RawValue { bytes: &bytes, syntax: Syntax::EXPLICIT_LITTLE };
        assert_eq!(expand(value, 8, 6).unwrap(), [10, 20, 30, 40, 10, 20]);
    }

    #[test]
    fn what_is_too_short_too_long_or_endless_is_refused() {
        assert_eq!(expanded(&[0, 2, 1, 2], 3), None);
        assert_eq!(expanded(&[0, 2, 1, 2], 1), None);
        assert_eq!(expanded(&[1, 2, 5], 2), None);
        assert_eq!(expanded(&[3, 2, 5], 2), None);
        assert_eq!(expanded(&[0, 1, 5, 2, 2, 0, 0], 50), None);
        assert_eq!(expanded(&[0, 0, 0, 0], 1), None);
    }
}
