//! Two readers of one file: this project's walk over the header, and dicom-object. Where both take a file they must
//! agree on every attribute and on the pixels; what this project alone refuses is refused for what the image is.

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use dicomprep::source::{
    DicomError, DicomFault, ImageHeader, Limits, ModalityTransform, StoredFormat, StoredPixels, StoredValues,
    parse_image,
};

/// The other reader's view; `None` where it refuses the file, or panics over it.
fn theirs(bytes: &[u8]) -> Option<DefaultDicomObject> {
    let read = || OpenFileOptions::new().from_reader(bytes).ok();
    catch_unwind(read).ok().flatten()
}

fn ours(bytes: &[u8]) -> Result<(ImageHeader, StoredValues), DicomError> {
    let mut stored = StoredPixels::default();
    let header = parse_image("a.dcm", bytes, &Limits::default(), &mut stored)?;
    Ok((header, stored.values().clone()))
}

/// What both took, compared: the attributes that differ.
fn differences(header: &ImageHeader, stored: &StoredValues, object: &DefaultDicomObject) -> Vec<String> {
    let mut found = Vec::new();
    let mut expect = |name: &str, equal: bool, detail: String| {
        if !equal {
            found.push(format!("{name}: {detail}"));
        }
    };
    // A value of an unknown representation is bytes to dicom-object.
    let known = |tag: Tag| object.get(tag).filter(|element| element.vr() != VR::UN);
    let whole = |tag: Tag| known(tag).and_then(|element| element.to_int::<i64>().ok());
    let text = |tag: Tag| known(tag).and_then(|element| element.to_str().ok());
    let numbers = |tag: Tag| known(tag).and_then(|element| element.to_multi_float64().ok());

    let sides = [whole(tags::ROWS), whole(tags::COLUMNS)];
    let shape = [header.shape.rows(), header.shape.columns()].map(|side| Some(side as i64));
    expect("Rows, Columns", shape == sides, format!("{shape:?} {sides:?}"));
    if let StoredFormat::Integer { bits_allocated, bits_stored, high_bit, signed } = header.stored {
        let mine =
            [bits_allocated, bits_stored, high_bit, u16::from(signed)].map(|bits| Some(i64::from(bits)));
        let other = [tags::BITS_ALLOCATED, tags::BITS_STORED, tags::HIGH_BIT, tags::PIXEL_REPRESENTATION];
        // What may be absent has a default.
        let other = other.map(whole);
        let equal = mine.iter().zip(&other).all(|(mine, other)| other.is_none() || mine == other);
        expect("bits", equal, format!("{mine:?} {other:?}"));
    }
    let photometric = text(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default().into_owned();
    expect("Photometric", header.inverted == (photometric.trim() == "MONOCHROME1"), photometric);
    if let Some(number) = header.instance_number {
        let other = whole(tags::INSTANCE_NUMBER);
        expect(
            "Instance Number",
            other.is_none_or(|other| other == i64::from(number)),
            format!("{number} {other:?}"),
        );
    }
    if let ModalityTransform::Linear { slope, intercept } = header.modality {
        for (name, tag, mine, default) in [
            ("slope", tags::RESCALE_SLOPE, slope, 1.0),
            ("intercept", tags::RESCALE_INTERCEPT, intercept, 0.0),
        ] {
            let other = numbers(tag).and_then(|all| all.first().copied());
            let in_groups = object.get(tag).is_none();
            expect(name, in_groups || other.unwrap_or(default) == mine, format!("{mine} {other:?}"));
        }
    }
    let geometry = &header.geometry;
    let spacing = geometry.pixel_spacing;
    let window = geometry.window.map(f64::from);
    let rows = [
        ("Pixel Spacing", tags::PIXEL_SPACING, &spacing[..]),
        ("Image Position", tags::IMAGE_POSITION_PATIENT, &geometry.image_position[..]),
        ("Image Orientation", tags::IMAGE_ORIENTATION_PATIENT, &geometry.image_orientation[..]),
        ("Window Center", tags::WINDOW_CENTER, &window[..1]),
        ("Window Width", tags::WINDOW_WIDTH, &window[1..]),
    ];
    for (name, tag, mine) in rows {
        let Some(other) = numbers(tag) else { continue };
        let close =
            |(mine, other): (&f64, &f64)| mine.is_nan() || f64::from(*other as f32) == *mine || other == mine;
        expect(name, mine.iter().zip(&other).all(close), format!("{mine:?} {other:?}"));
    }
    if let (Some(bytes), Some(mine)) = (native_pixels(object), le_bytes(stored))
        // Planes of colours are brought to pixels.
        && header.channels() == 1
        // Other bits than the stored ones are no value, and are cleared by one reader only.
        && matches!(header.stored, StoredFormat::Integer { bits_allocated, bits_stored, .. } if bits_allocated == bits_stored)
    {
        expect("Pixel Data", bytes.starts_with(&mine), format!("{} bytes", mine.len()));
    }
    found
}

/// Pixel Data where it stands as it is, little endian.
fn native_pixels(object: &DefaultDicomObject) -> Option<Vec<u8>> {
    let syntax = object.meta().transfer_syntax();
    let native = ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"].contains(&syntax);
    let element =
        object.get(tags::PIXEL_DATA).filter(|pixels| native && [VR::OW, VR::OB].contains(&pixels.vr()))?;
    element.to_bytes().ok().map(|bytes| bytes.into_owned())
}

fn le_bytes(values: &StoredValues) -> Option<Vec<u8>> {
    Some(match values {
        StoredValues::UInt8(v) => v.clone(),
        StoredValues::Int8(v) => v.iter().map(|&x| x as u8).collect(),
        StoredValues::UInt16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        StoredValues::Int16(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        StoredValues::UInt32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        StoredValues::Int32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        StoredValues::Float32(_) | StoredValues::Float64(_) => return None,
    })
}

/// Every file below `folder`, sorted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The files there are: the project's own, and where the folder of test data is there, every twentieth image of a study
/// and one of every kind.
fn all_files() -> Vec<PathBuf> {
    let mut all = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/final_data/dicoms"));
    match crate::common::shared_data() {
        Some(data) => {
            all.extend(files(&data.join("dicom-variety")));
            all.extend(files(&data.join("sunnybrook/final_data/dicoms")).into_iter().step_by(20));
        }
        None => eprintln!("skipped in part: no data folder"),
    }
    all.retain(|path| path.extension().is_none_or(|extension| extension != "json"));
    all
}

/// Whether a refusal is about what the image is, and not about how the file is written.
fn is_about_the_image(error: &DicomError) -> bool {
    !matches!(
        error.fault,
        DicomFault::NotDicom
            | DicomFault::Cut { .. }
            | DicomFault::Length { .. }
            | DicomFault::NotAnItem { .. }
    )
}

#[test]
fn every_file_there_is_reads_alike() {
    let (mut both, mut refused) = (0, 0);
    for path in all_files() {
        let bytes = fs::read(&path).unwrap();
        match (ours(&bytes), theirs(&bytes)) {
            (Ok((header, stored)), Some(object)) => {
                assert_eq!(differences(&header, &stored, &object), [""; 0], "{}", path.display());
                both += 1;
            }
            // dicom-object asks for the preamble and its prefix (PS3.10 7.1); data sets of before 1996 have none.
            (Ok(_), None) if bytes.get(128..132) != Some(b"DICM") => refused += 1,
            (Ok(_), None) => panic!("{}: dicom-object refuses it", path.display()),
            (Err(error), Some(_)) => assert!(is_about_the_image(&error), "{}: {error}", path.display()),
            (Err(_), None) => refused += 1,
        }
    }
    assert!(both >= 40 && refused < both, "{both} files were compared, {refused} refused by both");
}

#[test]
fn a_changed_byte_of_a_header_is_read_alike_or_refused() {
    let (mut both, mut only_ours) = (0, 0);
    let small = |path: &PathBuf| fs::metadata(path).unwrap().len() < 45_000;
    let mut bases: Vec<PathBuf> = all_files().into_iter().filter(small).collect();
    // One of each folder of equal files is enough.
    bases.dedup_by_key(|path| path.parent().filter(|_| path.ends_with("1.dcm")).map(Path::to_owned));
    let bases =
        bases.iter().filter(|path| !path.to_string_lossy().contains("SYN") || path.ends_with("1.dcm"));
    for path in bases {
        let bytes = fs::read(path).unwrap();
        let is_pixels = |window: &[u8]| window == [0xE0, 0x7F, 0x10, 0x00];
        let Some(pixels) = bytes.windows(4).rposition(is_pixels).filter(|_| ours(&bytes).is_ok()) else {
            continue;
        };
        for at in (0..pixels.min(4000) + 12).step_by(37) {
            for change in [0x01, 0x80] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                // dicom-object asks for as much memory as a length claims, so it is asked last.
                let Ok((header, stored)) = ours(&changed) else { continue };
                let Some(object) = theirs(&changed) else {
                    only_ours += 1;
                    continue;
                };
                let found = differences(&header, &stored, &object);
                assert_eq!(found, [""; 0], "{}, byte {at} ^ {change:#x}", path.display());
                both += 1;
            }
        }
    }
    // It insists on the length of the meta group, and on representations that it knows.
    assert!(both > 50 && only_ours < both, "{both} were compared, {only_ours} are refused by dicom-object");
}
