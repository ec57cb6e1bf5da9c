//! Comparison of the headers of a patient's images.

use std::collections::BTreeMap;

use super::ImageFacts;

/// The most frequent of `values`, where it is that of more than half of them; of equals the smallest.
pub(super) fn usual<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    let all: usize = counts.values().sum();
    counts.into_iter().find(|(_, count)| 2 * count > all).map(|(value, _)| value)
}

/// Images of another size than most, and the size of most.
pub(super) fn other_sizes(images: &[&ImageFacts]) -> Option<(Vec<usize>, crate::model::GridShape)> {
    let most = usual(images.iter().map(|image| image.shape))?;
    let others: Vec<usize> = (0..images.len()).filter(|&k| images[k].shape != most).collect();
    (!others.is_empty()).then_some((others, most))
}

/// Images whose spacing differs from that of most by more than `percent`, and the spacing of most.
pub(super) fn other_spacings(images: &[&ImageFacts], percent: f64) -> Option<(Vec<usize>, [f32; 2])> {
    let known = images.iter().filter(|image| !image.spacing[0].is_nan());
    let most = usual(known.map(|image| image.spacing.map(f32::to_bits)))?.map(f32::from_bits);
    let differs = |spacing: [f32; 2]| {
        spacing
            .iter()
            .zip(most)
            .any(|(mm, most)| 100.0 * (f64::from(*mm) / f64::from(most) - 1.0).abs() > percent)
    };
    let others: Vec<usize> = (0..images.len()).filter(|&k| differs(images[k].spacing)).collect();
    (!others.is_empty()).then_some((others, most))
}

/// Images whose Instance Number differs from the number of the file by another amount than that of most. Files may
/// be numbered in their own way; then most of a patient's agree on the difference.
pub(super) fn other_numbers(images: &[(&ImageFacts, i32)]) -> Option<(Vec<usize>, i64)> {
    let difference =
        |(image, number): &(&ImageFacts, i32)| Some(i64::from(image.instance_number?) - i64::from(*number));
    let most = usual(images.iter().filter_map(difference))?;
    let others: Vec<usize> =
        (0..images.len()).filter(|&k| difference(&images[k]).is_some_and(|other| other != most)).collect();
    (!others.is_empty()).then_some((others, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GridShape;

    fn image(side: usize, spacing: f32, instance_number: Option<i32>) -> ImageFacts {
        ImageFacts {
            channels: 1,
            shape: GridShape::new(side, 8).unwrap(),
            spacing: [spacing, 1.0],
            position: [f32::NAN; 3],
            orientation: [f32::NAN; 6],
            time: f32::NAN,
            instance_number,
        }
    }

    #[test]
    fn the_odd_one_is_found() {
        let images = [
            image(8, 1.25, Some(1)),
            image(8, 1.25, Some(2)),
            image(9, 1.5, Some(7)),
            image(8, f32::NAN, None),
        ];
        let all: Vec<&ImageFacts> = images.iter().collect();
        assert_eq!(other_sizes(&all), Some((vec![2], GridShape::new(8, 8).unwrap())));
        assert_eq!(other_spacings(&all, 1.0), Some((vec![2], [1.25, 1.0])));
        assert_eq!(other_spacings(&all, 30.0), None);
        let numbered: Vec<_> = images.iter().zip([1, 2, 3, 4]).collect();
        assert_eq!(other_numbers(&numbered), Some((vec![2], 0)));
    }

    #[test]
    fn a_numbering_of_its_own_is_no_finding() {
        let images = [image(8, 1.0, Some(101)), image(8, 1.0, Some(102)), image(8, 1.0, Some(103))];
        let numbered: Vec<_> = images.iter().zip([1, 2, 3]).collect();
        assert_eq!(other_numbers(&numbered), None);
        // Nor is one without any value to compare.
        let images = [image(8, 1.0, Some(1)), image(9, 2.0, Some(1))];
        assert_eq!(other_numbers(&images.iter().zip([1, 2]).collect::<Vec<_>>()), None);
        assert_eq!(other_sizes(&images.iter().collect::<Vec<_>>()), None);
    }
}
