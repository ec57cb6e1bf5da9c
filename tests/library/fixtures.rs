//! The committed tree `fixtures/final_data` is what the generator makes, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::make_fixtures::{FixtureOptions, write_tree};

/// Every file below `root`, by its path relative to it.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(root).unwrap().to_path_buf(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

fn generate(options: &FixtureOptions) -> BTreeMap<PathBuf, Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    write_tree(options, folder.path()).unwrap();
    files(folder.path())
}

#[test]
fn the_committed_fixtures_are_what_the_generator_makes() {
    let committed = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/final_data"));
    let made = generate(&FixtureOptions::default());
    assert_eq!(committed.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
    for (path, bytes) in &made {
        assert!(committed[path] == *bytes, "{} differs: run `make fixtures`", path.display());
    }
}

#[test]
fn the_bytes_do_not_depend_on_the_threads() {
    let options = FixtureOptions { rows: 40, columns: 56, seed: 7, ..FixtureOptions::default() };
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let many = rayon::ThreadPoolBuilder::new().num_threads(8).build().unwrap();
    assert!(alone.install(|| generate(&options)) == many.install(|| generate(&options)));
}

#[test]
fn another_seed_gives_other_images() {
    let (one, two) = (
        generate(&FixtureOptions::default()),
        generate(&FixtureOptions { seed: 1, ..FixtureOptions::default() }),
    );
    let image = Path::new("dicoms/SYN0000101/1.dcm");
    assert!(one[image] != two[image]);
    assert!(one[Path::new("link.csv")] == two[Path::new("link.csv")]);
}

#[test]
fn half_of_the_images_are_labelled_and_half_of_those_twice() {
    let made = generate(&FixtureOptions::default());
    let count = |part: &str| made.keys().filter(|path| path.to_string_lossy().contains(part)).count();
    assert_eq!((count(".dcm"), count("icontour"), count("ocontour")), (40, 20, 12));
}
