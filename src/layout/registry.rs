//! All layouts, by name, and the one that fits a data directory.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::files::{Places, Tree};
use crate::model::Place;

use super::{ColumnNames, DicomTree, Layout, LayoutError, LinkedFolders, Rvsc2012, Scd2009, Table};

/// Locations of a data directory and its parts, as far as they are not the usual ones.
#[derive(Debug, Clone, Default)]
pub struct LayoutOptions {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The name of the layout; `None` finds it out.
    pub layout: Option<String>,
    /// The link table.
    pub link: Option<PathBuf>,
    /// The folder of the images.
    pub dicoms: Option<PathBuf>,
    /// The folder of the contours.
    pub contours: Option<PathBuf>,
    /// The table of images and annotations.
    pub table: Option<PathBuf>,
    /// Other names of its columns.
    pub columns: ColumnNames,
    /// True if rows of the link table without folders or contours are notes, and not rejected.
    pub allow_missing: bool,
}

impl LayoutOptions {
    /// The data directory at `data_dir`, with all parts at their usual places.
    #[must_use]
    pub fn new(data_dir: &Path) -> Self {
        Self { data_dir: data_dir.to_owned(), ..Self::default() }
    }
}

/// A layout of the registry.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// Its needs, in a few words.
    pub needs: &'static str,
    fits: fn(&LayoutOptions, &Tree) -> Option<String>,
    open: fn(&LayoutOptions) -> Result<Box<dyn Layout>, LayoutError>,
}

/// The layouts. One fits where names alone tell so; the reason is for people.
pub const LAYOUTS: [Entry; 5] = [
    Entry {
        name: "link",
        needs: "link.csv, dicoms/<patient_id>/<n>.dcm and contourfiles/<original_id>/i-contours/",
        fits: |options, _| {
            let parts = ["link.csv", "dicoms", "contourfiles"];
            let found: Vec<&str> =
                parts.into_iter().filter(|part| options.data_dir.join(part).exists()).collect();
            (!found.is_empty()).then(|| format!("there is {}", found.join(", ")))
        },
        open: |options| {
            let [link, dicoms, contours] =
                [&options.link, &options.dicoms, &options.contours].map(Option::as_deref);
            let layout = LinkedFolders::new(&options.data_dir, link, dicoms, contours)?;
            Ok(Box::new(layout.allow_missing(options.allow_missing)))
        },
    },
    Entry {
        name: "scd2009",
        needs: "<case>/IM-<series>-<n>.dcm and <case>/contours-manual/IRCCI-expert/",
        fits: |_, tree| first_folder(tree, Scd2009::has_contours),
        open: |options| Ok(Box::new(Scd2009::new(&options.data_dir)?)),
    },
    Entry {
        name: "rvsc2012",
        needs: "P<NN>dicom/P<NN>-<nnnn>.dcm and P<NN>contours-manual/",
        fits: |_, tree| first_folder(tree, Rvsc2012::has_contours),
        open: |options| Ok(Box::new(Rvsc2012::new(&options.data_dir)?)),
    },
    Entry {
        name: "table",
        needs: "a CSV file named by --table, with a column image",
        fits: |_, _| None,
        open: |options| {
            let LayoutOptions { data_dir, table, columns, .. } = options;
            Ok(Box::new(Table::new(data_dir, table.as_deref(), columns.clone())?))
        },
    },
    Entry {
        name: "dicom",
        needs: "DICOM images and RTSTRUCT or SEG objects, in any folders",
        // The last resort: the other layouts have DICOM images too.
        fits: |_, _| None,
        open: |options| Ok(Box::new(DicomTree::new(&options.data_dir)?)),
    },
];

fn first_folder(tree: &Tree, fits: fn(&str) -> bool) -> Option<String> {
    let names = tree.folders.iter().map(|folder| tree.catalog.folder_name(folder.id));
    names.into_iter().find(|name| fits(name)).map(|name| format!("there is {name}/"))
}

/// Opens a data directory as the layout that is asked for, or that fits.
///
/// # Errors
/// [`LayoutError`] where its parts are not where they should be, or no layout fits, or several do.
pub fn open(options: &LayoutOptions) -> Result<Box<dyn Layout>, LayoutError> {
    let named = match options.layout.as_deref() {
        None | Some("auto") if options.table.is_some() => Some("table"),
        None | Some("auto")
            if [&options.link, &options.dicoms, &options.contours].iter().any(|part| part.is_some()) =>
        {
            Some("link")
        }
        None | Some("auto") => None,
        Some(name) => Some(name),
    };
    match named {
        Some(name) => {
            let entry = LAYOUTS.iter().find(|entry| entry.name == name);
            (entry.ok_or_else(|| LayoutError::UnknownLayout(name.to_owned()))?.open)(options)
        }
        None => find(options),
    }
}

/// The layout that fits.
fn find(options: &LayoutOptions) -> Result<Box<dyn Layout>, LayoutError> {
    let places = Places::new(&options.data_dir)?;
    let [link, others @ ..] = &LAYOUTS;
    // The names at the top tell, so that a large tree is not listed twice.
    if (link.fits)(options, &Tree::default()).is_some() {
        return (link.open)(options);
    }
    let tree = Tree::of(&places, &|_, _| true);
    let fitting: Vec<(&Entry, String)> =
        others.iter().filter_map(|entry| Some((entry, (entry.fits)(options, &tree)?))).collect();
    if let [(entry, _)] = &fitting[..] {
        return (entry.open)(options);
    }
    let contour = tree.catalog.files().map(|file| tree.catalog.name(file)).find(|name| is_contour_like(name));
    let dicom = LAYOUTS.iter().find(|entry| entry.name == "dicom");
    if let Some(entry) = dicom.filter(|_| fitting.is_empty() && contour.is_none() && has_dicom(&tree)) {
        return (entry.open)(options);
    }
    let found = match (&fitting[..], contour) {
        ([], Some(contour)) => format!(
            "no layout is recognized, though there are contours, as {contour}; with a CSV file of images and contours, \
             --table takes any folders"
        ),
        ([], None) => {
            format!("no layout is recognized; among its {} files there is no link.csv", tree.catalog.len())
        }
        (several, _) => {
            let each = several.iter().map(|(entry, why)| format!("{} ({why})", entry.name));
            format!("several layouts fit: {}", each.collect::<Vec<_>>().join(", "))
        }
    };
    let needs = LAYOUTS.iter().map(|entry| format!("{} needs {}", entry.name, entry.needs));
    let needs = needs.collect::<Vec<_>>().join("; ");
    Err(LayoutError::NoLayout { place: Place::file(options.data_dir.display().to_string()), found, needs })
}

/// True if a name is that of a contour text in some layout.
fn is_contour_like(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    lower.ends_with(".txt") && lower.contains("contour")
}

/// Files that are looked into for DICOM.
const LOOKED_INTO: usize = 64;

/// True if one of the first files has the prefix of a DICOM file (PS3.10, 7.1).
fn has_dicom(tree: &Tree) -> bool {
    let files = tree.folders.iter().flat_map(|folder| &folder.files).take(LOOKED_INTO);
    files.into_iter().any(|&file| {
        let mut start = [0; 132];
        let opened = tree.catalog.roots().open(&tree.catalog.path(file));
        opened.and_then(|mut file| file.read_exact(&mut start)).is_ok() && start[128..] == *b"DICM"
    })
}
