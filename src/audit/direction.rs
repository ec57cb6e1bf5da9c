//! Direction in which the points of a contour run. One program draws them all the same way, and a mirrored one runs the
//! other.

use std::collections::BTreeMap;

use super::copies::Annotation;
use super::disputes::Known;
use super::finding::LISTED;
use super::{Check, Finding};

/// Fewer others tell nothing.
const ENOUGH: usize = 4;
/// Of a whole patient, fewer other patients tell nothing.
const ENOUGH_PATIENTS: usize = 3;

/// Numbers of counterclockwise and of clockwise contours.
type Counts = [usize; 2];

/// The contours that run the other way round than others of their structure: of the patient or, where these tell
/// nothing, of the other patients; and the patients whose contours do, one finding for each.
pub(super) fn findings(known: Known<'_>) -> Vec<Finding> {
    let percent = known.options.thresholds.direction;
    let mut findings = Vec::new();
    let mut of_patients: BTreeMap<u32, Vec<Whole>> = BTreeMap::new();
    for (plane, structure) in known.plan.structures().names().enumerate() {
        let courses = courses(known, plane);
        let patients: BTreeMap<u32, Counts> = by_patient(&courses);
        let all = patients.values().fold([0; 2], |all, own| [all[0] + own[0], all[1] + own[1]]);
        for course in &courses {
            let own = patients[&course.patient];
            if let Some(told) = odd(course.clockwise, own, all, percent) {
                findings.push(contour_finding(known, course, told, structure));
            }
        }
        for (patient, whole) in odd_patients(&patients, percent) {
            let mine = courses.iter().filter(|course| course.patient == patient);
            let annotations = mine.map(|course| course.annotation).collect();
            of_patients.entry(patient).or_default().push(Whole { annotations, ..whole });
        }
    }
    findings.extend(of_patients.into_values().map(|wholes| patient_finding(known, &wholes)));
    findings
}

/// A contour and which way it runs.
struct Course {
    annotation: Annotation,
    patient: u32,
    clockwise: bool,
}

fn courses(known: Known<'_>, plane: usize) -> Vec<Course> {
    let planes = known.plan.structures().len();
    let course = |(number, sample): (usize, &crate::model::Sample)| {
        // What encloses nothing runs no way.
        let facts = known.facts[number * planes + plane]?;
        (f64::from(facts.area) >= known.options.thresholds.min_area).then_some(Course {
            annotation: (number as u32, plane as u8),
            patient: sample.patient,
            clockwise: facts.clockwise,
        })
    };
    known.samples.iter().enumerate().filter_map(course).collect()
}

fn by_patient(courses: &[Course]) -> BTreeMap<u32, Counts> {
    let mut patients: BTreeMap<u32, Counts> = BTreeMap::new();
    for course in courses {
        patients.entry(course.patient).or_default()[usize::from(course.clockwise)] += 1;
    }
    patients
}

/// Others, and how many of them run the other way round.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Told {
    of_patient: bool,
    against: usize,
    others: usize,
}

/// Verdict of the other contours against a contour: its patient's, of which it is one of `own`, or those of
/// other patients, who have what of `all` is not `own`.
fn odd(clockwise: bool, own: Counts, all: Counts, percent: f64) -> Option<Told> {
    let enough = |count: usize, others: usize| others >= ENOUGH && is_most(count, others, percent);
    let (same, against) = (own[usize::from(clockwise)] - 1, own[usize::from(!clockwise)]);
    if enough(against, same + against) {
        return Some(Told { of_patient: true, against, others: same + against });
    }
    if enough(same, same + against) {
        return None;
    }
    let against = all[usize::from(!clockwise)] - against;
    let others = all[0] + all[1] - own[0] - own[1];
    enough(against, others).then_some(Told { of_patient: false, against, others })
}

fn is_most(count: usize, all: usize, percent: f64) -> bool {
    100.0 * count as f64 >= percent * all as f64
}

/// All contours of one structure of one patient.
#[derive(Debug, Clone, PartialEq)]
struct Whole {
    annotations: Vec<Annotation>,
    clockwise: bool,
    /// Of the patient's contours, how many run this way.
    count: usize,
    /// Other patients, and how many of them run the other way.
    patients: usize,
    against: usize,
}

/// The patients nearly all of whose contours run the other way round than nearly all in nearly all other patients.
fn odd_patients(patients: &BTreeMap<u32, Counts>, percent: f64) -> Vec<(u32, Whole)> {
    let vote = |own: &Counts| {
        let all = own[0] + own[1];
        let most = usize::from(own[1] > own[0]);
        (all >= ENOUGH && is_most(own[most], all, percent) && own[0] != own[1]).then_some(most)
    };
    let votes: Vec<(u32, usize, usize)> =
        patients.iter().filter_map(|(&patient, own)| vote(own).map(|way| (patient, way, own[way]))).collect();
    let clockwise: usize = votes.iter().map(|(_, way, _)| way).sum();
    let against = |way: usize| if way == 1 { votes.len() - clockwise } else { clockwise };
    let others = votes.len().saturating_sub(1);
    let odd = |&&(_, way, _): &&(u32, usize, usize)| {
        others >= ENOUGH_PATIENTS && is_most(against(way), others, percent)
    };
    let whole = |&(patient, way, count): &(u32, usize, usize)| {
        let against = against(way);
        (patient, Whole { annotations: Vec::new(), clockwise: way == 1, count, patients: others, against })
    };
    votes.iter().filter(odd).map(whole).collect()
}

fn way(clockwise: bool) -> &'static str {
    if clockwise { "clockwise" } else { "counterclockwise" }
}

fn contour_finding(known: Known<'_>, course: &Course, told: Told, structure: &str) -> Finding {
    let (number, plane) = course.annotation;
    let Told { of_patient, against, others } = told;
    let whose = if of_patient {
        format!("other {structure} contours of the patient")
    } else {
        format!("{structure} contours of other patients")
    };
    let text = format!(
        "its points run {} as seen on the screen, those of {against} of the {others} {whose} run {}: it may be mirrored",
        way(course.clockwise),
        way(!course.clockwise)
    );
    Finding::of_annotation(Check::Direction, number, usize::from(plane), known.place(course.annotation), text)
        .with(&[("against", against as f64), ("others", others as f64)])
}

/// Finding: the contours of one patient, of one structure or two, run the other way round than those of other patients.
fn patient_finding(known: Known<'_>, wholes: &[Whole]) -> Finding {
    let annotations: Vec<Annotation> = wholes.iter().flat_map(|whole| &whole.annotations).copied().collect();
    let count: usize = wholes.iter().map(|whole| whole.count).sum();
    let Whole { clockwise, patients, against, .. } = wholes[0];
    let text = format!(
        "the points of {count} of the patient's {} contours run {} as seen on the screen, those of {against} of the \
         {patients} other patients run {}: all of the patient may be mirrored",
        annotations.len(),
        way(clockwise),
        way(!clockwise)
    );
    let mut samples: Vec<u32> = annotations.iter().map(|annotation| annotation.0).collect();
    samples.sort_unstable();
    samples.dedup();
    let beside = annotations[1..].iter().take(LISTED).map(|&annotation| known.place(annotation)).collect();
    Finding::of_samples(Check::Direction, samples, known.place(annotations[0]), text)
        .with(&[("against_patients", against as f64), ("other_patients", patients as f64)])
        .beside(beside)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_of_the_patient_tell() {
        let all = [1, 40];
        let told = |against, others| Some(Told { of_patient: true, against, others });
        assert_eq!(odd(false, [1, 17], all, 80.0), told(17, 17));
        assert_eq!(odd(false, [2, 8], all, 80.0), told(8, 9));
        assert_eq!(odd(true, [1, 17], all, 80.0), None);
        // The patient's own go before those of others.
        assert_eq!(odd(false, [9, 1], [9, 100], 80.0), None);
        assert_eq!(odd(true, [9, 1], [9, 100], 80.0), told(9, 9));
    }

    #[test]
    fn where_they_tell_nothing_those_of_other_patients_do() {
        let told = |against, others| Some(Told { of_patient: false, against, others });
        assert_eq!(odd(false, [1, 1], [1, 41], 80.0), told(40, 40));
        assert_eq!(odd(false, [5, 5], [6, 44], 80.0), told(39, 40));
        assert_eq!(odd(false, [1, 0], [1, 3], 80.0), None);
        // Drawn both ways, here and there.
        assert_eq!(odd(false, [3, 7], [30, 40], 80.0), None);
        assert_eq!(odd(true, [7, 3], [30, 40], 80.0), None);
    }

    #[test]
    fn a_patient_is_told_by_patients() {
        let patients = |counts: &[Counts]| counts.iter().enumerate().map(|(k, c)| (k as u32, *c)).collect();
        let found = |counts: &[Counts]| -> Vec<u32> {
            odd_patients(&patients(counts), 80.0).into_iter().map(|(patient, _)| patient).collect()
        };
        assert_eq!(found(&[[0, 9], [9, 1], [0, 9], [1, 9], [2, 1]]), [1]);
        assert!(found(&[[0, 9], [9, 0], [0, 9]]).is_empty());
        assert!(found(&[[0, 9], [9, 0], [0, 9], [9, 0], [0, 9]]).is_empty());
        assert!(found(&[]).is_empty());
    }
}
