//! Plans of whole data directories: every file ends in exactly one bin, whatever the folders hold.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use dicomprep::files::FilesError;
use dicomprep::layout::{LayoutError, LinkedFolders, Require, SampleSet, Select};
use dicomprep::model::{Bin, Reason};
use proptest::prelude::*;

use crate::common::linked::{plan, select, tree, write};

fn inner() -> Select {
    select("inner", Require::Any)
}

fn plan_of(root: &Path, options: &Select) -> SampleSet {
    let plan = plan(&LinkedFolders::new(root, None, None, None).unwrap(), options).unwrap();
    assert_complete(root, &plan);
    plan
}

/// All entries that are no folders.
fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.symlink_metadata().unwrap().is_dir() {
            walk(&path, root, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}

/// The names of all files of the plan, by what became of them.
fn planned(plan: &SampleSet) -> Vec<String> {
    let mut names = vec!["link.csv".to_owned()];
    for sample in plan.samples.iter().chain(&plan.unlabelled) {
        names.push(plan.image_name(sample));
        names.extend((0..sample.annotations.len()).filter_map(|i| plan.annotation_name(sample, i)));
    }
    names.extend(plan.skipped.iter().map(|skipped| skipped.place.file.clone()));
    names
}

fn assert_complete(root: &Path, plan: &SampleSet) {
    let mut found = Vec::new();
    walk(root, root, &mut found);
    let mut planned = planned(plan);
    found.sort();
    planned.sort();
    assert_eq!(planned, found);
    assert_eq!(plan.catalog.len(), found.len());
    assert_eq!(plan.tally().total(), found.len());
    assert!(plan.skipped.is_sorted() && plan.notes.is_sorted());
}

fn skipped(plan: &SampleSet) -> Vec<(&str, Reason)> {
    plan.skipped.iter().map(|s| (s.place.file.as_str(), s.reason)).collect()
}

fn sample_ids(plan: &SampleSet) -> Vec<String> {
    plan.samples.iter().map(|sample| sample.id.to_string()).collect()
}

fn notes(plan: &SampleSet) -> Vec<String> {
    plan.notes.iter().map(|note| format!("{}: {}", note.place, note.text)).collect()
}

const TREE: [&str; 8] = [
    "dicoms/P1/1.dcm",
    "dicoms/P1/002.dcm",
    "dicoms/P1/10.dcm",
    "dicoms/P2/7.dcm",
    "contourfiles/O1/i-contours/IM-0001-0002-icontour-manual.txt",
    "contourfiles/O1/i-contours/IM-0001-0010-icontour-manual.txt",
    "contourfiles/O1/o-contours/IM-0001-0010-ocontour-manual.txt",
    "contourfiles/O2/i-contours/IM-0001-0007-icontour-manual.txt",
];

#[test]
fn samples_stand_in_link_order_then_by_number() {
    let root = tree("P2,O2\nP1,O1\n", &TREE);
    let plan = plan_of(root.path(), &select("inner,outer", Require::Any));
    assert_eq!(sample_ids(&plan), ["P2/7", "P1/002", "P1/10"]);
    assert_eq!(plan.unlabelled.len(), 1);
    assert!(plan.skipped.is_empty() && plan.notes.is_empty() && plan.rejected_rows.is_empty());
    let last = &plan.samples[2];
    assert_eq!((last.patient, last.number, plan.study(last).place.line), (1, Some(10), Some(3)));
    assert_eq!(plan.image_name(last), "dicoms/P1/10.dcm");
    assert_eq!(plan.image_path(last), root.path().canonicalize().unwrap().join("dicoms/P1/10.dcm"));
    let outer = "contourfiles/O1/o-contours/IM-0001-0010-ocontour-manual.txt";
    assert_eq!(plan.annotation_name(last, 1).as_deref(), Some(outer));
    assert_eq!(plan.annotation_path(last, 1), Some(root.path().canonicalize().unwrap().join(outer)));
    assert_eq!(plan.annotation_name(&plan.samples[1], 1), None);
    assert_eq!(plan.tally().count(Bin::Used), 8);
}

#[test]
fn folders_and_rows_that_have_no_partner_are_told() {
    let root = tree(
        "P1,O1\nP3,O3\nP4,O4\n",
        &[
            "dicoms/P1/1.dcm",
            "contourfiles/O1/o-contours/IM-0001-0001-ocontour-manual.txt",
            "contourfiles/O3/i-contours/IM-0001-0001-icontour-manual.txt",
            "dicoms/P4/1.dcm",
            "dicoms/P9/1.dcm",
            "contourfiles/O9/i-contours/any.txt",
        ],
    );
    let plan = plan_of(root.path(), &inner());
    assert_eq!(
        skipped(&plan),
        [
            ("contourfiles/O1/o-contours/IM-0001-0001-ocontour-manual.txt", Reason::StructureNotAsked),
            ("contourfiles/O3/i-contours/IM-0001-0001-icontour-manual.txt", Reason::ContourWithoutImage),
            ("contourfiles/O9/i-contours/any.txt", Reason::NotLinked),
            ("dicoms/P9/1.dcm", Reason::NotLinked),
        ]
    );
    assert_eq!(notes(&plan), ["link.csv:2, column original_id: contourfiles/O1 has no inner contour"]);
    let unmatched: Vec<_> = plan.unmatched.iter().map(|found| (&*found.place.file, found.files)).collect();
    assert_eq!(unmatched, [("contourfiles/O9", 1), ("dicoms/P9", 1)]);
    let text = "the folder has no row in link.csv; its 1 files are ignored; --allow-missing makes it a note";
    assert_eq!(plan.unmatched[0].text, text);
    let rejected: Vec<_> =
        plan.rejected_rows.iter().map(|row| format!("{}: {}", row.place, row.detail)).collect();
    let missing = |text: &str| format!("{text}; --allow-missing makes it a note");
    assert_eq!(
        rejected,
        [
            missing("link.csv:3, column patient_id: there is no folder dicoms/P3 that could be read"),
            missing("link.csv:4, column original_id: there is no folder contourfiles/O4 that could be read"),
        ]
    );
}

#[test]
fn files_of_rejected_rows_go_with_their_rows() {
    let mut files = TREE.to_vec();
    files.push("secret.dcm");
    let root = tree("P1,O1\nP2,O2\nP3,O2\n../secret,O1x\nP1,O1\n", &files);
    let plan = plan_of(root.path(), &inner());
    assert_eq!(sample_ids(&plan), ["P1/002", "P1/10"]);
    let rejected: Vec<_> = plan.rejected_rows.iter().map(|row| row.place.to_string()).collect();
    assert_eq!(
        rejected,
        [
            "link.csv:3, column original_id",
            "link.csv:4, column original_id",
            "link.csv:5, column patient_id",
            "link.csv:6, column patient_id"
        ]
    );
    let of_rows: Vec<_> = plan.skipped.iter().filter(|s| s.reason == Reason::LinkRow).collect();
    assert_eq!(of_rows.len(), 2);
    assert_eq!(of_rows[1].place.file, "dicoms/P2/7.dcm");
    assert_eq!(of_rows[1].detail, "its row cannot be used, see link.csv:3, column original_id");
    assert!(skipped(&plan).contains(&("secret.dcm", Reason::OutsideLayout)));
}

#[test]
fn files_that_are_no_data_are_ignored() {
    let root = tree(
        "P1,O1\n",
        &[
            "README.txt",
            "dicoms/.DS_Store",
            "dicoms/index.dcm",
            "dicoms/P1/1.dcm",
            "dicoms/P1/._1.dcm",
            "dicoms/P1/1.dcm.bak",
            "dicoms/P1/Thumbs.db",
            "dicoms/P1/old/2.dcm",
            "dicoms/P1/.cache/a/b/3.dcm",
            "contourfiles/DESKTOP.INI",
            "contourfiles/O1/list.txt",
            "contourfiles/O1/p-contours/IM-0001-0001-icontour-manual.txt",
            "contourfiles/O1/i-contours/IM-0001-0001-icontour-manual.txt",
            "contourfiles/O1/i-contours/IM-0001-0001-icontour-auto.txt",
            "deep/a/b/c/1.dcm",
        ],
    );
    let plan = plan_of(root.path(), &inner());
    assert_eq!(sample_ids(&plan), ["P1/1"]);
    use Reason::{HiddenFile, NameDoesNotFit, OutsideLayout, SystemFile};
    assert_eq!(
        skipped(&plan),
        [
            ("README.txt", OutsideLayout),
            ("contourfiles/DESKTOP.INI", SystemFile),
            ("contourfiles/O1/i-contours/IM-0001-0001-icontour-auto.txt", NameDoesNotFit),
            ("contourfiles/O1/list.txt", OutsideLayout),
            ("contourfiles/O1/p-contours/IM-0001-0001-icontour-manual.txt", OutsideLayout),
            ("deep/a/b/c/1.dcm", OutsideLayout),
            ("dicoms/.DS_Store", HiddenFile),
            ("dicoms/P1/._1.dcm", HiddenFile),
            ("dicoms/P1/.cache/a/b/3.dcm", HiddenFile),
            ("dicoms/P1/1.dcm.bak", NameDoesNotFit),
            ("dicoms/P1/Thumbs.db", SystemFile),
            ("dicoms/P1/old/2.dcm", OutsideLayout),
            ("dicoms/index.dcm", OutsideLayout),
        ]
    );
}

#[test]
fn a_deep_tree_is_walked() {
    let root = tree("P1,O1\n", &[]);
    let deep = "d/".repeat(900) + "x.txt";
    write(root.path(), &deep);
    let plan = plan_of(root.path(), &inner());
    assert_eq!(skipped(&plan), [(deep.as_str(), Reason::OutsideLayout)]);
}

#[test]
fn parts_that_are_missing_stop_the_plan_and_say_which_option_helps() {
    let root = tempfile::tempdir().unwrap();
    let message = |name: &str| {
        let layout = LinkedFolders::new(&root.path().join(name), None, None, None);
        let made = layout.map_err(LayoutError::from).and_then(|layout| plan(&layout, &inner()));
        made.unwrap_err().to_string()
    };
    assert!(message("nowhere").contains("name an existing data directory"));
    assert!(message("").contains("dicoms: this folder cannot be opened; name the folder of the images"));
    fs::create_dir(root.path().join("dicoms")).unwrap();
    fs::write(root.path().join("contourfiles"), "").unwrap();
    assert!(message("").contains("contourfiles: this is not a folder"));
    fs::remove_file(root.path().join("contourfiles")).unwrap();
    fs::create_dir(root.path().join("contourfiles")).unwrap();
    assert!(message("").starts_with("link.csv: there is no such file"));
}

#[test]
fn parts_may_be_elsewhere() {
    let root = tree("P1,O1\n", &[]);
    let other = tree("", &TREE);
    write(other.path(), "tables/mine.csv");
    fs::write(other.path().join("tables/mine.csv"), "patient_id,original_id\nP2,O2\n").unwrap();
    let [link, dicoms, contours] =
        ["tables/mine.csv", "dicoms", "contourfiles"].map(|p| other.path().join(p));

    let layout = LinkedFolders::new(root.path(), Some(&link), Some(&dicoms), Some(&contours)).unwrap();
    let plan = plan(&layout, &inner()).unwrap();
    assert_eq!(sample_ids(&plan), ["P2/7"]);
    assert_eq!(plan.image_name(&plan.samples[0]), "dicoms/P2/7.dcm");
    assert!(plan.image_path(&plan.samples[0]).starts_with(other.path().canonicalize().unwrap()));
    // The eight files elsewhere, the table, and the table that was not asked for.
    assert_eq!((plan.catalog.len(), plan.tally().total()), (10, 10));
    assert!(skipped(&plan).contains(&("link.csv", Reason::OutsideLayout)));
}

#[test]
fn parts_may_have_other_names_in_the_data_directory() {
    let root = tree("P1,O1\n", &["raw/images/P1/1.dcm", "raw/notes.txt"]);
    write(root.path(), "raw/drawn/O1/i-contours/IM-1-1-icontour-manual.txt");
    let [dicoms, contours] = ["raw/images", "raw/drawn"].map(|p| root.path().join(p));
    let layout = LinkedFolders::new(root.path(), None, Some(&dicoms), Some(&contours)).unwrap();
    let plan = plan(&layout, &inner()).unwrap();
    assert_complete(root.path(), &plan);
    assert_eq!(plan.image_name(&plan.samples[0]), "raw/images/P1/1.dcm");
    assert_eq!(skipped(&plan), [("raw/notes.txt", Reason::OutsideLayout)]);
}

#[test]
fn the_data_directory_may_hold_the_patients_itself() {
    let root = tree("P1,O1\n", &["P1/1.dcm", "dicoms/1.dcm"]);
    write(root.path(), "contourfiles/O1/i-contours/IM-1-1-icontour-manual.txt");
    let layout = LinkedFolders::new(root.path(), None, Some(root.path()), None).unwrap();
    let plan = plan(&layout, &inner()).unwrap();
    assert_complete(root.path(), &plan);
    assert_eq!(plan.image_name(&plan.samples[0]), "P1/1.dcm");
    assert_eq!(skipped(&plan), [("dicoms/1.dcm", Reason::NotLinked)]);
    let same = LinkedFolders::new(root.path(), None, Some(root.path()), Some(root.path()));
    assert!(matches!(same, Err(FilesError::SameFolder { .. })));
}

fn names() -> impl Strategy<Value = String> {
    let image = (1..4_u8, 0..6_u8, 0..3_usize)
        .prop_map(|(p, n, zeros)| format!("dicoms/P{p}/{}{n}.dcm", "0".repeat(zeros)));
    let contour = (1..4_u8, 0..6_u8, 1..3_u8, prop::bool::ANY).prop_map(|(o, n, series, inner)| {
        let letter = if inner { 'i' } else { 'o' };
        format!("contourfiles/O{o}/{letter}-contours/IM-{series}-{n:04}-{letter}contour-manual.txt")
    });
    let other = (0..6_usize, 0..9_u8).prop_map(|(place, n)| {
        let places = [
            "",
            "dicoms/",
            "dicoms/P1/",
            "dicoms/P1/.x/y/",
            "contourfiles/O1/",
            "contourfiles/O1/i-contours/",
        ];
        format!("{}f{n}.txt", places[place])
    });
    prop_oneof![4 => image, 4 => contour, 1 => other]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_plan_does_not_depend_on_the_order_of_creation(
        files in prop::collection::btree_set(names(), 0..60), all: bool, both: bool
    ) {
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let backwards: Vec<&str> = files.iter().rev().copied().collect();
        let structures = if both { "inner,outer" } else { "inner" };
        let options = select(structures, if all { Require::All } else { Require::Any });
        let trees = [tree("P2,O2\nP1,O1\n", &files), tree("P2,O2\nP1,O1\n", &backwards)];
        let plans = trees.each_ref().map(|root| plan_of(root.path(), &options));
        prop_assert_eq!(&plans[0].samples, &plans[1].samples);
        prop_assert_eq!(&plans[0].unlabelled, &plans[1].unlabelled);
        prop_assert_eq!(&plans[0].skipped, &plans[1].skipped);
        prop_assert_eq!(&plans[0].notes, &plans[1].notes);
        let ids = sample_ids(&plans[0]);
        prop_assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        for sample in &plans[0].samples {
            prop_assert!(plans[0].image_path(sample).is_file());
            for i in 0..sample.annotations.len() {
                prop_assert!(plans[0].annotation_path(sample, i).is_none_or(|path| path.is_file()));
            }
        }
    }
}
