//! Data directories as they were named.

use std::path::PathBuf;

use dicomprep::layout::Inputs;
use dicomprep::layout::registry;

use crate::args::PlaceArgs;
use crate::exit;

/// Opens `data_dirs` for `command`. Ends the program where a part is named and there are several.
pub(crate) fn open(
    places: &PlaceArgs,
    command: &str,
    data_dirs: &[PathBuf],
) -> anyhow::Result<Box<dyn Inputs>> {
    open_as(places.layout(), places, command, data_dirs)
}

/// [`open`] as the layout called `name`.
pub(crate) fn open_as(
    name: &str,
    places: &PlaceArgs,
    command: &str,
    data_dirs: &[PathBuf],
) -> anyhow::Result<Box<dyn Inputs>> {
    if let Some(option) = places.one_part().filter(|_| data_dirs.len() > 1) {
        let text = "is for one data directory; with several, each has its parts at their usual places";
        exit::wrong_usage(command, &format!("{option} {text}"));
    }
    Ok(registry::open_all(data_dirs, &places.options(name))?)
}
