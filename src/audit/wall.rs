//! The thickness of the wall between the two contours of an image, beside that in the patient's other images.

/// Patients with fewer images that have both contours are not looked at.
const ENOUGH: usize = 4;

/// Those of `walls` (any number of the caller's, and the mean thickness) that differ by more than `percent` from the
/// median, with the difference in per cent and the median. A thickness below 0 is another finding.
pub(super) fn jumps(walls: &[(usize, f64)], percent: f64) -> Vec<(usize, f64, f64)> {
    let mut sorted: Vec<f64> = walls.iter().map(|(_, wall)| *wall).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().filter(|median| *median > 0.0);
    let Some(median) = median.filter(|_| walls.len() >= ENOUGH) else {
        return Vec::new();
    };
    let differs = |&(index, wall): &(usize, f64)| {
        let difference = 100.0 * (wall / median - 1.0);
        (difference.abs() > percent && wall > 0.0).then_some((index, difference, median))
    };
    walls.iter().filter_map(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_wall_is_found() {
        let mut walls: Vec<(usize, f64)> = [7.0, 8.0, 6.5, 4.5, 8.2, 7.5].into_iter().enumerate().collect();
        assert!(jumps(&walls, 60.0).is_empty());
        walls[2].1 = 15.0;
        assert_eq!(jumps(&walls, 60.0), [(2, 87.5, 8.0)]);
        walls[2].1 = 1.5;
        assert_eq!(jumps(&walls, 60.0).len(), 1);
        walls[2].1 = -2.0;
        assert!(jumps(&walls, 60.0).is_empty());
        assert!(jumps(&walls[..3], 10.0).is_empty());
        assert!(jumps(&[(0, -1.0), (1, -1.0), (2, -1.0), (3, 5.0)], 10.0).is_empty());
    }
}
