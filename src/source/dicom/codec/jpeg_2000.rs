//! Properties that a JPEG 2000 codestream states, and its completeness (ISO/IEC 15444-1 annex A).
//!
//! The codec makes room for every tile and every precinct before it looks for their data. A few bytes can ask
//! for many gigabytes so, where the image itself is small, and for hours: it goes through all packets, of which there is
//! one for each layer, component and precinct. Each tile has a tile-part, and each packet at least a byte: more of
//! them than there is room for are refused, and very many tiles.

use super::super::error::DicomFault;
use super::super::transfer_syntax::TransferSyntax;
use super::codestream::{Codestream, unpadded};
use super::jpeg_2000_tiles::{TileGrid, Tiles};
use super::openjpeg;
use super::part_counts::mend_part_counts;

/// The codec takes 14 kB for a tile, whatever its size. Real images have one, or some hundred.
const MOST_TILES: u64 = 4096;

/// The extensions of part 2 of Rsiz that are understood: multiple component transforms (ISO/IEC 15444-2 A.2.1).
const COMPONENT_TRANSFORMS: u16 = 0x8100;

/// A codestream that has been found complete.
pub(in super::super) struct Jpeg2000<'a> {
    pub(in super::super) stream: Codestream,
    grid: TileGrid,
    /// From SOC to the last tile-part.
    tiles: &'a [u8],
}

/// Reads the SIZ segment (A.5.1) and follows the tile-parts to the end of the codestream, which may stand in the boxes of
/// a JP2 file.
pub(in super::super) fn open(frame: &[u8]) -> Result<Jpeg2000<'_>, DicomFault> {
    let bytes = unboxed(frame).ok_or(INCOMPLETE)?;
    let size = ImageSize::read(bytes).ok_or(INCOMPLETE)?;
    let capabilities = bytes.get(6..8).map_or(0, |pair| u16::from_be_bytes([pair[0], pair[1]]));
    if capabilities & 0x8000 != 0 && capabilities != COMPONENT_TRANSFORMS {
        let supported =
            "JPEG 2000 codestreams of part 1, of part 15 and with the component transforms of part 2";
        return Err(DicomFault::Unsupported { value: "extensions of part 2".to_owned(), supported });
    }
    let tiles = size.grid.tiles();
    if tiles > MOST_TILES {
        let supported = "JPEG 2000 of up to 4096 tiles";
        return Err(DicomFault::Unsupported { value: format!("{tiles} tiles"), supported });
    }
    let end = end_of_tiles(bytes, &size).ok_or(INCOMPLETE)?;
    Ok(Jpeg2000 { stream: size.stream, grid: size.grid, tiles: &bytes[..end] })
}

const INCOMPLETE: DicomFault = DicomFault::Codestream { format: "JPEG 2000" };

/// The codestream in the boxes of a JP2 file (ISO/IEC 15444-1 annex I), or the frame itself where it is one.
fn unboxed(frame: &[u8]) -> Option<&[u8]> {
    if !frame.starts_with(&[0, 0, 0, 12, b'j', b'P', b' ', b' ']) {
        return Some(frame);
    }
    let mut rest = frame;
    loop {
        let (&[l0, l1, l2, l3, ref kind @ ..], _) = rest.split_first_chunk::<8>()?;
        let (header, length) = match u32::from_be_bytes([l0, l1, l2, l3]) {
            0 => (8, rest.len()),
            1 => (16, usize::try_from(u64::from_be_bytes(*rest.get(8..)?.first_chunk()?)).ok()?),
            length => (8, length as usize),
        };
        let content = rest.get(header..length)?;
        if kind == b"jp2c" {
            return Some(content);
        }
        rest = &rest[length..];
    }
}

impl Jpeg2000<'_> {
    /// Decodes the samples: of each pixel one behind the other. Tiles are shared out to so many threads of the pool that
    /// the caller is on.
    pub(in super::super) fn decode(
        &self,
        syntax: TransferSyntax,
        threads: usize,
        samples: &mut Vec<i32>,
    ) -> Result<(), DicomFault> {
        let components = self.stream.components.into();
        let decoded = match Tiles::find(self.tiles, &self.grid) {
            Some(tiles) => tiles.decode(components, threads, samples),
            None => self.decode_whole(components, samples),
        };
        decoded.ok_or_else(|| DicomFault::Codec {
            syntax: syntax.to_string(),
            message: "the codestream is damaged".to_owned(),
        })
    }

    fn decode_whole(&self, components: usize, samples: &mut Vec<i32>) -> Option<()> {
        let pixels = self.stream.rows as usize * self.stream.columns as usize;
        // Other segments may stand before the end marker; the library knows the main header and tile-parts alone.
        let mut whole = [self.tiles, &[0xFF, 0xD9]].concat();
        mend_part_counts(&mut whole);
        openjpeg::decode(&whole, pixels, components, samples)
    }
}

struct ImageSize {
    stream: Codestream,
    grid: TileGrid,
}

impl ImageSize {
    fn read(bytes: &[u8]) -> Option<Self> {
        let segment = bytes.strip_prefix(&[0xFF, 0x4F, 0xFF, 0x51])?;
        let grid = TileGrid::read(bytes)?;
        let components = u16::from_be_bytes(*segment.get(36..)?.first_chunk()?);
        let &[depth, dx, dy] = segment.get(38..)?.first_chunk()?;
        let all = segment.get(38..)?.get(..3 * usize::from(components))?;
        if all.as_chunks::<3>().0.iter().any(|component| *component != [depth, dx, dy]) {
            return None;
        }
        if (dx, dy) != (1, 1) {
            return None;
        }
        let stream = Codestream {
            rows: grid.rows(),
            columns: grid.columns(),
            components,
            precision: (depth & 0x7F) + 1,
            signed: depth & 0x80 != 0,
        };
        Some(Self { stream, grid })
    }

    /// True if the coding style in a COD or COC segment (A.6.1, A.6.2), from the number of decomposition levels
    /// on, makes no more packets (B.9) than `bytes`, of so many precincts (B.6) times `repeated`. One that does not say
    /// has the largest precincts: one in each resolution of the first tile, and one at least in each of the others.
    fn has_room(&self, style: &[u8], has_precincts: bool, repeated: u64, bytes: usize) -> Option<()> {
        let (&[levels, ..], precincts) = style.split_first_chunk::<5>()?;
        if levels > 32 {
            return None;
        }
        let mut total = 0_u64;
        for resolution in (0..=levels).take_while(|_| has_precincts) {
            let &exponents = precincts.get(usize::from(resolution))?;
            let count = |side: u32, exponent: u8| {
                u64::from(side).div_ceil(1 << (levels - resolution)).div_ceil(1 << exponent)
            };
            let across = count(self.stream.columns, exponents & 0x0F);
            total = total.saturating_add(across.saturating_mul(count(self.stream.rows, exponents >> 4)));
        }
        let least = u64::from(levels) + self.grid.tiles();
        (total.max(least).saturating_mul(repeated) <= bytes as u64).then_some(())
    }
}

/// Follows the segments of the main header and the lengths of the tile-parts to the end marker. Returns where the last
/// tile-part ends. `None` where they do not lead there, or where there is less than `size` and the coding styles ask for.
fn end_of_tiles(bytes: &[u8], size: &ImageSize) -> Option<usize> {
    let (mut at, mut end) = (2, 2);
    let mut parts = 0;
    loop {
        let Some(&[0xFF, code, l0, l1]) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            // The end marker may be the last two bytes.
            let ends = bytes.get(at..).is_some_and(|rest| rest.starts_with(&[0xFF, 0xD9]));
            return (ends && at > 2 && parts >= size.grid.tiles()).then_some(end);
        };
        match code {
            0xD9 => return (parts >= size.grid.tiles()).then_some(end),
            // SOT (A.4.2): the tile-part's length is counted from its marker; 0 means up to the end.
            0x90 => {
                parts += 1;
                let length = u32::from_be_bytes(*bytes.get(at + 6..)?.first_chunk::<4>()?) as usize;
                check_styles(bytes.get(at + 12..)?, size, bytes.len())?;
                match length {
                    0 => {
                        let tiles = unpadded(bytes).strip_suffix(&[0xFF, 0xD9])?;
                        return (parts >= size.grid.tiles()).then_some(tiles.len());
                    }
                    14.. => at += length,
                    _ => return None,
                }
                end = at;
            }
            _ => {
                let length = usize::from(u16::from_be_bytes([l0, l1]).max(2));
                check_style(code, bytes.get(at + 4..at + 2 + length)?, size, bytes.len())?;
                at += 2 + length;
            }
        }
    }
}

/// Checks the coding styles in the header of a tile-part, up to its data (SOD).
fn check_styles(mut header: &[u8], size: &ImageSize, bytes: usize) -> Option<()> {
    while let &[0xFF, code, l0, l1, ref rest @ ..] = header {
        if code == 0x93 {
            break;
        }
        let (segment, after) =
            rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])).checked_sub(2)?)?;
        check_style(code, segment, size, bytes)?;
        header = after;
    }
    Some(())
}

/// Checks the segment of this marker where it is a coding style, of all components or of one.
fn check_style(code: u8, segment: &[u8], size: &ImageSize, bytes: usize) -> Option<()> {
    // An image of more components is refused later.
    let (style, repeated, rest) = match code {
        // Each layer and component has a packet, of a byte at least, in each precinct (B.9).
        0x52 => {
            let layers = u16::from_be_bytes([*segment.get(2)?, *segment.get(3)?]);
            let packets = u64::from(layers) * u64::from(size.stream.components);
            (*segment.first()?, packets, segment.get(5..)?)
        }
        0x53 => (*segment.get(1)?, 1, segment.get(2..)?),
        _ => return Some(()),
    };
    size.has_room(rest, style & 1 != 0, repeated, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A codestream of 300 × 200 with these segments in its main header, in that of its tile-part, and so many
    /// bytes of data.
    fn stream(tile: [u32; 2], main: &[u8], part: &[u8], data: usize) -> Vec<u8> {
        let mut stream = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        for word in [300, 200, 0, 0, tile[0], tile[1], 0, 0] {
            stream.extend(word.to_be_bytes());
        }
        stream.extend([0, 1, 0x8D, 1, 1]);
        stream.extend(main);
        stream.extend([0xFF, 0x90, 0, 10, 0, 0]);
        stream.extend((14 + part.len() as u32 + data as u32).to_be_bytes());
        stream.extend([0, 1]);
        stream.extend(part);
        stream.extend([0xFF, 0x93]);
        stream.resize(stream.len() + data, 1);
        stream.extend([0xFF, 0xD9]);
        stream
    }

    #[test]
    fn a_codestream_must_reach_its_end() {
        let stream = stream([300, 200], &[], &[], 2);
        let found = open(&stream).unwrap().stream;
        assert_eq!((found.rows, found.columns, found.precision, found.signed), (200, 300, 14, true));
        assert!(open(&stream[..stream.len() - 2]).is_err());
        assert!(open(&stream[..stream.len() - 3]).is_err());
    }

    #[test]
    fn every_tile_has_a_part_and_every_precinct_a_byte() {
        assert!(open(&stream([300, 199], &[], &[], 2)).is_err());
        assert!(open(&stream([0, 200], &[], &[], 2)).is_err());
        let mut many = stream([4, 3], &[], &[], 2);
        let part = many[45..many.len() - 2].to_vec();
        many.truncate(45);
        many.extend(part.repeat(75 * 67));
        many.extend([0xFF, 0xD9]);
        let refused = open(&many).err().unwrap().to_string();
        assert!(refused.contains("5025 tiles"), "{refused}");
        // One level; precincts of 1 × 1 and of 8 × 16: 150 × 100 + 38 × 13 of them.
        let style = [0xFF, 0x52, 0, 14, 1, 0, 0, 1, 0, 1, 4, 4, 0, 1, 0x00, 0x43];
        let of_component = [0xFF, 0x53, 0, 11, 0, 1, 1, 4, 4, 0, 1, 0x00, 0x43];
        for (main, part) in [(&style[..], &[][..]), (&[], &style), (&of_component, &[]), (&[], &of_component)]
        {
            assert!(open(&stream([300, 200], main, part, 15_000)).is_err());
            assert!(open(&stream([300, 200], main, part, 15_494)).is_ok());
        }
        let mut largest = style;
        largest[4] = 0;
        assert!(open(&stream([300, 200], &largest, &[], 2)).is_ok());
        let mut largest_side = stream([u32::MAX, u32::MAX], &style, &[], 2);
        largest_side[8..16].fill(0xFF);
        largest_side[59..61].fill(0);
        assert!(open(&largest_side).is_err());
        let mut levels = style;
        levels[9] = 33;
        assert!(open(&stream([300, 200], &levels, &[], 60_000)).is_err());
    }
}
