//! Several data directories that are read as one.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::files::Places;
use crate::model::Place;
use crate::source::AnnotationOptions;

use super::joined::{join, join_listings};
use super::{Inputs, LayoutError, Listing, Reading, SampleSet, Select, StructureChoice};

/// Data directories, each with its own layout.
///
/// Every file is called `<directory>/<name in it>`, where the directory is the last part of its path, or as many parts as
/// tell it from the others. Patients keep their ids; an id that stands in several directories is
/// [told apart](super::Patient::own_id).
#[derive(Debug)]
pub struct DataDirectories(Vec<(String, Box<dyn Inputs>)>);

impl DataDirectories {
    /// The directories, in this order.
    ///
    /// # Errors
    /// [`LayoutError::Nested`] where one is, or lies in, another one.
    pub fn new(directories: Vec<Box<dyn Inputs>>) -> Result<Self, LayoutError> {
        let paths: Vec<&Path> = directories.iter().map(|directory| directory.data_dir()).collect();
        for (number, path) in paths.iter().enumerate() {
            if let Some(other) = paths[..number].iter().find(|o| o.starts_with(path) || path.starts_with(o)) {
                let [inner, outer] = if path.starts_with(other) { [path, other] } else { [other, path] };
                let place = Place::file(inner.display().to_string());
                return Err(LayoutError::Nested { place, outer: outer.display().to_string() });
            }
        }
        let names = names(&paths);
        Ok(Self(names.into_iter().zip(directories).collect()))
    }
}

impl Inputs for DataDirectories {
    fn name(&self) -> &'static str {
        let mut names = self.0.iter().map(|(_, directory)| directory.name());
        let first = names.next().unwrap_or_default();
        if names.all(|name| name == first) { first } else { "several" }
    }

    fn reasons(&self) -> Vec<String> {
        let each = |(name, directory): &(String, Box<dyn Inputs>)| {
            directory.reasons().into_iter().map(|reason| format!("{name}: {reason}")).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(each).collect()
    }

    fn data_dir(&self) -> &Path {
        self.0.first().map_or(Path::new(""), |(_, directory)| directory.data_dir())
    }

    fn places(&self) -> Option<&Places> {
        None
    }

    fn is_input(&self, path: &Path) -> bool {
        self.0.iter().any(|(_, directory)| directory.is_input(path))
    }

    fn tables(&self) -> Option<Vec<(String, PathBuf)>> {
        let mut all = Vec::new();
        for (name, directory) in &self.0 {
            all.extend(
                directory.tables()?.into_iter().map(|(table, path)| (format!("{name}/{table}"), path)),
            );
        }
        Some(all)
    }

    fn samples(&self, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        let of =
            |(name, directory): &(String, Box<dyn Inputs>)| match samples_of(&**directory, select, reading) {
                Ok(set) => Ok((name.clone(), set)),
                Err(error) => Err(in_directory(name, error)),
            };
        let sets = self.0.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        if let StructureChoice::Named(asked) = &select.structures {
            let has =
                |name: &str| sets.iter().any(|(_, set)| set.structures().names().any(|own| own == name));
            if !asked.names().names().all(has) {
                // One of the directories says what there is instead.
                let mut all =
                    self.0.iter().map(|(name, directory)| match directory.samples(select, reading) {
                        Ok(_) => Ok(()),
                        Err(error) => Err(in_directory(name, error)),
                    });
                all.try_for_each(|one| one)?;
            }
        }
        join(self.name(), sets, select)
    }

    fn structures(&self, options: &AnnotationOptions, reading: &Reading<'_>) -> Result<Listing, LayoutError> {
        let of = |(name, directory): &(String, Box<dyn Inputs>)| match directory.structures(options, reading)
        {
            Ok(listing) => Ok((name.clone(), listing)),
            Err(error) => Err(in_directory(name, error)),
        };
        Ok(join_listings(self.0.iter().map(of).collect::<Result<Vec<_>, _>>()?))
    }
}

/// The samples of one of several directories, which need not have all structures that are asked for.
fn samples_of(
    directory: &dyn Inputs,
    select: &Select,
    reading: &Reading<'_>,
) -> Result<SampleSet, LayoutError> {
    let mut select = select.clone();
    loop {
        let error = match directory.samples(&select, reading) {
            Err(error @ LayoutError::UnknownStructure { .. }) => error,
            done => return done,
        };
        let (LayoutError::UnknownStructure { asked, .. }, StructureChoice::Named(patterns)) =
            (&error, &select.structures)
        else {
            return Err(error);
        };
        match patterns.without(asked).filter(|left| left != patterns) {
            Some(left) => select.structures = StructureChoice::Named(left),
            None => return Err(error),
        }
    }
}

fn in_directory(name: &str, error: LayoutError) -> LayoutError {
    LayoutError::InDirectory { directory: name.to_owned(), source: Box::new(error) }
}

/// A name for each of several different paths: its last part, and those before it where others have the same name.
fn names(paths: &[&Path]) -> Vec<String> {
    let parts = |path: &Path| -> Vec<String> {
        let names = path.components().map(|part| OsStr::to_string_lossy(part.as_os_str()).replace('/', ""));
        names.filter(|name| !name.is_empty()).collect()
    };
    let parts: Vec<Vec<String>> = paths.iter().map(|path| parts(path)).collect();
    let mut depths = vec![1; paths.len()];
    loop {
        let name =
            |(parts, depth): (&Vec<String>, &usize)| parts[parts.len().saturating_sub(*depth)..].join("/");
        let names: Vec<String> = parts.iter().zip(&depths).map(name).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let longer: Vec<usize> = (0..names.len())
            .filter(|&number| counts[&*names[number]] > 1 && depths[number] < parts[number].len())
            .collect();
        if longer.is_empty() {
            return names;
        }
        longer.into_iter().for_each(|number| depths[number] += 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_long_as_it_takes() {
        let of = |paths: &[&str]| names(&paths.iter().map(Path::new).collect::<Vec<_>>());
        assert_eq!(of(&["/data/a", "/data/b"]), ["a", "b"]);
        assert_eq!(of(&["/x/data", "/y/data", "/z/more"]), ["x/data", "y/data", "more"]);
        assert_eq!(of(&["/p/x/data", "/q/x/data", "/x/data"]), ["p/x/data", "q/x/data", "x/data"]);
    }
}
