//! Writes a synthetic data set in the layout that `dicomprep prep` reads: short-axis cardiac MR images
//! with a ring-shaped ventricle whose boundary is known, and the contours that trace it.
//!
//! ```text
//! cargo run --release --example make_fixtures -- --patients 50 --images 40 --size 256x256 --out DIR
//! ```
//!
//! The bytes depend on the options alone: every random number is a hash of what it is for (seed,
//! patient, image, pixel), so neither clock nor threads matter, and the floating-point arithmetic is
//! confined to `+ - * /` and `sqrt`, which IEEE 754 rounds the same way everywhere.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What to write; the default is the tree kept in `fixtures/final_data`.
#[derive(Debug, Clone)]
pub(crate) struct FixtureOptions {
    /// Number of patients.
    pub(crate) patients: u64,
    /// Images of each patient.
    pub(crate) images: u64,
    /// Height of an image in pixels.
    pub(crate) rows: u16,
    /// Width of an image in pixels.
    pub(crate) columns: u16,
    /// Share of the images that have an inner contour, 0 to 1; half of those have an outer one too.
    pub(crate) labelled: f64,
    /// Another seed gives other patients.
    pub(crate) seed: u64,
}

impl Default for FixtureOptions {
    fn default() -> Self {
        Self { patients: 4, images: 10, rows: 64, columns: 64, labelled: 0.5, seed: 0 }
    }
}

const USAGE: &str = "usage: make_fixtures [--patients N] [--images N] [--size ROWSxCOLUMNS] \
                     [--labelled SHARE] [--seed N] --out DIR";

#[allow(dead_code, reason = "the test that includes this file calls write_tree itself")]
fn main() -> Outcome<()> {
    let (options, out) = match parse_arguments(std::env::args().skip(1)) {
        Ok(parsed) => parsed,
        Err(message) => {
            eprintln!("make_fixtures: {message}\n{USAGE}");
            std::process::exit(2);
        }
    };
    write_tree(&options, &out)?;
    eprintln!("{}: {} patients, {} images each", out.display(), options.patients, options.images);
    Ok(())
}

#[allow(dead_code, reason = "as main")]
fn parse_arguments(mut words: impl Iterator<Item = String>) -> Outcome<(FixtureOptions, PathBuf)> {
    let mut options = FixtureOptions::default();
    let mut out = None;
    while let Some(name) = words.next() {
        let value = words.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--patients" => options.patients = value.parse()?,
            "--images" => options.images = value.parse()?,
            "--size" => {
                let (rows, columns) = value.split_once('x').ok_or("--size is ROWSxCOLUMNS")?;
                (options.rows, options.columns) = (rows.parse()?, columns.parse()?);
            }
            "--labelled" => options.labelled = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--out" => out = Some(PathBuf::from(value)),
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    if options.rows.min(options.columns) < 32 || !(0.0..=1.0).contains(&options.labelled) {
        return Err("an image has at least 32 rows and columns, and a share is 0 to 1".into());
    }
    Ok((options, out.ok_or("--out is missing")?))
}

/// Writes `link.csv`, `dicoms/` and `contourfiles/` below `out`; files that are there already are replaced.
pub(crate) fn write_tree(options: &FixtureOptions, out: &Path) -> Outcome<()> {
    let patients: Vec<Patient> =
        (1..=options.patients).map(|number| Patient::draw(options, number)).collect();
    let mut link = String::from("patient_id,original_id\n");
    for patient in &patients {
        link.push_str(&format!("{},{}\n", patient.id, patient.original_id));
        fs::create_dir_all(out.join("dicoms").join(&patient.id))?;
        for letter in ["i", "o"] {
            fs::create_dir_all(patient.contour_folder(out, letter))?;
        }
    }
    fs::write(out.join("link.csv"), link)?;
    patients.par_iter().try_for_each(|patient| {
        let labelled = patient.labelled(options);
        (1..=options.images).into_par_iter().try_for_each(|image| {
            let scene = Scene::new(options, patient, image);
            let file = out.join("dicoms").join(&patient.id).join(format!("{image}.dcm"));
            fs::write(file, dicom_file(options, patient, &scene)?)?;
            let Some(rank) = labelled.iter().position(|&number| number == image) else { return Ok(()) };
            scene.inner.write_contour(&patient.contour_folder(out, "i"), image, "i")?;
            if rank % 2 == 0 {
                scene.outer.write_contour(&patient.contour_folder(out, "o"), image, "o")?;
            }
            Ok(())
        })
    })
}

// ---------------------------------------------------------------- randomness

/// A hash of `parts`: the output function of SplitMix64 (Steele, Lea, Flood 2014) folded over them.
fn hash(parts: &[u64]) -> u64 {
    parts.iter().fold(0x0123_4567_89AB_CDEF, |state, &part| mix(state ^ mix(part)))
}

fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number in `low..high` for what `parts` name.
fn uniform(low: f64, high: f64, parts: &[u64]) -> f64 {
    low + (high - low) * ((hash(parts) >> 11) as f64 / (1_u64 << 53) as f64)
}

/// About normal with mean 0 and deviation 1: the sum of four uniform 16-bit numbers.
fn bell(bits: u64) -> f64 {
    let sum: u64 = (0..4).map(|part| (bits >> (16 * part)) & 0xFFFF).sum();
    (sum as f64 - 131_070.0) / 37_837.0
}

// ---------------------------------------------------------------- patients and their hearts

struct Patient {
    key: u64,
    number: u64,
    id: String,
    original_id: String,
    /// Centre, inner radius and wall thickness in pixels, at the base of the heart when it is filled.
    centre: [f64; 2],
    radius: f64,
    wall: f64,
    /// Ratio of the axes of the inner boundary, and its direction (cosine and sine).
    ratio: f64,
    direction: [f64; 2],
}

impl Patient {
    fn draw(options: &FixtureOptions, number: u64) -> Self {
        let key = hash(&[options.seed, number]);
        let draw = |what: u64, low: f64, high: f64| uniform(low, high, &[key, what]);
        let side = f64::from(options.rows.min(options.columns));
        // Small images are cut closer around the heart, as people cut them.
        let scale = (side + 32.0) / 288.0;
        let tilt = draw(6, -0.3, 0.3);
        let length = 1.0 + tilt * tilt;
        Self {
            key,
            number,
            id: format!("SYN{number:05}01"),
            original_id: format!("SYN-HF-I-{number}"),
            centre: [
                f64::from(options.columns) * draw(1, 0.46, 0.54),
                f64::from(options.rows) * draw(2, 0.46, 0.54),
            ],
            radius: scale * draw(3, 20.0, 27.0),
            wall: scale * draw(4, 8.0, 12.0),
            ratio: draw(5, 0.84, 0.98),
            direction: [(1.0 - tilt * tilt) / length, 2.0 * tilt / length],
        }
    }

    fn contour_folder(&self, out: &Path, letter: &str) -> PathBuf {
        out.join("contourfiles").join(&self.original_id).join(format!("{letter}-contours"))
    }

    /// The numbers of the images that have a contour, in an order of no meaning.
    fn labelled(&self, options: &FixtureOptions) -> Vec<u64> {
        let mut numbers: Vec<u64> = (1..=options.images).collect();
        numbers.sort_by_key(|&image| hash(&[self.key, 10, image]));
        numbers.truncate((options.labelled * options.images as f64).round() as usize);
        numbers
    }

    /// A UID below 2.25, where any UUID is a UID (PS3.5 B.2); version 8 (RFC 9562) leaves the bits to us.
    fn uid(&self, what: &[u64]) -> String {
        let half = |side: u64| u128::from(hash(&[self.key, 20, hash(what), side]));
        let bits = (half(0) << 64) | half(1);
        let uuid = (bits & !(0xF << 76) & !(0x3 << 62)) | (0x8 << 76) | (0x2 << 62);
        format!("2.25.{uuid}")
    }
}

/// One image: which slice and phase it is, and where the boundaries run in it.
struct Scene {
    key: u64,
    image: u64,
    slice: u64,
    phase: u64,
    phases: u64,
    inner: Ellipse,
    outer: Ellipse,
}

impl Scene {
    fn new(options: &FixtureOptions, patient: &Patient, image: u64) -> Self {
        let phases = if options.images >= 20 { 20 } else { 5 };
        let (slice, phase) = ((image - 1) / phases, (image - 1) % phases);
        let slices = options.images.div_ceil(phases);
        // 0 when the heart is filled, 1 when it is emptied: faster than it fills where there are phases enough to tell,
        // so that no two of them are equal.
        let emptied = if phases == 20 { 7.0 } else { phases as f64 / 2.0 };
        let (phase_begun, phases_left) = (phase as f64, (phases - phase) as f64);
        let squeeze = (phase_begun / emptied).min(phases_left / (phases as f64 - emptied));
        let taper = 1.0 - 0.35 * slice as f64 / slices as f64;
        let key = hash(&[patient.key, 30, image]);
        let shift = |axis: u64| uniform(-1.5, 1.5, &[patient.key, 31, slice, axis]);
        let centre = [patient.centre[0] + shift(0), patient.centre[1] + shift(1)];
        let radius = patient.radius * taper * (1.0 - 0.3 * squeeze);
        let wall = patient.wall * (1.0 + 0.35 * squeeze);
        let around = |extra: f64| Ellipse {
            centre,
            radii: [radius + extra, radius * patient.ratio + extra],
            direction: patient.direction,
        };
        Self { key, image, slice, phase, phases, inner: around(0.0), outer: around(wall) }
    }

    /// Stored values, row-major: air, a torso with a lung and a fat layer, muscle, bright blood, noise.
    fn pixels(&self, options: &FixtureOptions) -> Vec<i16> {
        let (rows, columns) = (f64::from(options.rows), f64::from(options.columns));
        let upright = |x: f64, y: f64, width: f64, height: f64| Ellipse {
            centre: [columns * x, rows * y],
            radii: [columns * width, rows * height],
            direction: [1.0, 0.0],
        };
        let torso = upright(0.5, 0.52, 0.46, 0.37);
        let flesh = upright(0.5, 0.52, 0.43, 0.34);
        let lung = upright(0.72, 0.45, 0.14, 0.22);
        let chamber = upright(0.33, 0.45, 0.10, 0.13);
        let blood = uniform(300.0, 360.0, &[self.key, 40]);
        let mut pixels = Vec::with_capacity(usize::from(options.rows) * usize::from(options.columns));
        for row in 0..u32::from(options.rows) {
            for column in 0..u32::from(options.columns) {
                let point = [f64::from(column), f64::from(row)];
                // The coil is nearer to the front of the chest.
                let gain = 1.25 - 0.5 * f64::from(row) / rows;
                let mut signal = 14.0;
                signal = torso.blend(point, signal, 330.0 * gain);
                signal = flesh.blend(point, signal, 105.0 * gain);
                signal = lung.blend(point, signal, 26.0);
                signal = chamber.blend(point, signal, blood * 0.9);
                signal = self.outer.blend(point, signal, 78.0 * gain);
                signal = self.inner.blend(point, signal, blood);
                let position = u64::from(row) << 32 | u64::from(column);
                let noise = bell(mix(self.key ^ mix(position))) * (1.4 + signal * 0.035);
                pixels.push((signal + noise).round().clamp(0.0, 4095.0) as i16);
            }
        }
        pixels
    }
}

// ---------------------------------------------------------------- shapes and contours

/// An ellipse in pixels; the centre of the pixel in column j and row i is the point (j, i).
struct Ellipse {
    centre: [f64; 2],
    radii: [f64; 2],
    /// Cosine and sine of the angle between the first axis and the row.
    direction: [f64; 2],
}

impl Ellipse {
    /// `inside` within the ellipse, `outside` beyond it, and a mixture about one pixel wide on its edge.
    fn blend(&self, [x, y]: [f64; 2], outside: f64, inside: f64) -> f64 {
        let (x, y) = (x - self.centre[0], y - self.centre[1]);
        let [cosine, sine] = self.direction;
        let u = (x * cosine + y * sine) / self.radii[0];
        let v = (y * cosine - x * sine) / self.radii[1];
        let distance = ((u * u + v * v).sqrt() - 1.0) * self.radii[1];
        let share = (0.5 - distance / 1.2).clamp(0.0, 1.0);
        outside + (inside - outside) * share
    }

    /// The boundary as a closed chain of points on the half-pixel grid, in half pixels.
    ///
    /// Neighbours differ by at most half a pixel on each axis; the first point is not repeated.
    fn chain(&self) -> Vec<[i32; 2]> {
        let steps = 64 * (self.radii[0] as u32 + 1);
        let mut chain: Vec<[i32; 2]> = Vec::new();
        for quarter in 0..4 {
            for step in 0..steps {
                // A rational walk along a quarter of the unit circle: no sine or cosine to differ.
                let t = f64::from(step) / f64::from(steps);
                let (a, b) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
                let [u, v] = [[-a, -b], [b, -a], [a, b], [-b, a]][quarter];
                let (u, v) = (u * self.radii[0], v * self.radii[1]);
                let [cosine, sine] = self.direction;
                let x = self.centre[0] + u * cosine - v * sine;
                let y = self.centre[1] + u * sine + v * cosine;
                let point = [(2.0 * x).round() as i32, (2.0 * y).round() as i32];
                if chain.last() != Some(&point) && chain.first() != Some(&point) {
                    cut_corner(&mut chain, point);
                    chain.push(point);
                }
            }
        }
        chain
    }

    fn write_contour(&self, folder: &Path, image: u64, letter: &str) -> Outcome<()> {
        let text: String = self
            .chain()
            .iter()
            .map(|[x, y]| format!("{:.2} {:.2}\n", f64::from(*x) / 2.0, f64::from(*y) / 2.0))
            .collect();
        fs::write(folder.join(format!("IM-0001-{image:04}-{letter}contour-manual.txt")), text)?;
        Ok(())
    }
}

/// Drops the last point of `chain` where `next` can be reached diagonally without it.
fn cut_corner(chain: &mut Vec<[i32; 2]>, next: [i32; 2]) {
    if let [.., [x, y], _] = chain[..]
        && (next[0] - x).abs() <= 1
        && (next[1] - y).abs() <= 1
    {
        chain.pop();
    }
}

// ---------------------------------------------------------------- DICOM

/// The bytes of an MR Image Storage file (PS3.3 A.4), explicit VR little endian.
fn dicom_file(options: &FixtureOptions, patient: &Patient, scene: &Scene) -> Outcome<Vec<u8>> {
    let mut object = InMemDicomObject::new_empty();
    put_texts(&mut object, &patient_texts(patient));
    put_texts(&mut object, &image_texts(options, patient, scene));
    put_pixels(&mut object, options, &scene.pixels(options));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .implementation_class_uid("2.25.7678152564326902155587203999223620440")
        .implementation_version_name("SYNTHETIC_1");
    let mut bytes = Vec::with_capacity(4096 + 2 * usize::from(options.rows) * usize::from(options.columns));
    object.with_meta(meta)?.write_all(&mut bytes)?;
    Ok(bytes)
}

fn put_texts(object: &mut InMemDicomObject, texts: &[(Tag, VR, String)]) {
    for (tag, vr, text) in texts {
        let value = if text.is_empty() { PrimitiveValue::Empty } else { PrimitiveValue::from(text.as_str()) };
        object.put(DataElement::new(*tag, *vr, value));
    }
}

/// Patient, study, series and equipment: the same in all images of a patient.
fn patient_texts(patient: &Patient) -> Vec<(Tag, VR, String)> {
    let text = |tag: Tag, vr: VR, value: &str| (tag, vr, value.to_owned());
    vec![
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 100"),
        text(tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE),
        text(tags::STUDY_DATE, VR::DA, "20010203"),
        text(tags::STUDY_TIME, VR::TM, "040506"),
        text(tags::ACCESSION_NUMBER, VR::SH, ""),
        text(tags::MODALITY, VR::CS, "MR"),
        text(tags::MANUFACTURER, VR::LO, "Synthetic"),
        text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "Nobody^Refers"),
        text(tags::PATIENT_NAME, VR::PN, &format!("Nobody^Synthetic {}", patient.number)),
        text(tags::PATIENT_ID, VR::LO, &patient.id),
        text(tags::PATIENT_BIRTH_DATE, VR::DA, "19010203"),
        text(tags::PATIENT_SEX, VR::CS, "O"),
        text(tags::SCANNING_SEQUENCE, VR::CS, "GR"),
        text(tags::SEQUENCE_VARIANT, VR::CS, "SS"),
        text(tags::SCAN_OPTIONS, VR::CS, "CG"),
        text(tags::MR_ACQUISITION_TYPE, VR::CS, "2D"),
        text(tags::SLICE_THICKNESS, VR::DS, "8"),
        text(tags::REPETITION_TIME, VR::DS, "3.8"),
        text(tags::ECHO_TIME, VR::DS, "1.7"),
        text(tags::ECHO_TRAIN_LENGTH, VR::IS, "1"),
        text(tags::PATIENT_POSITION, VR::CS, "HFS"),
        (tags::STUDY_INSTANCE_UID, VR::UI, patient.uid(&[1])),
        (tags::SERIES_INSTANCE_UID, VR::UI, patient.uid(&[2])),
        text(tags::STUDY_ID, VR::SH, "1"),
        text(tags::SERIES_NUMBER, VR::IS, "1"),
        (tags::FRAME_OF_REFERENCE_UID, VR::UI, patient.uid(&[3])),
        text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, ""),
        // A short-axis view: these are exact unit vectors (2/3, 2/3, 1/3), rounded as a DS is.
        text(
            tags::IMAGE_ORIENTATION_PATIENT,
            VR::DS,
            "0.6666666666667\\0.6666666666667\\0.3333333333333\\\
             -0.3333333333333\\0.6666666666667\\-0.6666666666667",
        ),
    ]
}

/// What differs from image to image, as text.
fn image_texts(options: &FixtureOptions, patient: &Patient, scene: &Scene) -> Vec<(Tag, VR, String)> {
    // A field of view of 330 mm; a crop around the heart keeps the scanner's spacing from 256 pixels.
    let spacing = uniform(1.25, 1.45, &[patient.key, 50]);
    let corner = [-60.0, -90.0, 40.0].map(|mm: f64| mm * f64::from(options.columns) / 64.0);
    // Slices follow each other 8 mm apart along the normal (-2/3, 1/3, 2/3).
    let step = 8.0 * scene.slice as f64;
    let position = [corner[0] - step * 2.0 / 3.0, corner[1] + step / 3.0, corner[2] + step * 2.0 / 3.0];
    let trigger = scene.phase as f64 * 900.0 / scene.phases as f64;
    vec![
        (tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\OTHER".to_owned()),
        (tags::SOP_INSTANCE_UID, VR::UI, patient.uid(&[4, scene.image])),
        (tags::TRIGGER_TIME, VR::DS, format!("{trigger:.1}")),
        (tags::INSTANCE_NUMBER, VR::IS, scene.image.to_string()),
        (tags::IMAGE_POSITION_PATIENT, VR::DS, position.map(|mm| format!("{mm:.4}")).join("\\")),
        (tags::PIXEL_SPACING, VR::DS, format!("{spacing:.4}\\{spacing:.4}")),
    ]
}

/// The image pixel module and the window, which follow from the pixels.
fn put_pixels(object: &mut InMemDicomObject, options: &FixtureOptions, pixels: &[i16]) {
    let numbers = [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::ROWS, options.rows),
        (tags::COLUMNS, options.columns),
        (tags::BITS_ALLOCATED, 16),
        (tags::BITS_STORED, 16),
        (tags::HIGH_BIT, 15),
        (tags::PIXEL_REPRESENTATION, 1),
    ];
    for (tag, number) in numbers {
        object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(number)));
    }
    let smallest = pixels.iter().copied().min().unwrap_or(0);
    let largest = pixels.iter().copied().max().unwrap_or(0);
    for (tag, value) in
        [(tags::SMALLEST_IMAGE_PIXEL_VALUE, smallest), (tags::LARGEST_IMAGE_PIXEL_VALUE, largest)]
    {
        object.put(DataElement::new(tag, VR::SS, PrimitiveValue::from(value)));
    }
    let texts = [
        (tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2".to_owned()),
        (tags::WINDOW_CENTER, VR::DS, (largest / 2).to_string()),
        (tags::WINDOW_WIDTH, VR::DS, largest.to_string()),
    ];
    put_texts(object, &texts);
    let words: Vec<u16> = pixels.iter().map(|&value| value.cast_unsigned()).collect();
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(words.into())));
}
