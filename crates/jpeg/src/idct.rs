//! The accurate integer inverse DCT: Loeffler, Ligtenberg and Moschytz with 12 multiplications, in the fixed-point
//! arithmetic of libjpeg's `islow`, whose results decoders are compared with.

use crate::coefficients::{Block, Plane};

/// The samples of a component, filled up to whole blocks.
pub(crate) struct SamplePlane {
    /// Columns and rows that belong to the image.
    pub(crate) size: (usize, usize),
    pub(crate) stride: usize,
    pub(crate) samples: Vec<u16>,
    pub(crate) factors: (usize, usize),
}

impl SamplePlane {
    /// The samples of a row that belong to the image. A row below the last one is the last one.
    pub(crate) fn row(&self, y: usize) -> &[u16] {
        let start = y.min(self.size.1 - 1) * self.stride;
        &self.samples[start..start + self.size.0]
    }
}

/// Bits of the constants.
const CONSTANT_BITS: u32 = 13;

/// sqrt(2) times sines and cosines, and sums of them, times 2 to the power of [`CONSTANT_BITS`].
const C_0_298: i64 = 2446;
const C_0_390: i64 = 3196;
const C_0_541: i64 = 4433;
const C_0_765: i64 = 6270;
const C_0_899: i64 = 7373;
const C_1_175: i64 = 9633;
const C_1_501: i64 = 12299;
const C_1_847: i64 = 15137;
const C_1_961: i64 = 16069;
const C_2_053: i64 = 16819;
const C_2_562: i64 = 20995;
const C_3_072: i64 = 25172;

/// Dequantizes and transforms all blocks of a component.
pub(crate) fn samples(plane: &Plane, quantization: &[u16; 64], precision: u8) -> SamplePlane {
    let stride = 8 * plane.stride;
    let mut samples = vec![0; 64 * plane.blocks.len()];
    for (band, blocks) in samples.chunks_exact_mut(8 * stride).zip(plane.blocks.chunks_exact(plane.stride)) {
        for (x, block) in blocks.iter().enumerate() {
            transform(block, quantization, precision, &mut band[8 * x..], stride);
        }
    }
    SamplePlane { size: plane.size, stride, samples, factors: plane.factors }
}

fn transform(block: &Block, quantization: &[u16; 64], precision: u8, out: &mut [u16], stride: usize) {
    // More bits are kept between the passes where there is room for them.
    let pass_bits = if precision == 8 { 2 } else { 1 };
    let centre = 1_i64 << (precision - 1);
    let largest = (1_i64 << precision) - 1;
    if block[1..].iter().all(|&value| value == 0) {
        let first = (i64::from(block[0]) * i64::from(quantization[0])) << pass_bits;
        let value = (descale(first, pass_bits + 3) + centre).clamp(0, largest) as u16;
        out.chunks_mut(stride).take(8).for_each(|row| row[..8].fill(value));
        return;
    }
    let mut columns = [0_i64; 64];
    for x in 0..8 {
        let input = std::array::from_fn(|y| i64::from(block[8 * y + x]) * i64::from(quantization[8 * y + x]));
        let output = eight(input);
        for y in 0..8 {
            columns[8 * y + x] = descale(output[y], CONSTANT_BITS - pass_bits);
        }
    }
    for (row, out) in columns.as_chunks::<8>().0.iter().zip(out.chunks_mut(stride)) {
        let output = eight(*row);
        for (value, sample) in output.into_iter().zip(out) {
            *sample = (descale(value, CONSTANT_BITS + pass_bits + 3) + centre).clamp(0, largest) as u16;
        }
    }
}

/// Divides by a power of two, rounding to the nearest.
fn descale(value: i64, bits: u32) -> i64 {
    (value + (1 << (bits - 1))) >> bits
}

/// A one-dimensional inverse DCT; the results are scaled up by the constants.
#[inline(always)]
fn eight(v: [i64; 8]) -> [i64; 8] {
    let z1 = (v[2] + v[6]) * C_0_541;
    let even2 = z1 - v[6] * C_1_847;
    let even3 = z1 + v[2] * C_0_765;
    let even0 = (v[0] + v[4]) << CONSTANT_BITS;
    let even1 = (v[0] - v[4]) << CONSTANT_BITS;
    let even = [even0 + even3, even1 + even2, even1 - even2, even0 - even3];
    let (z1, z2, z3, z4) = (v[7] + v[1], v[5] + v[3], v[7] + v[3], v[5] + v[1]);
    let z5 = (z3 + z4) * C_1_175;
    let (z1, z2) = (-z1 * C_0_899, -z2 * C_2_562);
    let (z3, z4) = (z5 - z3 * C_1_961, z5 - z4 * C_0_390);
    let odd = [
        v[1] * C_1_501 + z1 + z4,
        v[3] * C_3_072 + z2 + z3,
        v[5] * C_2_053 + z2 + z4,
        v[7] * C_0_298 + z1 + z3,
    ];
    [
        even[0] + odd[0],
        even[1] + odd[1],
        even[2] + odd[2],
        even[3] + odd[3],
        even[3] - odd[3],
        even[2] - odd[2],
        even[1] - odd[1],
        even[0] - odd[0],
    ]
}
