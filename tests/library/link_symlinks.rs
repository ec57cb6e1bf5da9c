//! Symbolic links, pipes, names and folders that a file system may hold.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use dicomprep::files::FilesError;
use dicomprep::layout::{LinkedFolders, Require, SampleSet, Select};
use dicomprep::model::Reason;

use crate::common::linked::{plan, select, tree, write};

const CONTOUR: &str = "contourfiles/O1/i-contours/IM-0001-0001-icontour-manual.txt";

fn plan_of(root: &Path) -> SampleSet {
    let layout = LinkedFolders::new(root, None, None, None).unwrap();
    let options = select("inner", Require::Any);
    let plan = plan(&layout, &options).unwrap();
    assert_eq!(plan.tally().total(), plan.catalog.len());
    plan
}

fn ids(plan: &SampleSet) -> Vec<String> {
    plan.samples.iter().map(|sample| sample.id.to_string()).collect()
}

fn skipped(plan: &SampleSet) -> Vec<(&str, Reason)> {
    plan.skipped.iter().map(|s| (s.place.file.as_str(), s.reason)).collect()
}

#[test]
fn files_are_followed_inside_and_refused_outside() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", "store/2.dcm", CONTOUR]);
    let outside = tree("P1,O1\n", &["3.dcm"]);
    let patient = root.path().join("dicoms/P1");
    symlink("../../store/2.dcm", patient.join("2.dcm")).unwrap();
    symlink(outside.path().join("3.dcm"), patient.join("3.dcm")).unwrap();
    symlink("../../../../../../../../../etc/passwd", patient.join("4.dcm")).unwrap();
    symlink("absent.dcm", patient.join("5.dcm")).unwrap();
    symlink("6.dcm", patient.join("6.dcm")).unwrap();
    symlink(outside.path(), root.path().join("more")).unwrap();
    let plan = plan_of(root.path());
    assert_eq!(ids(&plan), ["P1/1"]);
    assert_eq!(plan.image_name(&plan.unlabelled[0]), "dicoms/P1/2.dcm");
    assert_eq!(
        skipped(&plan),
        [
            ("dicoms/P1/3.dcm", Reason::LinkLeadsOut),
            ("dicoms/P1/4.dcm", Reason::LinkLeadsOut),
            ("dicoms/P1/5.dcm", Reason::LinkLeadsOut),
            ("dicoms/P1/6.dcm", Reason::LinkLeadsOut),
            ("more", Reason::LinkLeadsOut),
            ("store/2.dcm", Reason::OutsideLayout),
        ]
    );
    assert!(plan.skipped[2].detail.starts_with("it leads nowhere: "), "{:?}", plan.skipped[2]);
}

#[test]
fn folders_are_followed_where_the_layout_has_folders() {
    let root = tree(
        "P1,O1\n",
        &["store/images/1.dcm", "store/images/sub/x.txt", "store/drawn/i/IM-1-1-icontour-manual.txt"],
    );
    let data = root.path();
    symlink("../store/images", data.join("dicoms/P1")).unwrap();
    fs::create_dir(data.join("store/drawn/O")).unwrap();
    symlink("../i", data.join("store/drawn/O/i-contours")).unwrap();
    symlink("../store/drawn/O", data.join("contourfiles/O1")).unwrap();
    symlink("store", data.join("again")).unwrap();
    let plan = plan_of(data);
    assert_eq!(ids(&plan), ["P1/1"]);
    let contour = plan.annotation_path(&plan.samples[0], 0).unwrap();
    assert!(contour.ends_with("store/drawn/i/IM-1-1-icontour-manual.txt"), "{contour:?}");
    assert_eq!(
        skipped(&plan),
        [("again", Reason::LinkNotFollowed), ("dicoms/P1/sub/x.txt", Reason::OutsideLayout)],
        "a folder that a link put into the layout is not seen again at its own place"
    );
    assert_eq!(plan.catalog.len(), 5);
}

#[test]
fn whole_parts_may_be_links_inside() {
    let root = tree("P1,O1\n", &["store/d/P1/1.dcm", "store/link.csv"]);
    let data = root.path();
    fs::rename(data.join("link.csv"), data.join("store/link.csv")).unwrap();
    fs::rename(data.join("contourfiles"), data.join("store/c")).unwrap();
    fs::remove_dir(data.join("dicoms")).unwrap();
    symlink("store/d", data.join("dicoms")).unwrap();
    symlink("store/c", data.join("contourfiles")).unwrap();
    symlink("store/link.csv", data.join("link.csv")).unwrap();
    write(data, CONTOUR);
    let plan = plan_of(data);
    assert_eq!(ids(&plan), ["P1/1"]);
    assert_eq!(plan.image_name(&plan.samples[0]), "dicoms/P1/1.dcm");
    assert_eq!(skipped(&plan), [("store/link.csv", Reason::OutsideLayout)]);
}

#[test]
fn whole_parts_that_lead_out_need_an_option() {
    let root = tree("P1,O1\n", &[]);
    let outside = tree("P1,O1\n", &["dicoms/P1/1.dcm"]);
    fs::remove_dir(root.path().join("dicoms")).unwrap();
    symlink(outside.path().join("dicoms"), root.path().join("dicoms")).unwrap();
    write(root.path(), CONTOUR);
    let refused = LinkedFolders::new(root.path(), None, None, None).unwrap_err();
    assert!(matches!(refused, FilesError::LeadsOut { .. }));
    assert!(refused.to_string().contains("--dicoms"), "{refused}");

    let dicoms = root.path().join("dicoms");
    let layout = LinkedFolders::new(root.path(), None, Some(&dicoms), None).unwrap();
    let options = select("inner", Require::Any);
    let plan = plan(&layout, &options).unwrap();
    assert_eq!(ids(&plan), ["P1/1"]);
    assert!(plan.skipped.is_empty(), "{:?}", plan.skipped);
    assert_eq!(plan.catalog.len(), 3);

    fs::remove_file(root.path().join("link.csv")).unwrap();
    symlink(outside.path().join("link.csv"), root.path().join("link.csv")).unwrap();
    let refused = LinkedFolders::new(root.path(), None, Some(&dicoms), None).unwrap_err().to_string();
    assert!(refused.starts_with("link.csv: this symbolic link leads out"), "{refused}");
}

#[test]
fn loops_end_and_a_folder_is_read_once() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", CONTOUR]);
    let data = root.path();
    symlink(".", data.join("dicoms/self")).unwrap();
    symlink("../..", data.join("contourfiles/O1/i-contours/up")).unwrap();
    symlink("..", data.join("contourfiles/O1/o-contours")).unwrap();
    symlink("P1", data.join("dicoms/P0")).unwrap();
    symlink("../contourfiles", data.join("dicoms/P2")).unwrap();
    symlink("b", data.join("a")).unwrap();
    symlink("a", data.join("b")).unwrap();
    let plan = plan_of(data);
    assert_eq!(ids(&plan), ["P1/1"]);
    assert_eq!(
        skipped(&plan),
        [
            ("a", Reason::LinkLeadsOut),
            ("b", Reason::LinkLeadsOut),
            ("contourfiles/O1/i-contours/up", Reason::LinkNotFollowed),
            ("contourfiles/O1/o-contours", Reason::LinkNotFollowed),
            ("dicoms/P0", Reason::LinkNotFollowed),
            ("dicoms/P2", Reason::LinkNotFollowed),
            ("dicoms/self", Reason::LinkNotFollowed),
        ]
    );
}

#[test]
fn the_data_directory_may_be_a_link_and_its_path_does_not_matter() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", "dicoms/P1/x", CONTOUR]);
    let other = tempfile::tempdir().unwrap();
    symlink(root.path(), other.path().join("data")).unwrap();
    assert_eq!(plan_of(&other.path().join("data")), plan_of(root.path()));
}

#[test]
fn pipes_and_sockets_are_never_opened() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", CONTOUR]);
    let pipe = root.path().join("dicoms/P1/2.dcm");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("2.dcm", root.path().join("dicoms/P1/3.dcm")).unwrap();
    let _socket = UnixListener::bind(root.path().join("s")).unwrap();
    let plan = plan_of(root.path());
    assert_eq!(ids(&plan), ["P1/1"]);
    let expected = ["dicoms/P1/2.dcm", "dicoms/P1/3.dcm", "s"].map(|name| (name, Reason::NotAFile));
    assert_eq!(skipped(&plan), expected);

    let link = root.path().join("link.csv");
    fs::remove_file(&link).unwrap();
    assert!(Command::new("mkfifo").arg(&link).status().unwrap().success());
    let layout = LinkedFolders::new(root.path(), None, None, None).unwrap();
    let options = select("inner", Require::Any);
    let refused = plan_error(&layout, &options);
    assert!(refused.starts_with("link.csv: this is not a regular file"), "{refused}");
}

fn plan_error(layout: &LinkedFolders, options: &Select) -> String {
    plan(layout, options).unwrap_err().to_string()
}

#[test]
fn names_that_are_not_utf8_are_shown_and_ignored() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", CONTOUR]);
    let bad = OsStr::from_bytes(b"\xE9.dcm");
    fs::write(root.path().join("dicoms/P1").join(bad), "").unwrap();
    fs::create_dir(root.path().join("dicoms").join(bad)).unwrap();
    fs::write(root.path().join("dicoms").join(bad).join("1.dcm"), "").unwrap();
    let plan = plan_of(root.path());
    assert_eq!(
        skipped(&plan),
        [
            ("dicoms/P1/\u{FFFD}.dcm", Reason::NameDoesNotFit),
            ("dicoms/\u{FFFD}.dcm/1.dcm", Reason::NameDoesNotFit)
        ]
    );
}

#[test]
fn folders_that_cannot_be_listed_are_told() {
    let root = tree("P1,O1\n", &["dicoms/P1/1.dcm", CONTOUR]);
    let locked = root.path().join("dicoms/P1");
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    // An administrator may list it all the same.
    if fs::read_dir(&locked).is_err() {
        let plan = plan_of(root.path());
        assert_eq!(
            skipped(&plan),
            [(CONTOUR, Reason::ContourWithoutImage), ("dicoms/P1", Reason::Unreadable)]
        );
        assert!(plan.skipped[1].detail.starts_with("the folder cannot be listed: Permission denied"));
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
}
