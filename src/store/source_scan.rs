//! The sources of this crate, for tests that hold which of them may do something.

use std::path::Path;

/// The files under `src`, by their paths in it, whose code before its tests has a line for which `does` is true; sorted.
pub(super) fn files_whose_lines(does: impl Fn(&str) -> bool) -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut waiting, mut found) = (vec![source.clone()], Vec::new());
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy();
            let is_test = name.starts_with("test") || name == "source_scan.rs";
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            if !is_test && lines.map(str::trim).any(&does) {
                found.push(path.strip_prefix(&source).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}
