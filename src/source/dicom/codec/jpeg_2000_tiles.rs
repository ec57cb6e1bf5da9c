//! The tiles of a JPEG 2000 codestream, each made a codestream of its own and decoded so, on several threads.
//!
//! A tile is decoded without the others (ISO/IEC 15444-1 B.3): the main header, with the image cut to the tile (A.5.1), and
//! the tile's parts are a codestream of one tile, at the same place of the reference grid. The codec holds one tile for
//! each thread then, not all of them, and goes over no bytes but those of the tile.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::openjpeg;
use super::part_counts::mend_part_counts;

/// Markers of the main header: lengths of tile-parts (A.7.1), of packets (A.7.2), and packet headers (A.7.4).
const TLM: u8 = 0x55;
const PLM: u8 = 0x57;
const PPM: u8 = 0x60;
const SOT: u8 = 0x90;

/// The image and its tiles on the reference grid: the first eight words of SIZ (A.5.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct TileGrid {
    /// Right, bottom, left and top of the image.
    image: [u32; 4],
    tile_size: [u32; 2],
    /// Left and top of the first tile.
    first_tile: [u32; 2],
}

/// Where the words of SIZ begin in a codestream.
const WORDS: usize = 8;

impl TileGrid {
    /// `None` where tiles have no size or the image lies outside of them.
    pub(super) fn read(stream: &[u8]) -> Option<Self> {
        let words: [u8; 32] = *stream.get(WORDS..)?.first_chunk()?;
        let word = |number: usize| {
            words.as_chunks::<4>().0.get(number).map_or(0, |bytes| u32::from_be_bytes(*bytes))
        };
        let grid = Self {
            image: [word(0), word(1), word(2), word(3)],
            tile_size: [word(4), word(5)],
            first_tile: [word(6), word(7)],
        };
        let [right, bottom, left, top] = grid.image;
        let is_sound = !grid.tile_size.contains(&0)
            && left < right
            && top < bottom
            && grid.first_tile[0] <= left
            && grid.first_tile[1] <= top;
        is_sound.then_some(grid)
    }

    pub(super) fn columns(&self) -> u32 {
        self.image[0] - self.image[2]
    }

    pub(super) fn rows(&self) -> u32 {
        self.image[1] - self.image[3]
    }

    /// Number of tiles along an axis, 0 for columns and 1 for rows.
    fn along(&self, axis: usize) -> u32 {
        (self.image[axis] - self.first_tile[axis]).div_ceil(self.tile_size[axis])
    }

    pub(super) fn tiles(&self) -> u64 {
        u64::from(self.along(0)) * u64::from(self.along(1))
    }

    /// The grid of one tile alone, whose image is what the tile has of the image; `None` where that is nothing.
    fn of_tile(&self, tile: usize) -> Option<Self> {
        let across = self.along(0) as usize;
        let mut grid = *self;
        for (axis, number) in [(0, tile % across), (1, tile / across)] {
            let start = u64::from(self.first_tile[axis]) + number as u64 * u64::from(self.tile_size[axis]);
            let end = start + u64::from(self.tile_size[axis]);
            grid.first_tile[axis] = u32::try_from(start).ok()?;
            grid.image[axis] = u64::from(self.image[axis]).min(end) as u32;
            grid.image[axis + 2] = self.image[axis + 2].max(grid.first_tile[axis]);
            if grid.image[axis] <= grid.image[axis + 2] {
                return None;
            }
        }
        Some(grid)
    }

    fn write(&self, stream: &mut [u8]) {
        let words = self.image.iter().chain(&self.tile_size).chain(&self.first_tile);
        for (place, word) in stream[WORDS..].as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
    }
}

/// The tiles of a codestream.
pub(super) struct Tiles<'a> {
    /// The codestream up to the end of its last tile-part.
    bytes: &'a [u8],
    grid: TileGrid,
    /// The main header without what it says of tile-parts.
    header: Vec<u8>,
    /// The tile-parts of each tile.
    parts: Vec<Vec<Range<usize>>>,
}

impl<'a> Tiles<'a> {
    /// Finds the tiles of a codestream, which ends with its last tile-part and has been followed to there. `None` where it
    /// has one tile, where one of them has no tile-part, and where the main header holds packet headers of all tiles.
    pub(super) fn find(bytes: &'a [u8], grid: &TileGrid) -> Option<Self> {
        let count = usize::try_from(grid.tiles()).ok().filter(|&count| count > 1)?;
        let mut tiles =
            Self { bytes, grid: *grid, header: bytes.get(..2)?.to_vec(), parts: vec![Vec::new(); count] };
        let mut at = 2;
        while let Some(&[0xFF, code, l0, l1]) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            let segment = 2 + usize::from(u16::from_be_bytes([l0, l1]));
            let end = match code {
                SOT => match u32::from_be_bytes(*bytes.get(at + 6..)?.first_chunk()?) {
                    0 => bytes.len(),
                    length => at + length as usize,
                },
                _ => at + segment,
            };
            let content = bytes.get(at..end).filter(|content| content.len() >= 4)?;
            let is_main = tiles.parts.iter().all(Vec::is_empty);
            match code {
                SOT => {
                    let tile = usize::from(u16::from_be_bytes([*content.get(4)?, *content.get(5)?]));
                    tiles.parts.get_mut(tile)?.push(at..end);
                }
                PPM => return None,
                TLM | PLM => {}
                _ if is_main => tiles.header.extend(content),
                _ => {}
            }
            at = end;
        }
        (!tiles.parts.iter().any(Vec::is_empty)).then_some(tiles)
    }

    /// The codestream of one tile, and its grid.
    fn stream(&self, tile: usize) -> Option<(Vec<u8>, TileGrid)> {
        let grid = self.grid.of_tile(tile)?;
        let mut stream = self.header.clone();
        grid.write(&mut stream);
        for part in &self.parts[tile] {
            let start = stream.len();
            stream.extend(&self.bytes[part.clone()]);
            // It is tile 0, and has the length that it has (A.4.2).
            let length = u32::try_from(part.len()).ok()?;
            stream.get_mut(start + 4..start + 6)?.fill(0);
            stream.get_mut(start + 6..start + 10)?.copy_from_slice(&length.to_be_bytes());
        }
        stream.extend([0xFF, 0xD9]);
        mend_part_counts(&mut stream);
        Some((stream, grid))
    }

    /// Decodes all tiles to the samples of the image, of each pixel one behind the other, in rows; on so many threads of
    /// the pool that the caller is on. `None` where the library refuses a tile.
    pub(super) fn decode(&self, components: usize, threads: usize, samples: &mut Vec<i32>) -> Option<()> {
        samples.clear();
        samples.resize(self.grid.columns() as usize * self.grid.rows() as usize * components, 0);
        let image = Mutex::new(&mut samples[..]);
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || {
            let mut tile = Vec::new();
            while !failed.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= self.parts.len() {
                    break;
                }
                let Some(grid) = self.decode_tile(number, components, &mut tile) else {
                    failed.store(true, Ordering::Relaxed);
                    break;
                };
                let mut image = image.lock().unwrap_or_else(PoisonError::into_inner);
                self.place(&grid, components, &tile, &mut image);
            }
        };
        match threads.min(self.parts.len()) {
            0 | 1 => work(),
            threads => rayon::scope(|scope| {
                (1..threads).for_each(|_| scope.spawn(|_| work()));
                work();
            }),
        }
        (!failed.into_inner()).then_some(())
    }

    fn decode_tile(&self, number: usize, components: usize, tile: &mut Vec<i32>) -> Option<TileGrid> {
        let (stream, grid) = self.stream(number)?;
        let pixels = grid.columns() as usize * grid.rows() as usize;
        openjpeg::decode(&stream, pixels, components, tile)?;
        Some(grid)
    }

    /// Copies the rows of a tile to their place in the image.
    fn place(&self, grid: &TileGrid, components: usize, tile: &[i32], image: &mut [i32]) {
        let width = grid.columns() as usize * components;
        let across = self.grid.columns() as usize * components;
        let left = (grid.image[2] - self.grid.image[2]) as usize * components;
        let top = (grid.image[3] - self.grid.image[3]) as usize;
        for (row, values) in tile.chunks_exact(width).enumerate() {
            let start = (top + row) * across + left;
            image[start..start + width].copy_from_slice(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codestreams of several tiles, the last ones cut, from OpenJPEG and OpenJPH: of 16 bits signed, in colour, with an image
    /// and tiles that do not begin at 0, with loss and quality layers, and high-throughput. Name and hexadecimal bytes.
    const STREAMS: &str = include_str!("tiled_streams.txt");

    fn streams() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
        STREAMS.lines().map(|line| {
            let (name, text) = line.split_once(' ').unwrap();
            let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            (name, (0..text.len()).step_by(2).map(byte).collect())
        })
    }

    fn tiles(stream: &[u8]) -> Option<Tiles<'_>> {
        Tiles::find(stream.strip_suffix(&[0xFF, 0xD9]).unwrap(), &TileGrid::read(stream).unwrap())
    }

    fn components(stream: &[u8]) -> usize {
        usize::from(u16::from_be_bytes([stream[40], stream[41]]))
    }

    fn whole(stream: &[u8]) -> Vec<i32> {
        let (grid, mut samples) = (TileGrid::read(stream).unwrap(), Vec::new());
        let pixels = grid.columns() as usize * grid.rows() as usize;
        openjpeg::decode(stream, pixels, components(stream), &mut samples).unwrap();
        samples
    }

    fn by_tiles(stream: &[u8], threads: usize) -> Option<Vec<i32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut samples = vec![7; 3];
        let decoded = tiles(stream).unwrap();
        pool.install(|| decoded.decode(components(stream), threads, &mut samples)).map(|()| samples)
    }

    #[test]
    fn tiles_give_what_the_whole_codestream_gives() {
        let mut names = Vec::new();
        for (name, mut stream) in streams() {
            let expected = whole(&stream);
            for threads in [1, 2, 5] {
                assert!(by_tiles(&stream, threads).unwrap() == expected, "{name} on {threads} threads");
            }
            // The same image far from the origin, with the same parity of all its coordinates.
            for word in [0, 1, 2, 3, 6, 7] {
                stream[WORDS + 4 * word + 1] += 1;
            }
            assert_eq!(TileGrid::read(&stream).unwrap().image[2] >> 16, 1);
            assert!(whole(&stream) == expected && by_tiles(&stream, 2).unwrap() == expected, "{name} moved");
            names.push((name, tiles(&stream).unwrap().parts.len()));
        }
        let expected = [
            ("signed", 6),
            ("colour", 9),
            ("offset", 8),
            ("lossy", 8),
            ("high-throughput", 6),
            ("high-throughput-colour", 9),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn the_area_of_each_tile_lies_in_the_image() {
        let (_, stream) = streams().find(|(name, _)| *name == "offset").unwrap();
        let grid = TileGrid::read(&stream).unwrap();
        let areas: Vec<_> = (0..8).map(|tile| grid.of_tile(tile).unwrap().image).collect();
        assert_eq!(areas[0], [14, 16, 7, 5]);
        assert_eq!(areas[3], [42, 16, 36, 5]);
        assert_eq!(areas[7], [42, 26, 36, 16]);
        let pixels: u32 =
            areas.iter().map(|[right, bottom, left, top]| (right - left) * (bottom - top)).sum();
        assert_eq!(pixels, 35 * 21);
    }

    #[test]
    fn a_tile_that_is_damaged_or_missing_is_noticed() {
        let (_, stream) = streams().find(|(name, _)| *name == "high-throughput").unwrap();
        let parts = tiles(&stream).unwrap().parts;
        let mut damaged = stream.clone();
        damaged[parts[4][0].start + 12..parts[4][0].end].fill(0xFF);
        for threads in [1, 3] {
            assert_eq!(by_tiles(&damaged, threads), None);
        }
        // Its part says that it is of the tile before.
        let mut missing = stream.clone();
        missing[parts[4][0].start + 5] = 3;
        assert!(tiles(&missing).is_none());
        let mut beyond = stream;
        beyond[parts[4][0].start + 5] = 6;
        assert!(tiles(&beyond).is_none());
    }
}
