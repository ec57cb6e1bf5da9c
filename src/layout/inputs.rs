//! The inputs of a run: one data directory, or several.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::files::Places;
use crate::source::AnnotationOptions;

use super::{Layout, LayoutError, Listing, Reading, SampleSet, Select, list, plan};

/// All that samples are made of: a data directory, which every [`Layout`] is, or several
/// ([`DataDirectories`](super::DataDirectories)).
pub trait Inputs: fmt::Debug + Send + Sync {
    /// The name of the layout; `several` where the directories have different ones.
    fn name(&self) -> &'static str;

    /// Reasons of the choice of layouts that were not given, each with its directory where there are several.
    fn reasons(&self) -> Vec<String>;

    /// The data directory, with links resolved; of several, the first.
    fn data_dir(&self) -> &Path;

    /// Places of the data directory; `None` where there are several.
    fn places(&self) -> Option<&Places>;

    /// True if a file at `path`, which need not exist, would be one of the inputs.
    fn is_input(&self, path: &Path) -> bool;

    /// The first table of each directory: its name, as places in it have it, and its path. `None` where a directory has none.
    fn tables(&self) -> Option<Vec<(String, PathBuf)>>;

    /// Finds all samples.
    ///
    /// # Errors
    /// [`LayoutError`] where a directory cannot be read as its layout.
    fn samples(&self, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError>;

    /// Lists all structures, whether some image has them or not.
    ///
    /// # Errors
    /// As [`Inputs::samples`].
    fn structures(&self, options: &AnnotationOptions, reading: &Reading<'_>) -> Result<Listing, LayoutError>;
}

impl<L: Layout> Inputs for L {
    fn name(&self) -> &'static str {
        Layout::name(self)
    }

    fn reasons(&self) -> Vec<String> {
        self.reason().map(|reason| format!("{}: {reason}", Layout::name(self))).into_iter().collect()
    }

    fn data_dir(&self) -> &Path {
        Layout::places(self).data_dir()
    }

    fn places(&self) -> Option<&Places> {
        Some(Layout::places(self))
    }

    fn is_input(&self, path: &Path) -> bool {
        Layout::places(self).is_input(path)
    }

    fn tables(&self) -> Option<Vec<(String, PathBuf)>> {
        let table = Layout::places(self).tables().first()?;
        Some(vec![(table.name().to_owned(), table.path().to_owned())])
    }

    fn samples(&self, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        plan(self, select, reading)
    }

    fn structures(&self, options: &AnnotationOptions, reading: &Reading<'_>) -> Result<Listing, LayoutError> {
        list(self, options, reading)
    }
}
