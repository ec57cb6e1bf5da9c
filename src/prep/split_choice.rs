//! Assignment of patients to splits and folds.

use super::audit::Audited;
use super::folds::Units;
use super::given_splits::{Given, GivenBy, patients_of};
use super::grouping::{GroupingError, PatientLabels};
use super::identities::{Identities, shared_findings};
use super::planned_split::{PlannedSplit, SplitPlan, SplitSource};
use super::pseudonym::Pseudonyms;
use super::together::{Together, all_but_first};
use super::{OnShared, PrepError, PrepOptions, Splits};
use crate::layout::SampleSet;
use crate::model::{Note, Place, Sample};
use crate::split::{
    SPLIT_RULE, SplitDraw, SplitName, SplitSpec, Unit, apportion, assign_draws, split_shares,
};

/// The rule where a table of images has the splits.
pub(super) const LISTED_WITH_IMAGES: &str = "as the table of images says";

/// Everything that splits depend on, beside options.
#[derive(Clone, Copy)]
pub(super) struct SplitBasis<'a> {
    pub(super) pairs: &'a SampleSet,
    pub(super) labels: &'a PatientLabels,
    pub(super) pseudonyms: &'a Pseudonyms,
    pub(super) identities: &'a Identities,
}

/// The splits of the patients that are left, what it takes to keep a person in one of them, and notes.
pub(super) fn choose_splits(
    basis: SplitBasis<'_>,
    audited: &mut Audited,
    options: &PrepOptions,
) -> Result<(SplitPlan, Vec<Note>), PrepError> {
    let mut notes = Vec::new();
    let SplitBasis { pairs, labels, pseudonyms, identities } = basis;
    let shared = identities.pairs();
    audited.findings.extend(shared_findings(pairs, &audited.samples, &shared));
    options.levels.keep(&mut audited.findings);
    let mut together = Together::of(pairs, labels, &shared, options.on_shared);
    if options.on_shared == OnShared::Reject {
        audited.leave_out(pairs, &all_but_first(pairs, &audited.samples, &shared));
    }
    let given = Given::of(pairs, &audited.samples, &options.splits, pseudonyms, &mut notes)?;
    audited.leave_out(pairs, &together.torn(pairs, &audited.samples, &given));
    let patients = patients_of(&audited.samples);
    let (_, seed) = drawn(&options.splits);
    let units = Units::new(pairs, labels, pseudonyms, seed, &patients);
    let chooser = Chooser { basis, samples: &audited.samples, patients, options, units };
    let plan = chooser.choose(&given, &mut together, &mut notes).map_err(Box::new)?;
    Ok((plan, notes))
}

/// Fractions and seed by which patients are drawn.
fn drawn(splits: &Splits) -> (&SplitSpec, u64) {
    match splits {
        Splits::Fractions(spec, seed) | Splits::Kept { spec, seed, .. } => (spec, *seed),
        Splits::Table(_) => (&SplitSpec::NONE, 0),
    }
}

/// Chooses the splits and folds of the patients of `samples`.
struct Chooser<'a> {
    basis: SplitBasis<'a>,
    samples: &'a [Sample],
    patients: Vec<u32>,
    options: &'a PrepOptions,
    units: Units<'a>,
}

impl Chooser<'_> {
    /// The split and the fold of every patient, and the rule in words.
    fn choose(
        &self,
        given: &Given,
        together: &mut Together,
        notes: &mut Vec<Note>,
    ) -> Result<SplitPlan, GroupingError> {
        debug_assert_eq!(self.patients, patients_of(self.samples));
        let mut plan = SplitPlan {
            planned: PlannedSplit::nobody(self.basis.pairs.patients.len()),
            patients: self.patients.len(),
            rule: String::new(),
            source: SplitSource::Nowhere,
        };
        let (spec, _) = drawn(&self.options.splits);
        let is_listed = matches!(given.source, GivenBy::Images | GivenBy::Patients);
        if self.options.grouping.stratify.is_some() && self.options.grouping.folds.is_none() {
            if is_listed {
                return Err(GroupingError::NothingToDraw { given: "a table lists them" });
            } else if spec.is_none() {
                return Err(GroupingError::NothingToDraw { given: "there are none" });
            }
        }
        if is_listed {
            self.list(given, &mut plan);
        } else {
            self.draw(given, together, &mut plan, notes);
        }
        // Without a sample there will be no file, and what was left out says why.
        if let Some(folds) = self.options.grouping.folds.filter(|_| !self.patients.is_empty()) {
            self.fold(folds, together, &mut plan, notes)?;
            self.add_fold_rule(folds, &mut plan);
        }
        let shared = together.shared_groups(&self.patients);
        if plan.source != SplitSource::Nowhere && !is_listed {
            notes.extend(shared.iter().flat_map(|group| self.notes_of(group, &plan)));
        }
        Ok(plan)
    }

    /// The splits as a table says.
    fn list(&self, given: &Given, plan: &mut SplitPlan) {
        plan.source = SplitSource::Listed;
        plan.rule = match given.source {
            GivenBy::Images => LISTED_WITH_IMAGES.to_owned(),
            _ => "as listed in a table of patients".to_owned(),
        };
        for &patient in &self.patients {
            let split = given.of_patient(patient).unwrap_or(SplitName::Unsplit);
            plan.planned[patient as usize].split = split;
        }
    }

    /// Draws the splits of all patients that are not kept where they are.
    fn draw(&self, given: &Given, together: &mut Together, plan: &mut SplitPlan, notes: &mut Vec<Note>) {
        let (spec, seed) = drawn(&self.options.splits);
        for &patient in &self.patients {
            plan.planned[patient as usize].draw = SplitDraw::of(spec, seed, &self.units.drawn_by(patient));
        }
        let groups = together.members(&self.patients);
        let draws: Vec<_> = groups.iter().map(|(first, _)| plan.planned[*first as usize].draw).collect();
        let kept = |members: &Vec<u32>| members.iter().find_map(|&patient| given.of_patient(patient));
        let assigned: Vec<SplitName> = if self.basis.labels.has_strata() && !spec.is_none() {
            plan.source = SplitSource::Planned;
            let unit = |(first, members): &(u32, Vec<u32>)| {
                self.units.of(*first, members, kept(members).map(|split| split as usize))
            };
            let units: Vec<Unit> = groups.iter().map(unit).collect();
            let parts = apportion(&split_shares(spec), &units);
            let asked = SplitName::ALL.into_iter().filter(|split| spec.fraction(*split) > 0.0);
            let asked: Vec<_> = asked.map(|split| (split as usize, split.name().to_owned())).collect();
            self.units.note_small_strata(&units, &parts, &asked, notes);
            parts.into_iter().map(|part| SplitName::ALL[part]).collect()
        } else if given.source == GivenBy::Earlier {
            plan.source = SplitSource::Planned;
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
        note_empty_splits(spec, &assigned, self.patients.len(), notes);
        let has_shared = !together.shared_groups(&self.patients).is_empty();
        plan.rule = self.rule(spec, given, has_shared);
    }

    /// Draws the folds of all patients. Those of the train split are spread evenly; others have one too, for the case that
    /// they come to train when it is known which images are equal.
    fn fold(
        &self,
        folds: u16,
        together: &mut Together,
        plan: &mut SplitPlan,
        notes: &mut Vec<Note>,
    ) -> Result<(), GroupingError> {
        let groups = together.members(&self.patients);
        let trains = |first: u32| plan.planned[first as usize].split.counts_as_train();
        let (training, others): (Vec<_>, Vec<_>) = groups.iter().partition(|(first, _)| trains(*first));
        if training.len() < usize::from(folds) {
            let of_train = if others.is_empty() { "" } else { " in the train split" };
            return Err(GroupingError::TooManyFolds { folds, groups: training.len(), of_train });
        }
        let earlier = self.earlier_folds(folds, notes);
        let shares = vec![1; usize::from(folds)];
        for (of_train, groups) in [(true, training), (false, others)] {
            let kept = |members: &Vec<u32>| members.iter().find_map(|&patient| earlier[patient as usize]);
            let unit = |(first, members): &&(u32, Vec<u32>)| {
                self.units.of(*first, members, kept(members).map(usize::from))
            };
            let units: Vec<Unit> = groups.iter().map(unit).collect();
            let parts = apportion(&shares, &units);
            if of_train {
                let names: Vec<_> =
                    (0..usize::from(folds)).map(|fold| (fold, format!("fold {fold}"))).collect();
                self.units.note_small_strata(&units, &parts, &names, notes);
            }
            for ((first, members), &part) in groups.iter().zip(&parts) {
                for &patient in members {
                    let shares_with = together.shares_with(patient);
                    let planned = &mut plan.planned[patient as usize];
                    (planned.leader, planned.shares_with) = (*first, shares_with);
                    // There are no more than `folds` parts.
                    planned.fold = Some(part as u16);
                }
            }
        }
        if plan.source == SplitSource::Nowhere {
            plan.source = SplitSource::Planned;
        }
        Ok(())
    }

    /// For each patient of the data its fold in an earlier file, if that has as many folds.
    fn earlier_folds(&self, folds: u16, notes: &mut Vec<Note>) -> Vec<Option<u16>> {
        let earlier = match &self.options.splits {
            Splits::Kept { earlier, .. } => earlier.fold_count().map(|count| (earlier, count)),
            Splits::Fractions(..) | Splits::Table(_) => None,
        };
        if let Some((_, count)) = earlier.filter(|(_, count)| *count != folds) {
            let text =
                format!("the earlier file has {count} folds, not {folds}: all patients are drawn anew");
            notes.push(Note::new(Place::file("--folds"), text));
        }
        let earlier = earlier.filter(|(_, count)| *count == folds).map(|(earlier, _)| earlier);
        let fold = |id: &str| earlier?.fold_of(id, self.basis.pseudonyms).filter(|fold| *fold < folds);
        self.basis.pairs.patients.iter().map(|patient| fold(&patient.id)).collect()
    }

    fn add_fold_rule(&self, folds: u16, plan: &mut SplitPlan) {
        let whose = match plan.planned.iter().any(|planned| planned.split != SplitName::Unsplit) {
            true => "the train split",
            false => "all patients",
        };
        let rule = format!("{folds} folds of {whose}, by patient: {APPORTIONED} {}", self.of_table());
        plan.rule = match plan.rule.as_str() {
            "none" => rule.trim_end().to_owned(),
            splits => format!("{splits} Then {rule}").trim_end().to_owned(),
        };
    }

    /// The rule by fractions in words.
    fn rule(&self, spec: &SplitSpec, given: &Given, has_shared: bool) -> String {
        let keeps_splits = match &self.options.splits {
            Splits::Kept { earlier, .. } => !earlier.has_folds_alone(),
            Splits::Fractions(..) | Splits::Table(_) => false,
        };
        if spec.is_none() && !keeps_splits {
            return "none".to_owned();
        }
        let keyed = self.basis.pseudonyms.is_keyed();
        let order = if keyed { "in the order of patient_id" } else { "in link order" };
        let (kept, mut rule) = match given.source {
            GivenBy::Earlier => {
                let drawn = SPLIT_RULE.split(" Only where").next().unwrap_or_default();
                (" Patients of an earlier file as there; others are drawn.", drawn.to_owned())
            }
            _ => ("", SPLIT_RULE.replace("in link order", order)),
        };
        if self.basis.labels.has_strata() {
            rule = format!("By patient: {APPORTIONED}");
        }
        let shared = if has_shared { "an equal image, a study or a person" } else { "an equal image" };
        let of_table = self.of_table();
        format!("{spec}:{kept} {rule} Patients that share {shared} count as one, by the first. {of_table}")
            .trim_end()
            .to_owned()
    }

    /// The rule about columns of the table in words.
    fn of_table(&self) -> String {
        let grouping = &self.options.grouping;
        let mut text = String::new();
        if let Some(column) = &grouping.group {
            text += &format!(
                "Patients with one value in column {column:?} of the table count as one, drawn by that value instead of an \
                 id. "
            );
        }
        if let Some(column) = &grouping.stratify {
            text += &format!("The strata are the values in column {column:?}.");
        }
        text.trim_end().to_owned()
    }

    /// The notes on patients that stand in one split because they share a study or a person.
    fn notes_of(&self, group: &[u32], plan: &SplitPlan) -> impl Iterator<Item = Note> {
        let folder = |patient: u32| {
            let patient = &self.basis.pairs.patients[patient as usize];
            if patient.folder.is_empty() { patient.id.clone() } else { patient.folder.clone() }
        };
        let text = format!(
            "it shares its study or its person with {}; both stand in one {}",
            folder(group[0]),
            plan.one(group[0])
        );
        group[1..].iter().map(move |&other| Note::new(Place::file(&*folder(other)), text.clone()))
    }
}

/// The rule of [`apportion`] in words.
const APPORTIONED: &str = "stratum by stratum, the rarest first, and in each the largest group first, then in the order of \
    u, the first 8 bytes (big endian) of SHA-256(\"dicomprep split v1\" + seed as 8 bytes little endian + patient_id), each \
    group goes to the part that lacks most of the stratum, with what strata before it have left.";

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
