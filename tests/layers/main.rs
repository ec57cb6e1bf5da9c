//! Modules use only the modules before them, the one-way order of the crate; no two files of a module use each other;
//! each type has a name of its own, and each parameter one meaning.

#![allow(clippy::unwrap_used, reason = "in a test the panic is the message")]

mod circles;
mod definitions;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use circles::Module;

/// From the first to the last; a module may use itself and what stands before it.
const ORDER: [&str; 19] = [
    "model", "series", "files", "split", "source", "layout", "raster", "assemble", "audit", "store", "prep",
    "check", "order", "augment", "stream", "whiten", "sink", "report", "serve",
];

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file, without comments and its tests module.
fn code_of(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The module that a file below `src` belongs to: its first folder, or its own name.
fn module_of(file: &Path) -> &str {
    let first = file.iter().next().unwrap().to_str().unwrap();
    first.strip_suffix(".rs").unwrap_or(first)
}

/// The modules named after `crate::` in `text`, single or in braces.
fn used_modules(text: &str) -> Vec<&str> {
    let mut used = Vec::new();
    for part in text.split("crate::").skip(1) {
        let inside = match part.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap_or(list),
            None => part,
        };
        let names = if part.starts_with('{') { inside.split(',').collect() } else { vec![inside] };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            used.push(&name[..end]);
        }
    }
    used
}

#[test]
fn modules_use_only_what_stands_before_them() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let rank = |module: &str| ORDER.iter().position(|name| *name == module);
    let mut seen = 0;
    for path in files {
        let file = path.strip_prefix(&source).unwrap();
        // The program may use everything of the library; lib.rs only names the modules.
        if file.starts_with("bin") || file == Path::new("lib.rs") {
            continue;
        }
        let own =
            rank(module_of(file)).unwrap_or_else(|| panic!("{} has no place in the order", file.display()));
        for used in used_modules(&fs::read_to_string(&path).unwrap()) {
            let Some(used_rank) = rank(used) else { panic!("{}: what is crate::{used}?", file.display()) };
            assert!(used_rank <= own, "{} uses crate::{used}, which stands after it", file.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "only {seen} uses were found: the test looks for the wrong thing");
}

#[test]
fn uses_are_found_in_every_form() {
    let text = "use crate::model::{A, B};\nuse crate::{raster, store::Target};\nfn f(_: crate::prep::X) {}";
    assert_eq!(used_modules(text), ["model", "raster", "store", "prep"]);
}

#[test]
fn no_two_files_of_a_module_use_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut modules, mut found) = (0, Vec::new());
    for name in ORDER {
        let folder = source.join(name);
        if folder.is_dir() {
            found.extend(Module::read(name, &folder).circles().into_iter().map(|uses| (name, uses)));
            modules += 1;
        }
    }
    let program = Module::read("", &source.join("bin/dicomprep")).circles();
    found.extend(program.into_iter().map(|uses| ("the program", uses)));
    assert!(found.is_empty(), "files that use each other, directly or through others: {found:#?}");
    assert!(modules > 10, "only {modules} modules were read");
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let path = |name: &str| vec![name.to_owned()];
    let with = |b: &str| {
        let mut module = Module::default();
        module.add(Vec::new(), "mod a;\nmod b;\nmod c;\npub use a::A;\npub use b::{B, f as g};\n");
        module.add(path("a"), "use super::{\n    B, c::C,\n};\npub struct A;\n");
        module.add(path("b"), b);
        module
            .add(path("c"), "pub(super) struct C;\n#[cfg(test)]\nmod tests {\n    use super::super::A;\n}\n");
        module.circles()
    };
    let circle = BTreeSet::from([("a", "b"), ("b", "a")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(with("use super::A;\npub struct B;\n"), circle);
    assert_eq!(with("pub struct B(super::a::A);\n"), circle);
    assert_eq!(with("use super::c::C;\n// super::A\npub struct B;\n"), BTreeSet::new());
}

/// The code of each file below `src` that is not a tests module, by its path.
fn all_code() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    rust_files(&source, &mut paths);
    let is_code = |path: &PathBuf| path.file_name().is_some_and(|name| name != "tests.rs");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&source).unwrap().display().to_string();
        (name, code_of(&fs::read_to_string(&path).unwrap()))
    };
    paths.into_iter().filter(is_code).map(read).collect()
}

#[test]
fn each_type_has_a_name_of_its_own() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (file, code) in all_code() {
        for name in definitions::visible_types(&code) {
            defined.entry(name.to_owned()).or_default().push(file.clone());
        }
    }
    assert!(defined.len() > 300, "only {} types were found", defined.len());
    defined.retain(|_, files| files.len() > 1);
    assert!(defined.is_empty(), "types of one name: {defined:#?}");
}

#[test]
fn no_parameter_is_a_tuple_of_several_things() {
    let found: Vec<_> = all_code()
        .into_iter()
        .flat_map(|(file, code)| {
            definitions::tuple_parameters(&code)
                .into_iter()
                .map(move |found| format!("{file}: {found}"))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(found.is_empty(), "give each thing a parameter, or all of them a struct: {found:#?}");
}
