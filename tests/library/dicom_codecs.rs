//! Every codec against small frames that independent encoders made: exact values or a refusal, also where
//! the frame is cut, split in fragments or damaged. `golden/codecs/make.py` says how the frames were made.

use std::collections::BTreeSet;

use dicomprep::source::{DicomError, DicomFault, Limits, StoredPixels, StoredValues, parse_image};
use proptest::prelude::*;

const FRAMES: &str = include_str!("../golden/codecs/frames.txt");
const ROWS: u16 = 13;
const COLUMNS: u16 = 11;

/// One line of the file of frames.
#[derive(Clone)]
struct Case {
    name: &'static str,
    syntax: &'static str,
    allocated: u16,
    stored: u16,
    signed: bool,
    /// How far a value may be from the one expected.
    tolerance: i64,
    /// `None` where the frame is to be refused.
    expected: Option<Vec<i64>>,
    frame: Vec<u8>,
}

fn cases() -> Vec<Case> {
    FRAMES.lines().map(case).collect()
}

fn case(line: &'static str) -> Case {
    let fields: Vec<&str> = line.split(' ').collect();
    let &[name, syntax, allocated, stored, signed, tolerance, expected, frame] = &fields[..] else {
        panic!("not a case: {line}");
    };
    let (allocated, stored) = (allocated.parse().unwrap(), stored.parse().unwrap());
    let signed = signed == "1";
    let expected = match expected {
        "refused" => None,
        "formula" => Some(formula(stored, signed)),
        listed if allocated == 8 => Some(hex(listed).into_iter().map(i64::from).collect()),
        listed => {
            let bytes = hex(listed);
            Some(bytes.chunks(2).map(|pair| i64::from(pair[0]) | i64::from(pair[1]) << 8).collect())
        }
    };
    let tolerance = tolerance.parse().unwrap();
    Case { name, syntax, allocated, stored, signed, tolerance, expected, frame: hex(frame) }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The image that the encoders were given.
fn formula(bits: u16, signed: bool) -> Vec<i64> {
    let value = |index: i64| {
        let (row, column) = (index / i64::from(COLUMNS), index % i64::from(COLUMNS));
        let value = (row * row * 2_654_435_761 + column * 40_503 + row * column * 977) % (1 << bits);
        if signed && value >> (bits - 1) == 1 { value - (1 << bits) } else { value }
    };
    (0..i64::from(ROWS) * i64::from(COLUMNS)).map(value).collect()
}

impl Case {
    /// A file with the fragments as they are; `table` is the Basic Offset Table.
    fn file(&self, table: &[u8], fragments: &[&[u8]]) -> Vec<u8> {
        let mut file = [&[0; 128][..], b"DICM"].concat();
        let padding = if self.syntax.len() % 2 == 1 { "\0" } else { "" };
        element(&mut file, 0x0002_0010, *b"UI", format!("{}{padding}", self.syntax).as_bytes());
        element(&mut file, 0x0028_0002, *b"US", &[1, 0]);
        element(&mut file, 0x0028_0004, *b"CS", b"MONOCHROME2 ");
        let numbers = [
            (0x0010, ROWS),
            (0x0011, COLUMNS),
            (0x0100, self.allocated),
            (0x0101, self.stored),
            (0x0102, self.stored - 1),
            (0x0103, self.signed.into()),
        ];
        for (tag, number) in numbers {
            element(&mut file, 0x0028_0000 | tag, *b"US", &number.to_le_bytes());
        }
        file.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
        for fragment in std::iter::once(&table).chain(fragments) {
            file.extend([0xFE, 0xFF, 0x00, 0xE0]);
            file.extend((fragment.len() as u32).to_le_bytes());
            file.extend(*fragment);
        }
        file.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        file
    }

    /// Whether the values are the ones expected.
    fn holds(&self, values: &[i64]) -> bool {
        let expected = self.expected.as_ref().unwrap();
        let near = |(&value, &expected): (&i64, &i64)| (value - expected).abs() <= self.tolerance;
        values.len() == expected.len() && values.iter().zip(expected).all(near)
    }
}

fn element(file: &mut Vec<u8>, tag: u32, vr: [u8; 2], value: &[u8]) {
    file.extend(((tag >> 16) as u16).to_le_bytes());
    file.extend((tag as u16).to_le_bytes());
    file.extend(vr);
    file.extend((value.len() as u16).to_le_bytes());
    file.extend(value);
}

fn decoded(file: &[u8]) -> Result<Vec<i64>, DicomError> {
    fn wide<T: Copy + Into<i64>>(values: &[T]) -> Vec<i64> {
        values.iter().map(|&value| value.into()).collect()
    }
    let mut stored = StoredPixels::default();
    parse_image("a.dcm", file, &Limits::default(), &mut stored)?;
    Ok(match stored.values() {
        StoredValues::UInt8(values) => wide(values),
        StoredValues::Int8(values) => wide(values),
        StoredValues::UInt16(values) => wide(values),
        StoredValues::Int16(values) => wide(values),
        StoredValues::UInt32(values) => wide(values),
        StoredValues::Int32(values) => wide(values),
        StoredValues::Float32(_) | StoredValues::Float64(_) => panic!("these are integers"),
    })
}

#[test]
fn each_frame_gives_its_values_or_is_refused() {
    let cases = cases();
    for case in &cases {
        let result = decoded(&case.file(&[], &[&case.frame]));
        match &case.expected {
            Some(expected) => {
                let values = result.unwrap();
                assert!(case.holds(&values), "{}: {values:?} instead of {expected:?}", case.name);
            }
            None => {
                let fault = result.unwrap_err().fault;
                assert!(matches!(fault, DicomFault::Unsupported { .. }), "{}: {fault}", case.name);
            }
        }
    }
    let syntaxes: BTreeSet<&str> = cases.iter().map(|case| case.syntax).collect();
    assert_eq!((cases.len(), syntaxes.len()), (48, 18));
}

#[test]
fn fragments_are_joined_wherever_they_are_split() {
    for case in cases().iter().filter(|case| case.expected.is_some()) {
        for at in [1, 2, 3, case.frame.len() / 2, case.frame.len() - 1] {
            let (first, rest) = case.frame.split_at(at);
            let (second, third) = rest.split_at(rest.len() / 2);
            let values = decoded(&case.file(&[0; 4], &[first, second, &[], third])).unwrap();
            assert!(case.holds(&values), "{} split at {at}", case.name);
        }
    }
}

#[test]
fn a_frame_cut_anywhere_is_refused() {
    for case in cases().iter().filter(|case| case.expected.is_some()) {
        let mut accepted = 0;
        for cut in 0..case.frame.len() {
            if let Ok(values) = decoded(&case.file(&[], &[&case.frame[..cut]])) {
                assert!(case.holds(&values), "{} cut at {cut} of {}", case.name, case.frame.len());
                accepted += 1;
            }
        }
        // What makes the length even may be missing, and of JPEG the end marker.
        let most = if case.name.starts_with("jpeg") { 4 } else { 2 };
        assert!(accepted <= most, "{}: {accepted} cuts are accepted", case.name);
    }
}

#[test]
fn a_jpeg_scan_that_ends_early_is_refused_although_it_has_an_end_marker() {
    for case in cases().iter().filter(|case| case.name.starts_with("jpeg-") && case.expected.is_some()) {
        for missing in [8, 20, 40] {
            let kept = &case.frame[..case.frame.len() - missing];
            let closed = [kept, &[0xFF, 0xD9]].concat();
            let fault = decoded(&case.file(&[], &[&closed])).unwrap_err().fault;
            assert!(matches!(fault, DicomFault::Codestream { .. }), "{}: {fault}", case.name);
        }
    }
}

#[test]
fn a_frame_of_another_size_or_kind_is_refused() {
    for case in cases().iter().filter(|case| case.expected.is_some()) {
        let mut file = case.file(&[], &[&case.frame]);
        let columns = [0x28, 0, 0x11, 0, b'U', b'S', 2, 0];
        let at = file.windows(columns.len()).position(|window| window == columns).unwrap() + columns.len();
        for other in [COLUMNS - 1, COLUMNS + 1, 60_000] {
            file[at..at + 2].copy_from_slice(&other.to_le_bytes());
            // Bytes of run lengths do not say how long a row is, only that there are too few.
            let narrower_rle = case.name.starts_with("rle") && other < COLUMNS;
            assert!(narrower_rle || decoded(&file).is_err(), "{} with {other} columns", case.name);
        }
        let signed = Case { signed: true, ..case.clone() };
        if case.name.starts_with("jpegxl") {
            let fault = decoded(&signed.file(&[], &[&case.frame])).unwrap_err().fault;
            assert!(matches!(fault, DicomFault::Unsupported { .. }), "{}: {fault}", case.name);
        }
        if case.signed && (case.name.contains("2000") || case.name.starts_with("htj2k")) {
            let unsigned = Case { signed: false, ..case.clone() };
            let read = decoded(&unsigned.file(&[], &[&case.frame]));
            let bits = |value: &i64| value & ((1 << case.stored) - 1);
            let expected = case.expected.clone().unwrap().iter().map(bits).collect();
            let is_whole = case.stored == case.allocated;
            assert_eq!(read.ok(), is_whole.then_some(expected), "{}", case.name);
        }
    }
}

#[test]
fn extensions_of_jpeg_2000_part_2_are_refused() {
    let mut case = cases().into_iter().find(|case| case.name == "jpeg2000-part2").unwrap();
    case.frame[6] |= 0x80;
    let error = decoded(&case.file(&[], &[&case.frame])).unwrap_err().to_string();
    assert!(error.contains("part 2"), "{error}");
}

#[test]
fn lossy_values_beyond_bits_stored_are_clamped_and_told() {
    let mut clamped = 0;
    for case in cases().iter().filter(|case| case.stored == 12 && case.expected.is_some()) {
        let narrow = Case { stored: 10, ..case.clone() };
        let file = narrow.file(&[], &[&case.frame]);
        let mut stored = StoredPixels::default();
        let header = parse_image("a.dcm", &file, &Limits::default(), &mut stored).unwrap();
        if !header.transfer_syntax.is_lossless() {
            let largest = decoded(&file).unwrap().into_iter().max();
            assert_eq!(largest, Some(1023), "{}", case.name);
            assert!(stored.leniencies().contains(&dicomprep::source::Leniency::Overshoot), "{}", case.name);
            clamped += 1;
        }
    }
    assert!(clamped > 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_frames_never_panic(
        which in any::<prop::sample::Index>(),
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let cases = cases();
        let case = which.get(&cases);
        let mut frame = case.frame.clone();
        for (at, value) in flips {
            let at = at.index(frame.len());
            frame[at] = value;
        }
        if let Ok(values) = decoded(&case.file(&[], &[&frame])) {
            prop_assert_eq!(values.len(), usize::from(ROWS) * usize::from(COLUMNS));
        }
    }
}
