//! Replaces the ids of patients in a report that may travel.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::PrepPlan;
use super::pseudonym::Pseudonyms;

/// The pseudonyms of all ids that a report of a plan may name.
#[derive(Debug)]
pub struct ReportIds {
    pseudonyms: HashMap<String, String>,
    /// Bytes of the ids, the longest first.
    lengths: Vec<usize>,
}

/// Folders that are called so in every data directory.
const USUAL: [&str; 4] = ["dicoms", "contourfiles", "i-contours", "o-contours"];

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl ReportIds {
    /// Of the patients and studies of `plan`, and of all folders of files that were left out. `None` where the plan has no
    /// key.
    #[must_use]
    pub fn of(plan: &PrepPlan) -> Option<Self> {
        let key = plan.options.pseudonym_key.clone()?;
        let of = Pseudonyms::new(Some(key));
        let pairs = &plan.pairs;
        let patients = pairs.patients.iter().flat_map(|patient| {
            let own = patient.own_id.as_deref().unwrap_or_default();
            [&*patient.id, own, file_name(&patient.folder)]
        });
        let studies = pairs.studies.iter().map(|study| &*study.original_id);
        let mut ids: BTreeSet<&str> = patients.chain(studies).collect();
        // Of what was left out, every folder may be a name.
        let folders = plan.skipped.iter().filter_map(|skipped| Some(skipped.place.file.rsplit_once('/')?.0));
        ids.extend(folders.flat_map(|folders| folders.split('/')).filter(|name| !USUAL.contains(name)));
        let pseudonyms: HashMap<String, String> =
            ids.into_iter().filter(|id| !id.is_empty()).map(|id| (id.to_owned(), of.of(id))).collect();
        let mut lengths: Vec<usize> = pseudonyms.keys().map(String::len).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths.dedup();
        Some(Self { pseudonyms, lengths })
    }

    /// Replaces every id in all texts of a report, wherever it stands as a word of its own. What is wrong with rows of the
    /// link table is left out: it quotes them.
    pub fn hide(&self, report: &mut Value) {
        if let Some(rows) = report.get_mut("rejected_rows").and_then(Value::as_array_mut) {
            rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| _ = row.remove("detail"));
        }
        self.hide_in(report);
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hidden(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.hide_in(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.hide_in(value)),
            _ => {}
        }
    }

    fn hidden(&self, text: &str) -> String {
        let (mut hidden, mut at, mut begins_word) = (String::with_capacity(text.len()), 0, true);
        while let Some(character) = text[at..].chars().next() {
            let found = if begins_word { self.id_at(&text[at..]) } else { None };
            match found {
                Some((id, pseudonym)) => {
                    hidden.push_str(pseudonym);
                    at += id.len();
                    begins_word = false;
                }
                None => {
                    hidden.push(character);
                    at += character.len_utf8();
                    begins_word = !character.is_alphanumeric();
                }
            }
        }
        hidden
    }

    /// The longest id that `text` begins with, as a word of its own.
    fn id_at<'t>(&self, text: &'t str) -> Option<(&'t str, &str)> {
        self.lengths.iter().find_map(|&length| {
            let (id, rest) = text.split_at_checked(length)?;
            let pseudonym = self.pseudonyms.get(id)?;
            let ends_word = !rest.chars().next().is_some_and(char::is_alphanumeric);
            ends_word.then_some((id, pseudonym.as_str()))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_replaced_as_words() {
        let pairs = [("Jane Doe", "x1"), ("Doe", "x2"), ("1", "x3"), ("clinic/images", "dicoms")];
        let pseudonyms: HashMap<_, _> = pairs.map(|(id, to)| (id.to_owned(), to.to_owned())).into();
        let ids = ReportIds { pseudonyms, lengths: vec![13, 8, 3, 1] };
        let mut report = json!({
            "rejected": [{ "file": "clinic/images/Jane Doe/1.dcm", "detail": "equals clinic/images/Doe/11.dcm" }],
            "rejected_rows": [{ "line": 3, "detail": "Smith is there twice" }],
            "samples": 1,
        });
        ids.hide(&mut report);
        let hidden = json!({
            "rejected": [{ "file": "dicoms/x1/x3.dcm", "detail": "equals dicoms/x2/11.dcm" }],
            "rejected_rows": [{ "line": 3 }],
            "samples": 1,
        });
        assert_eq!(report, hidden);
    }
}
