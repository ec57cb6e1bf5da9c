//! Draws that are known one by one.

use dicomprep::augment::{AugmentSpec, DrawKey, draw};

/// Every line is: the spec's number, seed, epoch, row, height and width, and after the bar what was drawn.
#[test]
fn draws_are_the_ones_they_always_were() {
    let (_, text) = include_str!("../golden/augment_params.txt").split_once("\n\n").unwrap();
    let (specs, list) = text.split_once("\n\n").unwrap();
    let specs: Vec<_> =
        specs.lines().map(|spec| AugmentSpec::from_toml(&spec.replace("; ", "\n")).unwrap()).collect();
    let mut lines = Vec::new();
    for line in list.lines() {
        let (key, _) = line.split_once(" | ").unwrap();
        let numbers: Vec<u64> = key.split(' ').map(|number| number.parse().unwrap()).collect();
        let [spec, seed, epoch, row, height, width] = numbers[..] else { panic!("{key} is no key") };
        let drawn =
            draw(&specs[spec as usize], DrawKey { seed, epoch, row }, [height as usize, width as usize]);
        lines.push(format!("{key} | {}", serde_json::to_string(&drawn).unwrap()));
    }
    assert_eq!(lines.len(), 22);
    for (found, expected) in lines.iter().zip(list.lines()) {
        assert_eq!(found, expected, "\nall lines:\n{}", lines.join("\n"));
    }
}
