//! Masks that are known to the bit.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use dicomprep::model::{GridShape, Mask};
use dicomprep::raster::{MaskRule, Rasterizer};
use serde_json::Value;
use sha2::{Digest, Sha256};

type Points = Vec<[f64; 2]>;

/// SHA-256 of the mask's bytes (one a pixel, 0 or 1, row-major) in hexadecimal.
fn checksum(mask: &Mask) -> String {
    Sha256::digest(mask.data()).iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}

/// The numbers of `text` in pairs.
fn parse_points(text: &str) -> Points {
    let numbers: Vec<f64> = text.split_whitespace().map(|number| number.parse().expect("a number")).collect();
    numbers.chunks(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// A block of `golden/masks.txt`: a polygon, and a line for each rule with what it must give.
struct Golden<'a> {
    name: &'a str,
    shape: GridShape,
    points: Points,
    masks: Vec<&'a str>,
}

impl<'a> Golden<'a> {
    fn parse(block: &'a str) -> Self {
        let mut lines = block.lines();
        let head: Vec<&str> = lines.next().expect("a first line").split(' ').collect();
        let (rows, columns) = head[2].split_once('x').expect("a size");
        let side = |text: &str| text.parse().expect("a number");
        let points = lines.next().expect("a second line").strip_prefix("points").expect("points");
        Self {
            name: head[1],
            shape: GridShape::new(side(rows), side(columns)).expect("a size"),
            points: parse_points(points),
            masks: lines.collect(),
        }
    }
}

#[test]
fn masks_of_our_own_polygons() {
    let text = include_str!("../golden/masks.txt");
    let blocks: Vec<&str> = text.split("\n\n").skip(1).collect();
    assert_eq!(blocks.len(), 16);
    for golden in blocks.into_iter().map(Golden::parse) {
        let mut mask = Mask::zeros(golden.shape);
        let actual: Vec<String> = MaskRule::ALL
            .iter()
            .map(|&rule| {
                Rasterizer::new(rule).rasterize(&golden.points, &mut mask);
                format!("{rule} {} {}", mask.count_ones(), checksum(&mask))
            })
            .collect();
        assert_eq!(actual, golden.masks, "{}", golden.name);
    }
}

/// The bits of a mask, row-major, eight a byte from the most significant on, in hexadecimal.
fn packed(mask: &Mask) -> String {
    mask.data().chunks(8).fold(String::new(), |mut text, pixels| {
        let byte = pixels.iter().enumerate().fold(0_u8, |byte, (bit, pixel)| byte | pixel << (7 - bit));
        write!(text, "{byte:02x}").expect("a string takes all that is written to it");
        text
    })
}

#[test]
fn masks_of_random_polygons() {
    let Some(data) = crate::common::shared_data() else {
        eprintln!("skipped: the folder of random polygons is not there");
        return;
    };
    let text = fs::read(data.join("raster/golden.json")).unwrap();
    let golden: Value = serde_json::from_slice(&text).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 250);
    let mut rasterizers = MaskRule::ALL.map(|rule| (rule, Rasterizer::new(rule)));
    for (number, case) in cases.iter().enumerate() {
        let side = |name: &str| usize::try_from(case[name].as_u64().unwrap()).unwrap();
        let mut mask = Mask::zeros(GridShape::new(side("h"), side("w")).unwrap());
        let points: Points = serde_json::from_value(case["pts"].clone()).unwrap();
        for (rule, rasterizer) in &mut rasterizers {
            rasterizer.rasterize(&points, &mut mask);
            assert_eq!(packed(&mask), case[rule.name()], "case {number} ({}), {rule}", case["kind"]);
        }
    }
}

fn read_contour(path: &Path) -> Points {
    parse_points(&fs::read_to_string(path).expect("a readable contour"))
}

#[test]
fn masks_of_real_contours() {
    let Some(data) = crate::common::shared_data().map(|data| data.join("sunnybrook")) else {
        eprintln!("skipped: the folder of real contours is not there");
        return;
    };
    let text = fs::read(data.join("mask_hashes.json")).unwrap();
    let contours: BTreeMap<String, BTreeMap<String, (usize, String)>> =
        serde_json::from_slice(&text).unwrap();
    assert_eq!(contours.len(), 84);
    let mut rasterizers = MaskRule::ALL.map(|rule| (rule, Rasterizer::new(rule)));
    let mut mask = Mask::zeros(GridShape::new(256, 256).unwrap());
    for (path, expected) in &contours {
        let points = read_contour(&data.join("final_data").join(path));
        for (rule, rasterizer) in &mut rasterizers {
            rasterizer.rasterize(&points, &mut mask);
            assert_eq!((mask.count_ones(), checksum(&mask)), expected[rule.name()], "{path}, {rule}");
        }
    }
}
