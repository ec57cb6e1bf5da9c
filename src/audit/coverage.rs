//! Missing images and contours of a patient.

/// Gaps are a finding where they are at most this share of the numbers: who exports single images leaves more.
const FEW: f64 = 0.05;
/// Patients with fewer images have no gaps to speak of.
const ENOUGH: usize = 10;

/// The numbers that are missing between the smallest and the largest of `numbers`, which are sorted: how many, and
/// the first.
pub(super) fn gaps(numbers: &[i32]) -> Option<(i64, i32)> {
    let (first, last) = (*numbers.first()?, *numbers.last()?);
    let range = i64::from(last) - i64::from(first) + 1;
    let missing = range - numbers.len() as i64;
    let few = (FEW * range as f64).max(1.0);
    if numbers.len() < ENOUGH || missing == 0 || missing as f64 > few {
        return None;
    }
    let gap = numbers.windows(2).find(|pair| pair[1] > pair[0] + 1)?;
    Some((missing, gap[0] + 1))
}

/// An inner contour: its number among the patient's, its trigger time (NaN where unknown), and whether its image has
/// an outer contour.
pub(super) type Inner = (usize, f32, bool);

/// The inner contours without an outer one in a phase in which more than half of the patient's others have one.
/// Outer contours are often drawn in one phase alone.
pub(super) fn without_outer(mut inner: Vec<Inner>) -> Vec<usize> {
    const SAME_PHASE: f32 = 0.08;
    let latest = inner.iter().map(|(_, time, _)| *time).fold(0.0, f32::max);
    inner.iter_mut().filter(|(_, time, _)| time.is_nan()).for_each(|(_, time, _)| *time = -1.0);
    inner.sort_by(|a, b| a.1.total_cmp(&b.1));
    let with: Vec<usize> = std::iter::once(0)
        .chain(inner.iter().scan(0, |count, (_, _, outer)| {
            *count += usize::from(*outer);
            Some(*count)
        }))
        .collect();
    let lacks = |&(_, time, outer): &Inner| {
        let from = inner.partition_point(|other| other.1 < time - SAME_PHASE * latest);
        let to = inner.partition_point(|other| other.1 <= time + SAME_PHASE * latest);
        !outer && 2 * (with[to] - with[from]) > to - from
    };
    let mut lacking: Vec<usize> =
        inner.iter().filter(|inner| lacks(inner)).map(|(index, _, _)| *index).collect();
    lacking.sort_unstable();
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_gaps_are_found() {
        let all: Vec<i32> = (5..45).filter(|number| *number != 17).collect();
        assert_eq!(gaps(&all), Some((1, 17)));
        assert_eq!(gaps(&(5..45).collect::<Vec<_>>()), None);
        assert_eq!(gaps(&(0..20).map(|k| 10 * k).collect::<Vec<_>>()), None);
        assert_eq!(gaps(&[1, 3]), None);
        assert_eq!(gaps(&[]), None);
        assert_eq!(gaps(&[i32::MIN, 0, 1, 2, 3, 4, 5, 6, 7, i32::MAX]), None);
    }

    #[test]
    fn a_phase_without_outer_contours_is_left_alone() {
        let phase =
            |from: usize, time: f32, outer: bool| (from..from + 5).map(move |k| (k, time + k as f32, outer));
        let both: Vec<Inner> = phase(0, 300.0, false).chain(phase(5, 700.0, true)).collect();
        assert!(without_outer(both.clone()).is_empty());
        let mut lacking = both;
        lacking[7].2 = false;
        assert_eq!(without_outer(lacking.clone()), [7]);
        let timeless: Vec<Inner> = lacking[5..].iter().map(|(k, _, outer)| (*k, f32::NAN, *outer)).collect();
        assert_eq!(without_outer(timeless), [7]);
    }
}
