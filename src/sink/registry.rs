//! All formats of streams.

use std::path::Path;

use super::error::SinkError;
use super::format::Format;
use super::{arrow_ipc, npy, webdataset_tar};

/// All formats; the first is the default.
pub static FORMATS: [&Format; 3] = [&npy::NPY, &webdataset_tar::WEBDATASET, &arrow_ipc::ARROW];

impl Format {
    /// The format of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.into_iter().find(|format| format.name == name)
    }

    /// The format of an output at `path`: the one that was asked for, the one that its name stands for, the default.
    ///
    /// # Errors
    /// [`SinkError::OtherExtension`] where the name stands for another format than the one that was asked for, or has an
    /// extension that stands for none and no format was asked for.
    pub fn of_output(path: &Path, asked: Option<&'static Self>) -> Result<&'static Self, SinkError> {
        let other =
            |format: &str| SinkError::OtherExtension { path: path.to_owned(), format: format.to_owned() };
        match (asked, Self::of_file(path)) {
            (Some(asked), Some(named)) if asked != named => Err(other(asked.name)),
            (Some(format), _) | (None, Some(format)) => Ok(format),
            (None, None) if path.extension().is_some() => Err(other(FORMATS[0].name)),
            (None, None) => Ok(FORMATS[0]),
        }
    }

    /// The format that the name of a file stands for.
    #[must_use]
    pub fn of_file(path: &Path) -> Option<&'static Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        FORMATS.into_iter().find(|format| format.extensions.contains(&extension.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_lead_to_formats() {
        for format in FORMATS {
            assert_eq!(Format::named(format.name), Some(format));
            for extension in format.extensions {
                assert_eq!(Format::of_file(Path::new(&format!("a.{extension}"))), Some(format));
            }
        }
        assert_eq!(Format::of_file(Path::new("a.npz")), None);
        assert_eq!(Format::of_file(Path::new("A.TAR")).unwrap().name, "webdataset");
        let of_output = |path: &str, asked: &str| {
            Format::of_output(Path::new(path), Format::named(asked)).map(|format| format.name).ok()
        };
        assert_eq!(of_output("a.tar", ""), Some("webdataset"));
        assert_eq!(["a.npz", "a.out", "a.npy.gz"].map(|path| of_output(path, "")), [None; 3]);
        assert_eq!(of_output("a.tar", "npy"), None);
        assert_eq!([of_output("a", ""), of_output("a", "arrow")], [Some("npy"), Some("arrow")]);
        assert_eq!(of_output("a.npz", "npy"), Some("npy"), "who says so gets it");
    }
}
