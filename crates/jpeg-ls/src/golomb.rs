//! Golomb codes of limited length (T.87 A.5.3).

use crate::bits::BitReader;
use crate::error::JpegLsError;

/// Reads a value with the parameter `k`, below 32, from a code of at most `limit` bits; values beyond that stand in
/// `error_bits` bits.
#[inline(always)]
pub(crate) fn read(
    bits: &mut BitReader<'_>,
    k: u32,
    limit: u32,
    error_bits: u32,
) -> Result<u32, JpegLsError> {
    bits.refill();
    let zeros = bits.zeros();
    if zeros < limit - error_bits - 1 && zeros < 32 && zeros + 1 + k <= bits.held() {
        bits.skip(zeros + 1);
        return Ok(zeros << k | bits.take(k));
    }
    let (value, behind) = read_long(*bits, k, limit, error_bits)?;
    *bits = behind;
    Ok(value)
}

#[cold]
#[inline(never)]
fn read_long(
    mut bits: BitReader<'_>,
    k: u32,
    limit: u32,
    error_bits: u32,
) -> Result<(u32, BitReader<'_>), JpegLsError> {
    let mut zeros = 0;
    loop {
        bits.hold(48);
        let next = bits.zeros();
        if next < 32 {
            bits.skip(next + 1);
            zeros += next;
            break;
        }
        bits.skip(32);
        zeros += 32;
        if zeros > limit {
            return Err(JpegLsError::Code);
        }
    }
    bits.hold(32);
    let value =
        if zeros < limit - error_bits - 1 { zeros << k | bits.take(k) } else { bits.take(error_bits) + 1 };
    Ok((value, bits))
}
