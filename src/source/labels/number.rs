//! Numbers of a volume file: their type and byte order, and the labels that they stand for.

use std::io::{ErrorKind, Read};

use super::LabelFault;
use super::values::LabelValues;

/// A number type of a volume file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberType {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

/// A number type with its byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NumberFormat {
    pub(super) kind: NumberType,
    pub(super) big_endian: bool,
}

/// A linear map of stored numbers, `slope × stored + intercept`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct LinearMap {
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

/// Numbers are converted in blocks of so many bytes, a multiple of every number's.
const BLOCK: usize = 64 << 10;

impl NumberType {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// A stored number.
#[derive(Debug, Clone, Copy)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl NumberFormat {
    /// Reads `count` numbers as labels. `limit` bounds the memory that they take.
    ///
    /// Each must be a whole number once it is scaled. The step of a scaling that a writer chose by itself makes labels
    /// inexact by up to half of it; these are rounded.
    pub(super) fn read_labels(
        self,
        source: &mut impl Read,
        count: usize,
        scaling: Option<LinearMap>,
        limit: u64,
    ) -> Result<LabelValues, LabelFault> {
        let size = self.kind.size();
        let needed = (count as u64).saturating_mul(size as u64);
        let mut labels = LabelValues::with_capacity(count, limit)?;
        let mut block = vec![0; BLOCK];
        while labels.len() < count {
            let present = labels.len() as u64 * size as u64;
            let want = BLOCK.min((count - labels.len()) * size);
            let block = &mut block[..want];
            let got = read_most(source, block)?;
            if got < want {
                return Err(LabelFault::Cut { present: present + got as u64, needed });
            }
            if self.kind == NumberType::U8 && scaling.is_none() {
                labels.extend_bytes(block);
                continue;
            }
            for number in block.chunks_exact(size) {
                let label = label(self.number(number), scaling, labels.len())?;
                labels.push(label)?;
            }
        }
        Ok(labels)
    }

    /// The number that `bytes` are; they are as many as the type has.
    fn number(self, bytes: &[u8]) -> Number {
        let mut little = [0; 8];
        little[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            little[..bytes.len()].reverse();
        }
        let [a, b, c, d, ..] = little;
        match self.kind {
            NumberType::U8 => Number::Whole(i64::from(a)),
            NumberType::I8 => Number::Whole(i64::from(a.cast_signed())),
            NumberType::U16 => Number::Whole(i64::from(u16::from_le_bytes([a, b]))),
            NumberType::I16 => Number::Whole(i64::from(i16::from_le_bytes([a, b]))),
            NumberType::U32 => Number::Whole(i64::from(u32::from_le_bytes([a, b, c, d]))),
            NumberType::I32 => Number::Whole(i64::from(i32::from_le_bytes([a, b, c, d]))),
            NumberType::I64 => Number::Whole(i64::from_le_bytes(little)),
            NumberType::U64 => match i64::try_from(u64::from_le_bytes(little)) {
                Ok(whole) => Number::Whole(whole),
                Err(_) => Number::Real(u64::from_le_bytes(little) as f64),
            },
            NumberType::F32 => Number::Real(f64::from(f32::from_le_bytes([a, b, c, d]))),
            NumberType::F64 => Number::Real(f64::from_le_bytes(little)),
        }
    }
}

fn label(number: Number, scaling: Option<LinearMap>, index: usize) -> Result<i64, LabelFault> {
    let (value, slack) = match (number, scaling) {
        (Number::Whole(label), None) => return Ok(label),
        (Number::Real(value), None) => (value, 1e-3),
        (number, Some(LinearMap { slope, intercept })) => {
            let stored = match number {
                Number::Whole(stored) => stored as f64,
                Number::Real(stored) => stored,
            };
            (stored * slope + intercept, (slope.abs() * 0.501).clamp(1e-3, 0.1))
        }
    };
    let whole = value.round();
    // Beyond 2^53 not every whole number is a binary64, and none is a label.
    if (value - whole).abs() <= slack && whole.abs() <= 9_007_199_254_740_992.0 {
        Ok(whole as i64)
    } else {
        Err(LabelFault::NotWhole { index, value })
    }
}

/// Fills `block` from `source` as far as it goes.
fn read_most(source: &mut impl Read, block: &mut [u8]) -> Result<usize, LabelFault> {
    let mut filled = 0;
    while filled < block.len() {
        match source.read(&mut block[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(LabelFault::Damaged { format: "gzip", message: error.to_string() }),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        kind: NumberType,
        big_endian: bool,
        bytes: &[u8],
        scaling: Option<LinearMap>,
    ) -> Result<Vec<i64>, LabelFault> {
        let count = bytes.len() / kind.size();
        let labels = NumberFormat { kind, big_endian }.read_labels(&mut &*bytes, count, scaling, 1 << 10)?;
        Ok((0..count).map(|index| labels.get(index)).collect())
    }

    #[test]
    fn every_number_type_gives_the_same_labels() {
        use NumberType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        let expected = Ok(vec![0, 1, 5, 100]);
        for kind in [U8, I8, U16, I16, U32, I32, U64, I64, F32, F64] {
            for big_endian in [false, true] {
                let number = |label: u8| {
                    let mut bytes = match kind {
                        F32 => f32::from(label).to_le_bytes().to_vec(),
                        F64 => f64::from(label).to_le_bytes().to_vec(),
                        _ => u64::from(label).to_le_bytes()[..kind.size()].to_vec(),
                    };
                    if big_endian {
                        bytes.reverse();
                    }
                    bytes
                };
                let bytes: Vec<u8> = [0, 1, 5, 100].into_iter().flat_map(number).collect();
                assert_eq!(read(kind, big_endian, &bytes, None), expected, "{kind:?}");
            }
        }
        assert_eq!(read(I16, true, &[0xFF, 0xFE], None), Ok(vec![-2]));
        assert_eq!(read(I64, false, &i64::MIN.to_le_bytes(), None), Ok(vec![i64::MIN]));
    }

    #[test]
    fn probabilities_are_no_labels() {
        let halves: Vec<u8> = [0.0_f32, 0.5].iter().flat_map(|v| v.to_le_bytes()).collect();
        let refused = Err(LabelFault::NotWhole { index: 1, value: 0.5 });
        assert_eq!(read(NumberType::F32, false, &halves, None), refused);
        let huge = f64::INFINITY.to_le_bytes();
        assert!(read(NumberType::F64, false, &huge, None).is_err());
        assert!(read(NumberType::U64, false, &u64::MAX.to_le_bytes(), None).is_err());
        assert!(read(NumberType::F32, false, &f32::NAN.to_le_bytes(), None).is_err());
    }

    #[test]
    fn scaled_labels_are_rounded_within_half_a_step() {
        // A writer that fits 0..4 into a byte: 4 / 255 a step, and label 1 becomes 64 steps.
        let scaling = Some(LinearMap { slope: 4.0 / 255.0, intercept: 0.0 });
        assert_eq!(read(NumberType::U8, false, &[0, 64, 128, 191, 255], scaling), Ok(vec![0, 1, 2, 3, 4]));
        assert!(read(NumberType::U8, false, &[70], scaling).is_err());
        let shifted = Some(LinearMap { slope: 2.0, intercept: 1.0 });
        assert_eq!(read(NumberType::I8, false, &[3, 255], shifted), Ok(vec![7, -1]));
    }

    #[test]
    fn too_few_bytes_are_counted() {
        let format = NumberFormat { kind: NumberType::U16, big_endian: false };
        let cut = Err(LabelFault::Cut { present: 3, needed: 8 });
        assert_eq!(format.read_labels(&mut &[1, 0, 2][..], 4, None, 99).map(drop), cut);
    }
}
