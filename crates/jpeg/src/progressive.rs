//! The bands of coefficients of a progressive image (T.81 G.1.2.2 and G.1.2.3).

use crate::bits::BitReader;
use crate::coefficients::{Block, ZIGZAG};
use crate::error::JpegError;
use crate::huffman::HuffmanTable;

/// The coefficients that a scan has: of the zigzag order from `start` to `end`, down to the bit `low`.
pub(crate) struct Band {
    pub(crate) start: u8,
    pub(crate) end: u8,
    pub(crate) low: u8,
    /// True if an earlier scan has their higher bits.
    pub(crate) refines: bool,
}

/// Decodes the band of one block. `ended` is the number of blocks from this one on whose band has ended.
pub(crate) fn decode_band(
    bits: &mut BitReader<'_>,
    table: &HuffmanTable,
    band: &Band,
    ended: &mut i32,
    block: &mut Block,
) -> Result<(), JpegError> {
    if band.refines {
        refine(bits, table, band, ended, block)
    } else {
        first(bits, table, band, ended, block)
    }
}

/// The number of blocks of an end-of-band run.
fn run(bits: &mut BitReader<'_>, exponent: u8) -> i32 {
    (1 << exponent) + bits.read(exponent.into()) as i32
}

fn first(
    bits: &mut BitReader<'_>,
    table: &HuffmanTable,
    band: &Band,
    ended: &mut i32,
    block: &mut Block,
) -> Result<(), JpegError> {
    if *ended > 0 {
        *ended -= 1;
        return Ok(());
    }
    let mut at = band.start;
    while at <= band.end {
        let code = table.decode(bits)?;
        let (zeros, category) = (code >> 4, code & 15);
        match (zeros, category) {
            (15, 0) => at += 16,
            (_, 0) => {
                *ended = run(bits, zeros) - 1;
                return Ok(());
            }
            _ => {
                at += zeros;
                if at > band.end {
                    return Err(JpegError::Code);
                }
                let value = bits.extended(category.into()) << band.low;
                block[usize::from(ZIGZAG[usize::from(at)])] = value as i16;
                at += 1;
            }
        }
    }
    Ok(())
}

fn refine(
    bits: &mut BitReader<'_>,
    table: &HuffmanTable,
    band: &Band,
    ended: &mut i32,
    block: &mut Block,
) -> Result<(), JpegError> {
    let one = 1_i16 << band.low;
    let mut at = band.start;
    if *ended == 0 {
        while at <= band.end {
            let code = table.decode(bits)?;
            let (zeros, category) = (code >> 4, code & 15);
            let value = match (zeros, category) {
                (15, 0) => 0,
                (_, 0) => {
                    *ended = run(bits, zeros);
                    break;
                }
                (_, 1) if bits.read(1) == 1 => one,
                (_, 1) => -one,
                _ => return Err(JpegError::Code),
            };
            at = pass(bits, band, at, zeros.into(), block);
            if value != 0 {
                let place = ZIGZAG[..=usize::from(band.end)].get(usize::from(at)).ok_or(JpegError::Code)?;
                block[usize::from(*place)] = value;
            }
            at += 1;
        }
    }
    if *ended > 0 {
        pass(bits, band, at, u32::MAX, block);
        *ended -= 1;
    }
    Ok(())
}

/// Refines coefficients that are not zero, from `at` on and up to the zero behind `zeros` others. Returns where that is.
fn pass(bits: &mut BitReader<'_>, band: &Band, mut at: u8, mut zeros: u32, block: &mut Block) -> u8 {
    let one = 1_i16 << band.low;
    while at <= band.end {
        let coefficient = &mut block[usize::from(ZIGZAG[usize::from(at)])];
        if *coefficient != 0 {
            if bits.read(1) == 1 && *coefficient & one == 0 {
                *coefficient = coefficient.wrapping_add(if *coefficient >= 0 { one } else { -one });
            }
        } else if zeros == 0 {
            break;
        } else {
            zeros -= 1;
        }
        at += 1;
    }
    at
}
