//! Upsampling of subsampled components: triangle filters for a factor of two, as libjpeg's "fancy upsampling", and
//! repetition for others.

use crate::header::Header;
use crate::idct::SamplePlane;

/// Writes the samples of all components, pixel by pixel.
pub(crate) fn interleave(header: &Header, planes: &[SamplePlane], samples: &mut Vec<u16>) {
    let (rows, columns) = (usize::from(header.rows), usize::from(header.columns));
    let factors = header.largest_factors();
    samples.clear();
    if let [plane] = planes {
        samples.reserve(rows * columns);
        (0..rows).for_each(|y| samples.extend_from_slice(&plane.row(y)[..columns]));
        return;
    }
    samples.resize(header.samples(), 0);
    let mut row = Vec::new();
    let mut sums = Vec::new();
    for (y, out) in samples.chunks_exact_mut(columns * planes.len()).enumerate() {
        for (c, plane) in planes.iter().enumerate() {
            row.clear();
            upsample_row(plane, factors, y, &mut sums, &mut row);
            out.iter_mut()
                .skip(c)
                .step_by(planes.len())
                .zip(&row)
                .for_each(|(sample, &value)| *sample = value);
        }
    }
}

/// Row `y` of the image of one component, at least as long as the image.
fn upsample_row(
    plane: &SamplePlane,
    factors: (usize, usize),
    y: usize,
    sums: &mut Vec<u32>,
    out: &mut Vec<u16>,
) {
    let (across, down) = (factors.0 / plane.factors.0, factors.1 / plane.factors.1);
    let here = plane.row(y / down);
    // A plane of one or two columns is repeated, as in libjpeg.
    let is_wide = plane.size.0 > 2;
    let next_to =
        || if y.is_multiple_of(2) { plane.row((y / 2).saturating_sub(1)) } else { plane.row(y / 2 + 1) };
    match (across, down) {
        (1, 1) => out.extend_from_slice(here),
        (2, 1) if is_wide => {
            sums.clear();
            sums.extend(here.iter().map(|&value| u32::from(value)));
            double(sums, 2, [1, 2], out);
        }
        (1, 2) => {
            // Odd and even rows are rounded differently, so that no brightness is added in all.
            let bias = if y.is_multiple_of(2) { 1 } else { 2 };
            let sum = |(&a, &b): (&u16, &u16)| ((3 * u32::from(a) + u32::from(b) + bias) >> 2) as u16;
            out.extend(here.iter().zip(next_to()).map(sum));
        }
        (2, 2) if is_wide => {
            sums.clear();
            sums.extend(here.iter().zip(next_to()).map(|(&a, &b)| 3 * u32::from(a) + u32::from(b)));
            double(sums, 4, [8, 7], out);
        }
        _ => here.iter().for_each(|&value| out.extend(std::iter::repeat_n(value, across))),
    }
}

/// Doubles a row: each sample is three quarters of the nearer one and one of the farther one. The results are shifted
/// down by `bits`, after adding `rounding` of the left and of the right one of a pair.
fn double(sums: &[u32], bits: u32, rounding: [u32; 2], out: &mut Vec<u16>) {
    let last = sums.len() - 1;
    for (x, &sum) in sums.iter().enumerate() {
        let before = if x == 0 { sum } else { sums[x - 1] };
        let after = if x == last { sum } else { sums[x + 1] };
        out.push(((3 * sum + before + rounding[0]) >> bits) as u16);
        out.push(((3 * sum + after + rounding[1]) >> bits) as u16);
    }
}
