//! Folders that a row probably means where its own is not there.

use super::folders::Folders;
use super::link_table::LinkTable;

/// One of `names` that differs from `wanted` in letter case, leading zeros or punctuation only, as a remark.
pub(super) fn similar(names: &[&str], wanted: &str) -> Option<String> {
    let plain = |name: &str| {
        let digits = name.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
        let digits: Vec<String> = digits.map(|digits| digits.trim_start_matches('0').to_owned()).collect();
        let letters: String = name.chars().filter(|c| c.is_alphabetic()).collect();
        (letters.to_lowercase(), digits)
    };
    let found = names.iter().find(|name| plain(name) == plain(wanted))?;
    Some(format!("{found} is there, which is another id: write {found} into the row, or rename the folder"))
}

/// True if rows find their folders once their two ids are exchanged, and none does as it is.
pub(super) fn exchanged(table: &LinkTable, folders: &Folders) -> bool {
    let has = |images: &str, contours: &str| {
        folders.images.contains_key(images) && folders.contours.contains_key(contours)
    };
    let mut found = false;
    for row in &table.rows {
        if folders.images.contains_key(&row.patient_id) || folders.contours.contains_key(&row.original_id) {
            return false;
        }
        found |= has(&row.original_id, &row.patient_id);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_in_zeros_case_and_punctuation() {
        let names = ["SC-HF-I-01", "SC-HF-I-10"];
        for wanted in ["SC-HF-I-1", "sc-hf-i-001", "SC_HF_I_1"] {
            assert!(
                similar(&names, wanted).is_some_and(|text| text.starts_with("SC-HF-I-01 is")),
                "{wanted}"
            );
        }
        assert_eq!(similar(&names, "SC-HF-I-2"), None);
    }
}
