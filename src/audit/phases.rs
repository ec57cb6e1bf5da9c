//! Images that a patient's lack: by their numbers, and by the slices and phases that their headers tell.

use super::coverage::gaps;
use super::facts::Axes;
use super::finding::LISTED;
use super::headers::usual;
use super::neighbours::SAME_SLICE;
use super::{Check, Finding, ImageFacts};
use crate::model::Place;

/// Patients with fewer slices, or slices of fewer phases, tell nothing: single images were exported.
const ENOUGH_SLICES: usize = 3;
const ENOUGH_PHASES: usize = 5;
/// A step between two phases that is so many times as long as usual has one missing.
const LONG_STEP: f32 = 1.6;

/// Images missing in `folder`: `numbers` are those of the files, ascending, and `headers` those that
/// were read, with the numbers of their files; none where not all of the patient's were.
#[must_use]
pub fn missing_images(folder: &str, numbers: &[i32], headers: Vec<(i32, ImageFacts)>) -> Vec<Finding> {
    let short = short_slices(headers);
    let told: usize = short.iter().map(|slice| slice.usual - slice.phases).sum();
    let mut findings: Vec<Finding> =
        short.iter().take(LISTED).map(|slice| slice.finding(folder, short.len())).collect();
    // A phase that the slices already report is not reported again.
    let gap = gaps(numbers).filter(|(missing, _)| *missing != told as i64);
    if let (Some((missing, first)), [low, .., high]) = (gap, numbers) {
        let text = match missing {
            1 => format!("there are images {low} to {high}, but not {first}"),
            _ => format!("of the images {low} to {high}, {missing} are missing, first {first}"),
        };
        let values = [("missing", missing as f64), ("first_missing", f64::from(first))];
        let finding = Finding::of_samples(Check::MissingImage, Vec::new(), Place::file(folder), text);
        findings.push(finding.with(&values));
    }
    findings
}

/// A slice with fewer phases than most.
#[derive(Debug, Clone, PartialEq)]
struct ShortSlice {
    /// The smallest and the largest number of its images.
    numbers: [i32; 2],
    phases: usize,
    /// The phases of most slices, and how many slices have so many.
    usual: usize,
    slices: usize,
    /// Time of the missing phase in the cycle, in ms, if the times of the images tell.
    near: Option<f32>,
}

impl ShortSlice {
    fn finding(&self, folder: &str, all: usize) -> Finding {
        let Self { numbers: [low, high], phases, usual, slices, near } = *self;
        let near = near.map(|ms| format!("; one is missing near {ms:.0} ms")).unwrap_or_default();
        let more = match all.saturating_sub(LISTED) {
            0 => String::new(),
            more => format!("; {more} slices more lack phases"),
        };
        let text = format!(
            "the slice of images {low} to {high} has {phases} phases that can be read, {slices} others of the patient \
             have {usual}{near}{more}"
        );
        let values = [("phases", phases as f64), ("usual_phases", usual as f64)];
        Finding::of_samples(Check::MissingImage, Vec::new(), Place::file(folder), text).with(&values)
    }
}

/// An image in its stack.
#[derive(Debug, Clone, Copy)]
struct Frame {
    depth: f64,
    time: f32,
    number: i32,
}

/// The slices with fewer phases than more than half of the slices have, in the order of the stack.
fn short_slices(headers: Vec<(i32, ImageFacts)>) -> Vec<ShortSlice> {
    let mut slices = slices(headers);
    let with_times = slices.iter().flatten().all(|frame| frame.time.is_finite());
    let phases = |slice: &[Frame]| match with_times {
        true => slice.chunk_by(|a, b| a.time == b.time).count(),
        false => slice.len(),
    };
    slices.iter_mut().for_each(|slice| slice.sort_by(|a, b| a.time.total_cmp(&b.time)));
    let counts: Vec<usize> = slices.iter().map(|slice| phases(slice)).collect();
    let enough = |most: &usize| slices.len() >= ENOUGH_SLICES && *most >= ENOUGH_PHASES;
    let Some(most) = usual(counts.iter().copied()).filter(enough) else { return Vec::new() };
    let same = counts.iter().filter(|count| **count == most).count();
    let short = |(slice, &phases): (&Vec<Frame>, &usize)| {
        let numbers = slice.iter().map(|frame| frame.number);
        let numbers = [numbers.clone().min()?, numbers.max()?];
        let near = gap_in_time(slice).filter(|_| with_times);
        (phases < most).then_some(ShortSlice { numbers, phases, usual: most, slices: same, near })
    };
    slices.iter().zip(&counts).filter_map(short).collect()
}

/// The images by slice; those in other planes than most, as scouts are, and those without a position are left out.
fn slices(headers: Vec<(i32, ImageFacts)>) -> Vec<Vec<Frame>> {
    let orientation = |image: &ImageFacts| image.orientation.map(f32::to_bits);
    let most = usual(headers.iter().map(|(_, image)| orientation(image)));
    let of_most = headers.iter().find(|(_, image)| most.is_none_or(|most| orientation(image) == most));
    let Some(axes) = of_most.and_then(|(_, image)| Axes::of(image)) else { return Vec::new() };
    let frame = |(number, image): (i32, ImageFacts)| {
        let [_, _, depth] = image.locate([0.0; 2], &axes);
        let parallel = Axes::of(&image)?.are_parallel(&axes);
        (parallel && depth.is_finite()).then_some(Frame { depth, time: image.time, number })
    };
    let mut frames: Vec<Frame> = headers.into_iter().filter_map(frame).collect();
    frames.sort_by(|a, b| (a.depth, a.number).partial_cmp(&(b.depth, b.number)).expect("depths are finite"));
    let mut slices: Vec<Vec<Frame>> = Vec::new();
    for frame in frames {
        match slices.last_mut() {
            Some(slice) if frame.depth - slice[0].depth <= SAME_SLICE => slice.push(frame),
            _ => slices.push(vec![frame]),
        }
    }
    slices
}

/// Position of a missing phase between others: after the first step that is longer than usual.
fn gap_in_time(slice: &[Frame]) -> Option<f32> {
    let steps: Vec<f32> = slice.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
    let mut sorted = steps.clone();
    sorted.sort_unstable_by(f32::total_cmp);
    let step = sorted.get(sorted.len() / 2).copied().filter(|step| *step > 0.0)?;
    let long = steps.iter().position(|other| *other > LONG_STEP * step)?;
    Some(slice[long].time + step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GridShape;

    /// Six slices 8 mm apart, each with ten phases 40 ms apart.
    fn stack() -> Vec<(i32, ImageFacts)> {
        let image = |slice: i32, phase: i32| ImageFacts {
            channels: 1,
            shape: GridShape::new(8, 8).unwrap(),
            spacing: [1.0; 2],
            position: [0.0, 0.0, 8.0 * slice as f32],
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            time: 40.0 * phase as f32,
            instance_number: None,
        };
        (0..6)
            .flat_map(|slice| (0..10).map(move |phase| (1 + 10 * slice + phase, image(slice, phase))))
            .collect()
    }

    fn texts(headers: Vec<(i32, ImageFacts)>) -> Vec<String> {
        let numbers: Vec<i32> = headers.iter().map(|(number, _)| *number).collect();
        missing_images("p", &numbers, headers).into_iter().map(|finding| finding.text.to_string()).collect()
    }

    #[test]
    fn a_whole_stack_lacks_nothing() {
        assert!(texts(stack()).is_empty());
        // A slice scanned twice has not one phase less than others.
        let mut twice = stack();
        twice.extend((0..10).map(|k| (61 + k, stack()[k as usize].1)));
        assert!(texts(twice).is_empty());
    }

    #[test]
    fn a_slice_with_a_phase_less_is_found_however_its_files_are_numbered() {
        let mut headers = stack();
        headers.remove(23);
        headers.iter_mut().zip(1..).for_each(|(header, number)| header.0 = number);
        let found = "the slice of images 21 to 29 has 9 phases that can be read, 5 others of the patient have 10; one is \
                     missing near 120 ms";
        assert_eq!(texts(headers), [found]);
        let mut last = stack();
        last.remove(19);
        assert_eq!(texts(last).len(), 1, "the numbers tell the same once");
        let mut timeless = stack();
        timeless.remove(4);
        timeless.iter_mut().for_each(|(_, image)| image.time = f32::NAN);
        assert!(texts(timeless)[0].ends_with("have 10"));
    }

    #[test]
    fn single_images_and_scouts_tell_nothing() {
        let few =
            stack().into_iter().filter(|(number, _)| number % 10 < 3 && *number != 21).collect::<Vec<_>>();
        assert!(short_slices(few).is_empty());
        let mut scouts = stack();
        let scout = ImageFacts { orientation: [0.0, 1.0, 0.0, 0.0, 0.0, 1.0], ..stack()[0].1 };
        scouts.push((61, scout));
        scouts.push((62, ImageFacts { position: [f32::NAN; 3], ..scout }));
        assert!(texts(scouts).is_empty());
        assert!(short_slices(Vec::new()).is_empty());
    }

    #[test]
    fn numbers_alone_tell_of_gaps() {
        let numbers: Vec<i32> = (1..=20).filter(|number| *number != 7).collect();
        let findings = missing_images("p", &numbers, Vec::new());
        assert_eq!(&*findings[0].text, "there are images 1 to 20, but not 7");
    }
}
