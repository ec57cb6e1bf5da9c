//! Public DICOM files of many kinds: each gives exactly the stored values that pydicom gives, or is refused
//! with an error that names it. And the real images of a study: each gives the bytes at its end.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use dicomprep::source::{
    ColorSpace, DicomError, ImageHeader, Limits, StoredPixels, StoredValues, parse_header, parse_image,
};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Files that must decode: single-frame monochrome images in a supported transfer syntax.
const MUST_DECODE: &[&str] = &[
    "3023",
    "4467",
    "4648",
    "4950",
    "6924",
    "693_J2KR.dcm",
    "693_UNCR.dcm",
    "CT_small.dcm",
    "HTJ2KLossless_08_RGB.dcm",
    "J2K_pixelrep_mismatch.dcm",
    "JPEG-LL.dcm",
    "JPEG2000.dcm",
    "JPEGLSNearLossless_16.dcm",
    "JPGExtended.dcm",
    "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "MR_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "OBXXXX1A.dcm",
    "OT-PAL-8-face.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+n2.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
    "SC_rgb_dcmtk_+eb+cy+s2.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_rle_32bit.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "bad_sequence.dcm",
    "chrArab.dcm",
    "chrFrenMulti.dcm",
    "chrH31.dcm",
    "chrHbrw.dcm",
    "color-pl.dcm",
    "examples_jpeg2k.dcm",
    "examples_overlay.dcm",
    "explicit_VR-UN.dcm",
    "gdcm-US-ALOKA-16_big.dcm",
    "image_dfl.dcm",
    "parametric_map_double_float.dcm",
    "parametric_map_float.dcm",
    "vlut_04.dcm",
];

/// Lossy files for which the list has the values of a decoder that rounds otherwise, with those of GDCM and of libjpeg's
/// accurate integer transform: the list is within 1 of them.
const OTHERWISE_ROUNDED: &[(&str, &str)] = &[("JPGExtended.dcm", "d30242775a414c01")];

/// Lossy colour files for which the list has the values of a decoder that rounds otherwise.
const LOSSY_COLOR: &[&str] = &[
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+np.dcm",
];

#[test]
fn each_file_gives_the_expected_values_or_is_refused() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("dicom-variety")) else {
        eprintln!("skipped: no data folder");
        return;
    };
    let expected = fs::read(folder.join("expected_images.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_slice(&expected).unwrap();
    let mut decoded = BTreeSet::new();
    for (file, expected) in &expected {
        let bytes = fs::read(folder.join(file)).unwrap();
        let mut stored = StoredPixels::default();
        let result = parse_image(file, &bytes, &Limits::default(), &mut stored);
        check_prefixes(file, &bytes, &result);
        match result {
            Ok(header) => {
                decoded.insert(name(file));
                let (dtype, digest) = dtype_and_digest(stored.values());
                if expected.get("sha256").is_none() {
                    // The reader that made the list refuses the file.
                    continue;
                }
                let mut shape = vec![header.shape.rows(), header.shape.columns()];
                // An index into a palette is one value.
                if !matches!(header.color, None | Some(ColorSpace::Palette(_))) {
                    shape.push(header.channels());
                }
                assert_eq!(expected["dtype"], dtype, "{file}");
                assert_eq!(expected["shape"], serde_json::json!(shape), "{file}");
                if LOSSY_COLOR.contains(&name(file)) {
                    continue;
                }
                let rounded = OTHERWISE_ROUNDED.iter().find(|(other, _)| *other == name(file));
                match rounded {
                    Some((_, expected)) => assert_eq!(*expected, digest, "{file}"),
                    None => assert_eq!(expected["sha256"], digest, "{file}"),
                }
            }
            Err(error) => {
                assert!(error.to_string().starts_with(file.as_str()), "{error}");
                assert!(error.to_string().len() > file.len() + 10, "{error}");
                eprintln!("refused as {}: {error}", error.reason());
            }
        }
    }
    eprintln!("{} decoded, {} refused", decoded.len(), expected.len() - decoded.len());
    let must: BTreeSet<&str> = MUST_DECODE.iter().copied().collect();
    assert_eq!(decoded, must);
}

/// The header alone, from the whole file and from growing beginnings of it, says the same as the image's.
fn check_prefixes(file: &str, bytes: &[u8], image: &Result<ImageHeader, DicomError>) {
    let limits = Limits::default();
    let len = bytes.len() as u64;
    let whole = parse_header(file, bytes, len, &limits);
    if let Ok(image) = image {
        assert_eq!(whole.as_ref().map(|header| format!("{header:?}")), Ok(format!("Some({image:?})")));
    }
    for cut in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
        match parse_header(file, &bytes[..cut], len, &limits) {
            Ok(None) => {}
            Ok(header) => assert_eq!(format!("{:?}", Ok::<_, DicomError>(header)), format!("{whole:?}")),
            Err(error) => assert_eq!(Err(error), whole),
        }
    }
}

/// The end of a path that tells the files apart.
fn name(file: &str) -> &str {
    file.rsplit('/').next().unwrap()
}

/// numpy's name of the type, and the first 16 hex digits of the SHA-256 over the little endian bytes.
fn dtype_and_digest(values: &StoredValues) -> (&'static str, String) {
    fn bytes<T: Copy, const N: usize>(values: &[T], to_bytes: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|&value| to_bytes(value)).collect()
    }
    let (dtype, bytes) = match values {
        StoredValues::UInt8(v) => ("uint8", v.clone()),
        StoredValues::Int8(v) => ("int8", bytes(v, i8::to_le_bytes)),
        StoredValues::UInt16(v) => ("uint16", bytes(v, u16::to_le_bytes)),
        StoredValues::Int16(v) => ("int16", bytes(v, i16::to_le_bytes)),
        StoredValues::UInt32(v) => ("uint32", bytes(v, u32::to_le_bytes)),
        StoredValues::Int32(v) => ("int32", bytes(v, i32::to_le_bytes)),
        StoredValues::Float32(v) => ("float32", bytes(v, f32::to_le_bytes)),
        StoredValues::Float64(v) => ("float64", bytes(v, f64::to_le_bytes)),
    };
    let digest = Sha256::digest(bytes);
    (dtype, digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
}

#[test]
fn each_image_of_the_study_gives_the_bytes_at_its_end() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("sunnybrook/final_data/dicoms"))
    else {
        eprintln!("skipped: no data folder");
        return;
    };
    let files: Vec<PathBuf> = entries(&folder).iter().flat_map(|patient| entries(patient)).collect();
    let mut stored = StoredPixels::default();
    let mut images = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "dcm")) {
        let bytes = fs::read(file).unwrap();
        let header = parse_image(&file.to_string_lossy(), &bytes, &Limits::default(), &mut stored).unwrap();
        let start = &bytes[..bytes.len().min(16 << 10)];
        let planned = parse_header("a.dcm", start, bytes.len() as u64, &Limits::default()).unwrap();
        assert_eq!(planned.map(|header| format!("{header:?}")), Some(format!("{header:?}")));
        assert_eq!((header.shape.to_string().as_str(), header.unreadable.len()), ("256x256", 0));
        let StoredValues::Int16(values) = stored.values() else {
            panic!("{} is not int16", file.display());
        };
        let stored: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(stored, bytes[bytes.len() - 131_072..], "{}", file.display());
        images += 1;
    }
    assert_eq!(images, 700);
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with(".DS_Store")).collect()
}
