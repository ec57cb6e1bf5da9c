//! The lossless process (T.81 annex H).

use dicomprep_widest::with_widest;

use crate::bits::BitReader;
use crate::error::JpegError;
use crate::header::Header;
use crate::lossless_table::DifferenceTable;
use crate::scan::ScanHeader;
use crate::segments::Definitions;

/// An image of the lossless process whose scans are being decoded.
pub(crate) struct LosslessImage {
    rows: usize,
    columns: usize,
    precision: u8,
    /// Per component: its scan has been decoded.
    done: Vec<bool>,
}

impl LosslessImage {
    pub(crate) fn new(frame: &Header, samples: &mut Vec<u16>) -> Result<Self, JpegError> {
        let first = &frame.components[0];
        let sampling = |component: &crate::header::Component| (component.horizontal, component.vertical);
        if frame.components.iter().any(|component| sampling(component) != sampling(first))
            || frame.components.len() > 1 && sampling(first) != (1, 1)
        {
            return Err(JpegError::Unsupported { what: "subsampling of a lossless image".to_owned() });
        }
        samples.clear();
        samples.resize(frame.samples(), 0);
        Ok(Self {
            rows: frame.rows.into(),
            columns: frame.columns.into(),
            precision: frame.precision,
            done: vec![false; frame.components.len()],
        })
    }

    /// Decodes the scan whose data `bits` begins with. Returns where it ends.
    pub(crate) fn scan(
        &mut self,
        definitions: &Definitions,
        scan: &ScanHeader,
        mut bits: BitReader<'_>,
        samples: &mut [u16],
    ) -> Result<usize, JpegError> {
        let damaged = JpegError::Segment { segment: "SOS" };
        if !(1..=7).contains(&scan.start) || scan.low >= self.precision {
            return Err(damaged);
        }
        let rows_of_interval = match definitions.restart as usize {
            0 => self.rows,
            restart if restart.is_multiple_of(self.columns) => restart / self.columns,
            _ => {
                return Err(JpegError::Unsupported {
                    what: "a restart within a row of a lossless image".to_owned(),
                });
            }
        };
        let mut tables = Vec::with_capacity(scan.components.len());
        for component in &scan.components {
            if std::mem::replace(&mut self.done[component.index], true) {
                return Err(damaged);
            }
            let table =
                definitions.dc[component.dc].as_ref().ok_or(JpegError::NoTable { table: "Huffman" })?;
            tables.push(DifferenceTable::new(table));
        }
        let plan = Scan {
            rows: self.rows,
            columns: self.columns,
            rows_of_interval,
            predictor: scan.start,
            first: 1 << (self.precision - scan.low - 1),
            tables: &tables,
        };
        let count = self.done.len();
        if tables.len() == count {
            plan.decode_all(&mut bits, samples)?;
            shift(samples.iter_mut(), scan.low);
        } else {
            // Some of the components: decoded by themselves, then put between the others.
            let mut own = vec![0; self.rows * self.columns * tables.len()];
            plan.decode_all(&mut bits, &mut own)?;
            for (place, component) in scan.components.iter().enumerate() {
                let values = own.iter().skip(place).step_by(tables.len());
                let to = samples.iter_mut().skip(component.index).step_by(count);
                to.zip(values).for_each(|(sample, &value)| *sample = value << scan.low);
            }
        }
        bits.finish()
    }

    pub(crate) fn finish(self) -> Result<(), JpegError> {
        if self.done.into_iter().all(|done| done) { Ok(()) } else { Err(JpegError::Missing) }
    }
}

/// Undoes the point transform (T.81 H.1.2).
fn shift<'a>(samples: impl Iterator<Item = &'a mut u16>, bits: u8) {
    if bits > 0 {
        samples.for_each(|sample| *sample <<= bits);
    }
}

struct Scan<'a> {
    rows: usize,
    columns: usize,
    rows_of_interval: usize,
    /// Selection value, 1 to 7 (T.81 table H.1).
    predictor: u8,
    /// The prediction of the first sample of an interval.
    first: u16,
    tables: &'a [DifferenceTable],
}

impl Scan<'_> {
    fn decode_all(&self, bits: &mut BitReader<'_>, samples: &mut [u16]) -> Result<(), JpegError> {
        // Newer processors shift by any amount in one step.
        with_widest(
            #[inline(always)]
            || match self.tables {
                [a] => self.decode([a], bits, samples),
                [a, b] => self.decode([a, b], bits, samples),
                [a, b, c] => self.decode([a, b, c], bits, samples),
                [a, b, c, d] => self.decode([a, b, c, d], bits, samples),
                _ => Err(JpegError::Segment { segment: "SOS" }),
            },
        )
    }

    /// Decodes `N` interleaved components.
    #[inline(always)]
    fn decode<const N: usize>(
        &self,
        tables: [&DifferenceTable; N],
        bits: &mut BitReader<'_>,
        samples: &mut [u16],
    ) -> Result<(), JpegError> {
        let width = self.columns * N;
        let mut restarts = 0_u8;
        for y in 0..self.rows {
            let (before, rest) = samples.split_at_mut(y * width);
            let row = &mut rest[..width];
            let starts = y % self.rows_of_interval == 0;
            if starts && y > 0 {
                bits.restart(restarts)?;
                restarts = (restarts + 1) % 8;
            }
            if starts {
                // Only the sample to the left is used, whatever the predictor (T.81 H.1.2.1).
                let mut left = [self.first; N];
                decode_row(&tables, bits, &mut left, row);
            } else {
                self.decode_below(&tables, bits, &before[(y - 1) * width..], row);
            }
            bits.check()?;
        }
        debug_assert_eq!(self.rows * width, samples.len());
        Ok(())
    }

    /// Decodes a row that has one above it, of the same interval.
    #[inline(always)]
    fn decode_below<const N: usize>(
        &self,
        tables: &[&DifferenceTable; N],
        bits: &mut BitReader<'_>,
        above: &[u16],
        row: &mut [u16],
    ) {
        match self.predictor {
            1 => {
                let mut left = [0; N];
                left.copy_from_slice(&above[..N]);
                decode_row(tables, bits, &mut left, row);
            }
            2 => predict_row(tables, bits, above, row, |_, b, _| b),
            3 => predict_row(tables, bits, above, row, |_, _, c| c),
            4 => predict_row(tables, bits, above, row, |a, b, c| a + b - c),
            5 => predict_row(tables, bits, above, row, |a, b, c| a + ((b - c) >> 1)),
            6 => predict_row(tables, bits, above, row, |a, b, c| b + ((a - c) >> 1)),
            _ => predict_row(tables, bits, above, row, |a, b, _| (a + b) >> 1),
        }
    }
}

/// A row that is predicted from the left; `left` predicts its first samples.
#[inline(always)]
fn decode_row<const N: usize>(
    tables: &[&DifferenceTable; N],
    bits: &mut BitReader<'_>,
    left: &mut [u16; N],
    row: &mut [u16],
) {
    // A copy stays in registers.
    let mut here = *bits;
    for pixel in row.as_chunks_mut::<N>().0 {
        for ((sample, left), table) in pixel.iter_mut().zip(left.iter_mut()).zip(tables) {
            *left = left.wrapping_add(table.decode(&mut here));
            *sample = *left;
        }
    }
    *bits = here;
}

/// A row whose first samples are predicted from above, the others by `predict` from the left, above and above left.
#[inline(always)]
fn predict_row<const N: usize>(
    tables: &[&DifferenceTable; N],
    bits: &mut BitReader<'_>,
    above: &[u16],
    row: &mut [u16],
    predict: impl Fn(i32, i32, i32) -> i32,
) {
    let mut here = *bits;
    let mut left = [0_u16; N];
    let mut above_left = [0_u16; N];
    let mut pixels = row.as_chunks_mut::<N>().0.iter_mut().zip(above.as_chunks::<N>().0);
    if let Some((pixel, above)) = pixels.next() {
        for c in 0..N {
            pixel[c] = above[c].wrapping_add(tables[c].decode(&mut here));
        }
        (left, above_left) = (*pixel, *above);
    }
    for (pixel, above) in pixels {
        for c in 0..N {
            let prediction = predict(left[c].into(), above[c].into(), above_left[c].into());
            left[c] = (prediction as u16).wrapping_add(tables[c].decode(&mut here));
        }
        *pixel = left;
        above_left = *above;
    }
    *bits = here;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

    use proptest::prelude::*;

    use crate::test_encoder::Lossless;
    use crate::{JpegError, decode, read_header};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_was_encoded_is_decoded(
            rows in 1_u16..12,
            columns in 1_u16..12,
            components in 1_usize..4,
            predictor in 1_u8..8,
            precision in 2_u8..17,
            point_transform in 0_u8..3,
            restart_rows in 0_u16..4,
            noise in proptest::collection::vec(any::<u16>(), 12 * 12 * 4),
        ) {
            let point_transform = point_transform.min(precision - 1);
            let image = Lossless { rows, columns, components, predictor, precision, point_transform, restart_rows };
            let count = usize::from(rows) * usize::from(columns) * components;
            let mask = (0xFFFF >> (16 - precision)) & !((1_u32 << point_transform) - 1) as u16;
            let samples: Vec<u16> = noise[..count].iter().map(|value| value & mask).collect();
            let stream = image.encode(&samples);
            let header = read_header(&stream).unwrap();
            prop_assert_eq!((header.rows, header.columns, header.precision), (rows, columns, precision));
            let mut decoded = vec![1; 3];
            prop_assert!(decode(&stream, &mut decoded).unwrap().has_end);
            prop_assert_eq!(&decoded, &samples);
            // Without the end marker, and with what fills a fragment.
            for padding in [&[][..], &[0], b"  "] {
                let cut = [&stream[..stream.len() - 2], padding].concat();
                prop_assert!(!decode(&cut, &mut decoded).unwrap().has_end);
                prop_assert_eq!(&decoded, &samples);
            }
        }
    }

    fn stream() -> (Vec<u8>, Vec<u16>) {
        let image = Lossless {
            rows: 16,
            columns: 16,
            components: 1,
            predictor: 4,
            precision: 12,
            point_transform: 0,
            restart_rows: 4,
        };
        let samples: Vec<u16> = (0..256_u32).map(|i| (i * i % 3989) as u16).collect();
        (image.encode(&samples), samples)
    }

    #[test]
    fn missing_and_left_over_data_are_refused() {
        let (stream, _) = stream();
        let mut out = Vec::new();
        let body = &stream[..stream.len() - 2];
        assert_eq!(decode(&body[..body.len() - 4], &mut out), Err(JpegError::Missing));
        let more = [body, &[0x55, 0x55, 0xFF, 0xD9]].concat();
        assert_eq!(decode(&more, &mut out), Err(JpegError::LeftOver));
        let marker = stream.windows(2).position(|pair| pair == [0xFF, 0xD1]).unwrap();
        let mut other = stream.clone();
        other[marker + 1] = 0xD2;
        assert_eq!(decode(&other, &mut out), Err(JpegError::Restart));
    }

    #[test]
    fn an_image_that_the_stream_has_no_bits_for_takes_no_memory() {
        let (mut stream, _) = stream();
        let frame = stream.windows(2).position(|pair| pair == [0xFF, 0xC3]).unwrap();
        stream[frame + 5..frame + 9].fill(0xFF);
        let mut out = Vec::new();
        assert!(matches!(decode(&stream, &mut out), Err(JpegError::Implausible { .. })));
        assert_eq!(out.capacity(), 0);
    }

    #[test]
    fn damage_never_panics() {
        let (stream, _) = stream();
        let mut out = Vec::new();
        for at in 0..stream.len() {
            for flip in [1, 0x10, 0x80, 0xFF] {
                let mut damaged = stream.clone();
                damaged[at] ^= flip;
                if decode(&damaged, &mut out).is_ok() {
                    assert!(!out.is_empty());
                }
            }
            assert!(at + 2 >= stream.len() || decode(&stream[..at], &mut out).is_err());
        }
    }
}
