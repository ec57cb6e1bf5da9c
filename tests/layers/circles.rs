//! Import circles between the files of one module, with names followed through re-exports.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module below the one that is looked at: `["resume", "parts"]`; its root is empty.
type ModulePath = Vec<String>;

/// The code of each file of a module, without comments and tests.
#[derive(Debug, Default)]
pub(crate) struct Module {
    /// Name after `crate::`; empty for the program, whose files begin at the root of its crate.
    name: String,
    files: BTreeMap<ModulePath, String>,
}

impl Module {
    /// Reads all files below `folder`, the module `name`.
    pub(crate) fn read(name: &str, folder: &Path) -> Self {
        let mut paths = Vec::new();
        super::rust_files(folder, &mut paths);
        let mut module = Self { name: name.to_owned(), ..Self::default() };
        for path in paths {
            let mut parts: ModulePath = path
                .strip_prefix(folder)
                .unwrap()
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            let file = parts.pop().unwrap();
            match file.as_str() {
                "tests.rs" => continue,
                "mod.rs" | "main.rs" => {}
                file => parts.push(file.trim_end_matches(".rs").to_owned()),
            }
            module.add(parts, &fs::read_to_string(&path).unwrap());
        }
        module
    }

    /// Adds the file of the module at `path`.
    pub(crate) fn add(&mut self, path: ModulePath, text: &str) {
        self.files.insert(path, super::code_of(text));
    }

    /// Uses of one file by another of the same circle. The root only gathers the others and is left out.
    pub(crate) fn circles(&self) -> BTreeSet<(String, String)> {
        let uses: BTreeMap<&ModulePath, BTreeSet<ModulePath>> = self
            .files
            .keys()
            .filter(|path| !path.is_empty())
            .map(|path| (path, self.used_by(path)))
            .collect();
        let reached = |from: &ModulePath| {
            let (mut found, mut waiting) = (BTreeSet::new(), vec![from.clone()]);
            while let Some(path) = waiting.pop() {
                for next in uses.get(&path).into_iter().flatten() {
                    if found.insert(next.clone()) {
                        waiting.push(next.clone());
                    }
                }
            }
            found
        };
        let all: BTreeMap<&ModulePath, BTreeSet<ModulePath>> =
            uses.keys().map(|path| (*path, reached(path))).collect();
        let is_back =
            |from: &ModulePath, to: &ModulePath| all.get(to).is_some_and(|back| back.contains(from));
        let edges = uses.iter().flat_map(|(from, used)| used.iter().map(move |to| (*from, to)));
        edges
            .filter(|(from, to)| is_back(from, to))
            .map(|(from, to)| (from.join("/"), to.join("/")))
            .collect()
    }

    /// Files that define the names that the file at `path` uses.
    fn used_by(&self, path: &ModulePath) -> BTreeSet<ModulePath> {
        let mut used = BTreeSet::new();
        // `super::super` alone stands in a visibility.
        for (base, names) in self.paths_in(path).into_iter().filter(|(_, names)| !names.is_empty()) {
            if let Some(file) = self.resolve(base, &names, 0)
                && file != *path
            {
                used.insert(file);
            }
        }
        used
    }

    /// All paths to this module's own files in the file at `path`, each with the module where it begins.
    fn paths_in(&self, path: &ModulePath) -> Vec<(ModulePath, Vec<String>)> {
        let code = &self.files[path];
        let mut found = Vec::new();
        for (start, _) in code.match_indices("::") {
            let first = word_before(&code[..start]);
            let begins = first.is_empty() || code[..start - first.len()].ends_with("::");
            if begins {
                continue;
            }
            for names in use_tree(&code[start - first.len()..]) {
                found.extend(self.begin(path, names));
            }
        }
        found
    }

    /// The module where a path of the file at `path` begins, and the names after it.
    fn begin(&self, path: &ModulePath, mut names: Vec<String>) -> Option<(ModulePath, Vec<String>)> {
        let mut base = path.clone();
        match names.first()?.as_str() {
            "crate" => {
                names.remove(0);
                if !self.name.is_empty() {
                    (names.first()? == &self.name).then(|| names.remove(0))?;
                }
                base.clear();
            }
            "super" => {
                while names.first().is_some_and(|name| name == "super") {
                    names.remove(0);
                    // Beyond the root are other modules.
                    base.pop()?;
                }
            }
            "self" => drop(names.remove(0)),
            child => {
                base.push(child.to_owned());
                self.files.contains_key(&base).then(|| names.remove(0))?;
            }
        }
        Some((base, names))
    }

    /// The file that defines the first of `names` that is no module, looked up from the module `base`.
    fn resolve(&self, mut base: ModulePath, names: &[String], depth: usize) -> Option<ModulePath> {
        let mut names = names.iter();
        let name = loop {
            let Some(name) = names.next() else { return Some(base) };
            base.push(name.clone());
            if !self.files.contains_key(&base) {
                base.pop();
                break name;
            }
        };
        let code = self.files.get(&base)?;
        if defines(code, name) || depth > 8 {
            return Some(base);
        }
        // A re-export: the name is the last of a path that the file uses.
        let passed_on = use_statements(code).into_iter().find(|path| path.last() == Some(name));
        match passed_on.and_then(|path| self.begin(&base, path)) {
            Some((from, rest)) => self.resolve(from, &rest, depth + 1),
            None => None,
        }
    }
}

/// True if `code` defines an item `name`.
fn defines(code: &str, name: &str) -> bool {
    const ITEMS: [&str; 8] = ["struct", "enum", "trait", "fn", "const", "type", "static", "macro_rules!"];
    ITEMS.iter().any(|item| {
        let wanted = format!("{item} {name}");
        code.match_indices(&wanted).any(|(start, _)| {
            let after = code[start + wanted.len()..].chars().next();
            after.is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
        })
    })
}

/// The paths of all `use` statements.
fn use_statements(code: &str) -> Vec<Vec<String>> {
    let is_use = |line: &&str| line.contains("use ") && !line.trim_start().starts_with("//");
    let mut all = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find("use ") {
        let line = rest[..start].rfind('\n').map_or(0, |end| end + 1);
        let is_statement = is_use(&&rest[line..]) && {
            let before = rest[line..start].trim();
            before.is_empty() || before.starts_with("pub")
        };
        rest = &rest[start + 4..];
        if is_statement {
            all.extend(use_tree(rest));
        }
    }
    all
}

/// The word at the end of `text`.
fn word_before(text: &str) -> &str {
    let start = text
        .rfind(|c: char| !(c.is_alphanumeric() || c == '_'))
        .map_or(0, |place| place + text[place..].chars().next().unwrap().len_utf8());
    &text[start..]
}

/// The paths at the beginning of `text`: one, or all of a list in braces.
fn use_tree(text: &str) -> Vec<Vec<String>> {
    fn tree(text: &str, prefix: &[String], all: &mut Vec<Vec<String>>) -> usize {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
        let mut path = prefix.to_vec();
        if end > 0 {
            path.push(text[..end].to_owned());
        }
        if !text[end..].starts_with("::") {
            // `self` in a list stands for the module before it.
            if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
                path.pop();
            }
            all.push(path);
            return end;
        }
        let after = end + 2;
        if !text[after..].starts_with('{') {
            return after + tree(&text[after..], &path, all);
        }
        let mut place = after + 1;
        loop {
            place += text[place..].len() - text[place..].trim_start_matches([' ', '\n', ',', '\t']).len();
            if place >= text.len() || text[place..].starts_with('}') {
                return place + 1;
            }
            let taken = tree(&text[place..], &path, all);
            place += taken;
            // ` as name`, or what is no path.
            let rest = text[place..].find([',', '}']).unwrap_or(text.len() - place);
            place += rest;
        }
    }
    let mut all = Vec::new();
    tree(text, &[], &mut all);
    all
}
