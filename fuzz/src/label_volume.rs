//! A label volume: any bytes give labels within the limits, laid over a series plane by plane, or an error.
//!
//! The first byte chooses: NIfTI or NRRD of the other bytes; or a NIfTI that is built of them, a valid header with values
//! of any kind, so that a search does not stay at the first wrong field.

use arbitrary::{Result, Unstructured};
use dicomprep::model::{Geometry, GridShape};
use dicomprep::series::SeriesFrame;
use dicomprep::source::{
    JoinBy, LabelSelection, LabelVolume, Limits, SeriesExtent, VolumePart, join_volume, parse_nifti,
    parse_nrrd,
};

use crate::{Numbers, assert_plain};

/// Small, so that what a file can make the program hold shows.
const LIMITS: Limits = Limits { max_image_bytes: 1 << 20, max_image_pixels: 1 << 19 };

pub(crate) fn run(bytes: &[u8]) {
    let Some((&choice, rest)) = bytes.split_first() else { return };
    let parsed = match choice % 3 {
        0 => parse_nifti("v", rest, &LIMITS),
        1 => parse_nrrd("v", rest, &LIMITS),
        _ => match nifti(&mut Unstructured::new(rest)) {
            Ok(file) => parse_nifti("v", &file, &LIMITS),
            Err(_) => return,
        },
    };
    match parsed {
        Ok(volume) => check(&volume),
        Err(error) => {
            assert!(error.to_string().starts_with("v: "), "{error}");
            assert_plain(&error.to_string());
        }
    }
}

fn check(volume: &LabelVolume) {
    let size = volume.size();
    let voxels: usize = size.voxels.iter().product::<usize>() * size.phases * size.layers;
    assert!(voxels as u64 <= LIMITS.max_image_bytes);
    if let Some(counts) = volume.counts(16) {
        assert!(counts.values().sum::<usize>() <= voxels);
    }
    let Ok(shape) = GridShape::new(size.voxels[1], size.voxels[0]) else { return };
    if size.voxels[2] * size.phases > 64 || shape.pixels() > 1 << 12 {
        return;
    }
    let frame = |index: usize| SeriesFrame {
        shape,
        geometry: Geometry {
            pixel_spacing: [1.0; 2],
            image_position: [0.0, 0.0, (index % size.voxels[2]) as f64],
            image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..Geometry::ABSENT
        },
        instance_number: Some(index as i32),
        frame: 0,
        trigger_time: None,
    };
    let frames: Vec<SeriesFrame> = (0..size.voxels[2] * size.phases).map(frame).collect();
    for by in [JoinBy::Geometry, JoinBy::Order] {
        match join_volume(volume, &frames, SeriesExtent::Whole, by) {
            Err(error) => assert_plain(&error.to_string()),
            Ok(joined) => {
                let part = VolumePart { layer: 0, labels: LabelSelection::AboveZero };
                let planes = (0..frames.len()).filter_map(|image| joined.plane(image));
                let pixels: usize = planes.map(|plane| plane.mask(volume, part, shape).count_ones()).sum();
                assert!(pixels <= voxels);
            }
        }
    }
}

/// A NIfTI-1 or NIfTI-2 whose header is valid in most fields.
fn nifti(choices: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let second: bool = choices.arbitrary()?;
    let mut file = vec![0; if second { 544 } else { 352 }];
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    let datatype: i16 = *choices.choose(&[2, 4, 8, 16, 64, 256, 512, 768, 1024, 1280, 128, 7])?;
    let axes = choices.int_in_range(1..=5_i64)?;
    let mut dim = [axes, 1, 1, 1, 1, 1, 1, 1];
    for side in &mut dim[1..5] {
        *side = if choices.ratio(1, 24)? {
            choices.arbitrary::<i16>()?.into()
        } else {
            choices.int_in_range(1..=4)?
        };
    }
    let code: i32 = choices.int_in_range(0..=2)?;
    let mut real = || -> Result<f64> {
        let any = *choices.choose(&[0.0, 1.0, -1.0, 1.0, 0.5, 2.0, f64::NAN, 1e30])?;
        if choices.ratio(1, 16)? { choices.arbitrary() } else { Ok(any) }
    };
    let mut reals = [0.0; 24];
    for number in &mut reals {
        *number = real()?;
    }
    // Mostly the grid that the series has.
    let unit = [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0].map(|number: f64| -number);
    let srow: Vec<f64> = if code == 2 { reals[10..22].to_vec() } else { unit.to_vec() };
    if second {
        put(0, &540_i32.to_le_bytes());
        put(4, b"n+2\0");
        put(12, &datatype.to_le_bytes());
        dim.iter().enumerate().for_each(|(index, side)| put(16 + 8 * index, &side.to_le_bytes()));
        put(168, &544_i64.to_le_bytes());
        put(344, &i32::from(code == 1).to_le_bytes());
        put(348, &code.to_le_bytes());
        for (at, numbers) in [(104, &reals[..4]), (176, &reals[4..6]), (352, &reals[4..10]), (400, &srow[..])]
        {
            numbers.iter().enumerate().for_each(|(index, number)| put(at + 8 * index, &number.to_le_bytes()));
        }
    } else {
        put(0, &348_i32.to_le_bytes());
        put(344, b"n+1\0");
        put(70, &datatype.to_le_bytes());
        dim.iter().enumerate().for_each(|(index, side)| put(40 + 2 * index, &(*side as i16).to_le_bytes()));
        put(108, &352_f32.to_le_bytes());
        put(252, &i16::from(code == 1).to_le_bytes());
        put(254, &(code as i16).to_le_bytes());
        for (at, numbers) in [(76, &reals[..4]), (112, &reals[4..6]), (256, &reals[4..10]), (280, &srow[..])]
        {
            let narrow =
                |(index, number): (usize, &f64)| put(at + 4 * index, &(*number as f32).to_le_bytes());
            numbers.iter().enumerate().for_each(narrow);
        }
    }
    file.extend(choices.bytes(choices.len())?);
    Ok(file)
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut numbers = Numbers(5);
    let mut seeds: Vec<Vec<u8>> = (0..40).map(|_| [&[2], &numbers.bytes(300)[..]].concat()).collect();
    for _ in 0..20 {
        let small: Vec<u8> = numbers.bytes(400).into_iter().map(|byte| byte % 3).collect();
        if let Ok(file) = nifti(&mut Unstructured::new(&small)) {
            seeds.push([&[0], &file[..]].concat());
        }
    }
    let header = "NRRD0004\ntype: unsigned char\ndimension: 4\nspace: left-posterior-superior\nsizes: 2 2 1 1\n\
        space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: list domain domain domain\nencoding: raw\n\
        space origin: (0,0,0)\nSegment0_Name:=a\nSegment0_Layer:=0\nSegment1_Name:=b\nSegment1_Layer:=1\n\n";
    seeds.push([b"\x01", header.as_bytes(), &[1, 0, 0, 1]].concat());
    let flat = header.replace("sizes: 2 2 1 1", "sizes: 2 2 1").replace("none ", "").replace("list ", "");
    seeds.push([b"\x01", flat.as_bytes(), &[1, 0, 0, 1]].concat());
    seeds.push([b"\x01", flat.replace("encoding: raw", "encoding: gzip").as_bytes(), b"\x1f\x8b"].concat());
    seeds
}
