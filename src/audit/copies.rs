//! Annotations that are the same path on different images.

use super::facts::ContourFacts;

/// An annotation by its sample and its plane.
pub(super) type Annotation = (u32, u8);

/// Groups of two annotations or more with the same path, each group and all groups in the order of the samples.
/// `facts` has an entry for each plane of each sample.
pub(super) fn groups(
    facts: &[Option<ContourFacts>],
    planes: usize,
    least_points: f64,
) -> Vec<Vec<Annotation>> {
    let mut paths: Vec<(u128, Annotation)> = Vec::new();
    for (index, facts) in facts.iter().enumerate() {
        if let Some(facts) = facts.filter(|facts| f64::from(facts.distinct) >= least_points.min(255.0)) {
            paths.push((facts.points, ((index / planes) as u32, (index % planes) as u8)));
        }
    }
    paths.sort_unstable();
    let same = paths.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1);
    let mut groups: Vec<Vec<Annotation>> =
        same.map(|group| group.iter().map(|(_, annotation)| *annotation).collect()).collect();
    groups.sort_unstable();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(points: u128, distinct: u8) -> Option<ContourFacts> {
        Some(ContourFacts { bytes: 0, points, distinct, area: 1.0, clockwise: true, centre: [0.0; 2] })
    }

    #[test]
    fn equal_paths_are_grouped_unless_they_are_boxes() {
        let all =
            [facts(9, 50), None, facts(7, 50), facts(9, 50), facts(5, 4), facts(5, 4), facts(7, 50), None];
        assert_eq!(groups(&all, 2, 10.0), [vec![(0, 0), (1, 1)], vec![(1, 0), (3, 0)]]);
        assert_eq!(groups(&all, 2, 4.0).len(), 3);
    }
}
