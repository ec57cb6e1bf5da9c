//! Palettes: the tables of PALETTE COLOR images (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6).

use super::attribute::{self, Attribute};
use super::error::{DicomFault, Located};
use super::segmented_palette;
use super::value::RawValue;
use super::value_text::shown;

/// The red, green and blue of each index. Indices below the first are the first entry, above the last the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Palette {
    first: i64,
    bits: u16,
    colors: Vec<[u16; 3]>,
}

/// The attributes of one table, as they stand in the file.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PaletteTable<'a> {
    pub(super) descriptor: Option<RawValue<'a>>,
    pub(super) data: Option<RawValue<'a>>,
    pub(super) segmented: Option<RawValue<'a>>,
}

/// The attributes of the table of one colour.
struct Names {
    descriptor: Attribute,
    data: Attribute,
    segmented: Attribute,
}

const NAMES: [Names; 3] = [
    Names {
        descriptor: attribute::RED_PALETTE_DESCRIPTOR,
        data: attribute::RED_PALETTE_DATA,
        segmented: attribute::SEGMENTED_RED_PALETTE_DATA,
    },
    Names {
        descriptor: attribute::GREEN_PALETTE_DESCRIPTOR,
        data: attribute::GREEN_PALETTE_DATA,
        segmented: attribute::SEGMENTED_GREEN_PALETTE_DATA,
    },
    Names {
        descriptor: attribute::BLUE_PALETTE_DESCRIPTOR,
        data: attribute::BLUE_PALETTE_DATA,
        segmented: attribute::SEGMENTED_BLUE_PALETTE_DATA,
    },
];

impl Palette {
    /// Reads the three tables of an image whose pixels have this sign.
    pub(super) fn read(tables: &[PaletteTable<'_>; 3], signed: bool) -> Result<Self, Located> {
        let (mut colors, mut common): (Vec<[u16; 3]>, Option<Descriptor>) = (Vec::new(), None);
        for (channel, (table, names)) in tables.iter().zip(&NAMES).enumerate() {
            let descriptor = Descriptor::read(table, names, signed)?;
            let first = *common.get_or_insert(descriptor);
            if descriptor.first != first.first || descriptor.entries != first.entries {
                let with = attribute::RED_PALETTE_DESCRIPTOR;
                return Err(DicomFault::Contradicts { with }.at(names.descriptor));
            }
            let entries = table.entries(descriptor, names)?;
            colors.resize(entries.len(), [0; 3]);
            for (color, entry) in colors.iter_mut().zip(entries) {
                color[channel] = entry;
            }
        }
        let Some(Descriptor { first, bits, .. }) = common else {
            return Err(DicomFault::Missing.at(attribute::RED_PALETTE_DESCRIPTOR));
        };
        Ok(Self { first, bits, colors })
    }

    /// Red, green and blue of an index, as the tables have them.
    #[must_use]
    pub fn look_up(&self, index: i64) -> [u16; 3] {
        self.colors[index.saturating_sub(self.first).clamp(0, self.colors.len() as i64 - 1) as usize]
    }

    /// Bits of an entry: 8 or 16.
    #[must_use]
    pub fn bits(&self) -> u16 {
        self.bits
    }

    /// Red, green and blue of an index in 8 bits: the upper ones of 16.
    #[must_use]
    pub fn look_up_8(&self, index: i64) -> [u8; 3] {
        let shift = self.bits - 8;
        self.look_up(index).map(|entry| (entry >> shift) as u8)
    }

    /// True for a table of 16 bits whose entries are all below 256: it is black in its upper 8 bits.
    pub(super) fn is_dark(&self) -> bool {
        self.bits == 16 && self.colors.as_flattened().iter().all(|&entry| entry < 256)
    }
}

/// A descriptor (PS3.3 C.7.6.3.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Descriptor {
    entries: usize,
    first: i64,
    bits: u16,
}

impl Descriptor {
    fn read(table: &PaletteTable<'_>, names: &Names, signed: bool) -> Result<Self, Located> {
        let value = table.descriptor.ok_or(DicomFault::Missing.at(names.descriptor))?;
        let malformed =
            |expected| DicomFault::Value { value: shown(value.bytes), expected }.at(names.descriptor);
        let &[a, b, c, d, e, f] = value.bytes else {
            return Err(malformed("three 16-bit numbers"));
        };
        let [entries, first, bits] = [[a, b], [c, d], [e, f]].map(|bytes| value.syntax.u16(bytes));
        if ![8, 16].contains(&bits) {
            return Err(malformed("a table of 8 or 16 bits"));
        }
        let first = if signed { i64::from(first.cast_signed()) } else { i64::from(first) };
        let entries = if entries == 0 { 65_536 } else { usize::from(entries) };
        // Some writers say 16 bits of a table of bytes.
        let are_bytes =
            table.data.is_some_and(|data| data.bytes.len() <= entries + entries % 2 && entries > 1);
        Ok(Self { entries, first, bits: if are_bytes { 8 } else { bits } })
    }
}

impl PaletteTable<'_> {
    /// The entries: plain, one to a 16-bit word or, of 8 bits, also one to a byte; or made of segments.
    fn entries(&self, descriptor: Descriptor, names: &Names) -> Result<Vec<u16>, Located> {
        let Descriptor { entries, bits, .. } = descriptor;
        if let Some(data) = self.data {
            let RawValue { bytes, syntax } = data;
            let words = || bytes.as_chunks::<2>().0.iter().map(|&pair| syntax.u16(pair));
            if bytes.len() >= 2 * entries {
                // Some writers put entries of 8 bits into the upper half of their words.
                let is_high = bits == 8 && words().take(entries).any(|entry| entry > 255);
                let entry = |word: u16| if is_high { word >> 8 } else { word };
                return Ok(words().take(entries).map(entry).collect());
            }
            let packed = entries + entries % 2;
            if bits == 8 && bytes.len() >= entries && (!syntax.big_endian || bytes.len() >= packed) {
                let swap = usize::from(syntax.big_endian);
                return Ok((0..entries).map(|index| u16::from(bytes[index ^ swap])).collect());
            }
            let (needed, present) = (2 * entries as u64, bytes.len() as u64);
            return Err(DicomFault::PaletteShort { needed, present }.at(names.data));
        }
        let data = self.segmented.ok_or(DicomFault::Missing.at(names.data))?;
        segmented_palette::expand(data, bits, entries).map_err(|fault| fault.at(names.segmented))
    }
}

#[cfg(test)]
mod tests {
    use super::super::data_set::Syntax;
    use super::*;

    fn value(bytes: &[u8]) -> Option<RawValue<'_>> {
        Some(RawValue { bytes, syntax: Syntax::EXPLICIT_LITTLE })
    }

    fn words(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn read(descriptor: [u16; 3], data: &[u8], signed: bool) -> Result<Palette, Located> {
        let descriptor = words(&descriptor);
        let table = PaletteTable { descriptor: value(&descriptor), data: value(data), segmented: None };
        Palette::read(&[table; 3], signed)
    }

    #[test]
    fn indices_outside_are_clamped_to_the_ends() {
        let palette = read([3, 0xFFFE, 16], &words(&[0x100, 0x2FF, 0xFFFF]), true).unwrap();
        let entries = [-9, -2, -1, 0, 40].map(|index| palette.look_up(index)[0]);
        assert_eq!(entries, [0x100, 0x100, 0x2FF, 0xFFFF, 0xFFFF]);
        assert_eq!(palette.look_up_8(-1), [2; 3]);
        assert!(!palette.is_dark() && read([1, 0, 16], &words(&[255]), false).unwrap().is_dark());
        assert_eq!(read([3, 0xFFFE, 16], &words(&[1, 2, 3]), false).unwrap().look_up(0xFFFF)[0], 2);
    }

    #[test]
    fn entries_of_8_bits_stand_in_bytes_or_in_words() {
        for data in [&[7, 8, 9][..], &[7, 8, 9, 0], &words(&[7, 8, 9]), &words(&[0x700, 0x800, 0x900])] {
            let palette = read([3, 0, 8], data, false).unwrap();
            assert_eq!([0, 1, 2].map(|index| palette.look_up_8(index)[2]), [7, 8, 9], "{data:?}");
        }
        assert!(read([3, 0, 8], &[7, 8], false).is_err());
        assert!(read([3, 0, 16], &[7, 8, 9, 10, 11], false).is_err());
        assert!(read([3, 0, 12], &words(&[7, 8, 9]), false).is_err());
    }

    #[test]
    fn a_descriptor_of_0_means_65536_entries() {
        let data: Vec<u16> = (0..=u16::MAX).rev().collect();
        let palette = read([0, 0, 16], &words(&data), false).unwrap();
        assert_eq!([0, 1, 65_535].map(|index| palette.look_up(index)[1]), [65_535, 65_534, 0]);
    }
}
