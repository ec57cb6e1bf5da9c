//! Assignment of patients to splits.

use super::audit::Audited;
use super::given_splits::{Given, GivenBy, patients_of};
use super::identities::shared_findings;
use super::planned_split::{PlannedSplit, SplitPlan, SplitSource};
use super::pseudonym::Pseudonyms;
use super::survey::Survey;
use super::together::{Together, all_but_first};
use super::{OnShared, PrepError, PrepOptions, Splits};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::model::{Note, Place};
use crate::split::{SPLIT_RULE, SplitDraw, SplitName, SplitSpec, assign_draws};

/// The splits of the patients that are left, what it takes to keep a person in one of them, and notes.
pub(super) fn choose_splits(
    pairs: &SampleSet,
    audited: &mut Audited,
    survey: &Survey,
    pseudonyms: &Pseudonyms,
    options: &PrepOptions,
) -> Result<(SplitPlan, Vec<Note>), PrepError> {
    let mut notes = Vec::new();
    let shared = survey.identities.pairs();
    audited.findings.extend(shared_findings(pairs, &audited.samples, &shared));
    options.levels.keep(&mut audited.findings);
    let mut together = Together::of(pairs, &shared, options.on_shared);
    if options.on_shared == OnShared::Reject {
        audited.leave_out(pairs, &all_but_first(pairs, &audited.samples, &shared));
    }
    let given = Given::of(pairs, &audited.samples, &options.splits, pseudonyms, &mut notes)?;
    audited.leave_out(pairs, &together.torn(pairs, &audited.samples, &given));
    let chooser = Chooser { pairs, samples: &audited.samples, options, pseudonyms };
    let plan = chooser.choose(&given, &mut together, &mut notes);
    Ok((plan, notes))
}

/// Chooses the splits of the patients of `samples`.
struct Chooser<'a> {
    pairs: &'a SampleSet,
    samples: &'a [Sample],
    options: &'a PrepOptions,
    pseudonyms: &'a Pseudonyms,
}

impl Chooser<'_> {
    /// The split of every patient, and the rule in words.
    fn choose(&self, given: &Given, together: &mut Together, notes: &mut Vec<Note>) -> SplitPlan {
        let patients = patients_of(self.samples);
        let mut plan = SplitPlan {
            planned: PlannedSplit::nobody(self.pairs.patients.len()),
            patients: patients.len(),
            rule: String::new(),
            source: SplitSource::Nowhere,
        };
        let (spec, seed) = match &self.options.splits {
            _ if matches!(given.source, GivenBy::Images | GivenBy::Patients) => {
                plan.source = SplitSource::Listed;
                plan.rule = match given.source {
                    GivenBy::Images => "as the table of images says".to_owned(),
                    _ => "as listed in a table of patients".to_owned(),
                };
                for patient in patients {
                    let split = given.of_patient(patient).unwrap_or(SplitName::Unsplit);
                    plan.planned[patient as usize].split = split;
                }
                return plan;
            }
            Splits::Fractions(spec, seed) | Splits::Kept { spec, seed, .. } => (spec, *seed),
            Splits::Table(_) => (&SplitSpec::NONE, 0),
        };
        for &patient in &patients {
            // A draw by the true id would be the same without the key.
            let id = self.pseudonyms.of(&self.pairs.patients[patient as usize].id);
            plan.planned[patient as usize].draw = SplitDraw::of(spec, seed, &id);
        }
        let groups = together.members(&patients);
        let draws: Vec<_> = groups.iter().map(|(first, _)| plan.planned[*first as usize].draw).collect();
        let assigned: Vec<SplitName> = if given.source == GivenBy::Earlier {
            plan.source = SplitSource::Planned;
            let kept = |members: &Vec<u32>| members.iter().find_map(|&patient| given.of_patient(patient));
            groups.iter().zip(&draws).map(|((_, all), draw)| kept(all).unwrap_or(draw.among_all)).collect()
        } else {
            if !spec.is_none() {
                plan.source = SplitSource::Drawn(*spec);
            }
            assign_draws(spec, &draws)
        };
        for ((first, members), split) in groups.iter().zip(&assigned) {
            for &patient in members {
                let planned = &mut plan.planned[patient as usize];
                planned.split = *split;
                if plan.source != SplitSource::Nowhere {
                    planned.leader = *first;
                    planned.shares_with = together.shares_with(patient);
                    planned.kept = given.of_patient(patient);
                }
            }
        }
        note_empty_splits(spec, &assigned, patients.len(), notes);
        let shared = together.shared_groups(&patients);
        if plan.source != SplitSource::Nowhere {
            notes.extend(shared.iter().flat_map(|group| self.notes_of(group)));
        }
        plan.rule = self.rule(spec, given, !shared.is_empty());
        plan
    }

    /// The rule by fractions in words.
    fn rule(&self, spec: &SplitSpec, given: &Given, has_shared: bool) -> String {
        if spec.is_none() && given.source == GivenBy::Nobody {
            return "none".to_owned();
        }
        let order = if self.pseudonyms.is_keyed() { "in the order of patient_id" } else { "in link order" };
        let (kept, rule) = match given.source {
            GivenBy::Earlier => {
                let drawn = SPLIT_RULE.split(" Only where").next().unwrap_or_default();
                (" Patients of an earlier file as there; others are drawn.", drawn.to_owned())
            }
            _ => ("", SPLIT_RULE.replace("in link order", order)),
        };
        let shared = if has_shared { "an equal image, a study or a person" } else { "an equal image" };
        format!("{spec}:{kept} {rule} Patients that share {shared} count as one, by the first.")
    }

    /// The notes on patients that stand in one split because they share a study or a person.
    fn notes_of(&self, group: &[u32]) -> impl Iterator<Item = Note> {
        let folder = |patient: u32| {
            let patient = &self.pairs.patients[patient as usize];
            if patient.folder.is_empty() { patient.id.clone() } else { patient.folder.clone() }
        };
        let text =
            format!("it shares its study or its person with {}; both stand in one split", folder(group[0]));
        group[1..].iter().map(move |&other| Note::new(Place::file(&*folder(other)), text.clone()))
    }
}

fn note_empty_splits(spec: &SplitSpec, assigned: &[SplitName], count: usize, notes: &mut Vec<Note>) {
    if assigned.is_empty() {
        return;
    }
    for split in SplitName::ALL {
        if spec.fraction(split) > 0.0 && !assigned.contains(&split) {
            let name = split.name();
            let patients =
                if count == 1 { "is only 1 patient" } else { &format!("are only {count} patients") };
            let together = if assigned.len() < count {
                format!(", of whom no split tears apart {} groups", assigned.len())
            } else {
                String::new()
            };
            let text = format!("split {name} is empty: there {patients}{together}");
            notes.push(Note::new(Place::file("--split"), text));
        }
    }
}
