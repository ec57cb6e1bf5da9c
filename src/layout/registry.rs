//! All layouts, by name, and the one that fits a data directory.

use std::io::Read;
use std::path::PathBuf;

use crate::files::{Places, Tree};
use crate::model::{FileId, Place, number_of};
use crate::source::AnnotationOptions;

use super::left_out::{annotation_like, is_called_archive, is_called_dicom, other_annotations};
use super::near_folders;
pub use super::options::LayoutOptions;
use super::{
    DataDirectories, DicomTree, Inputs, Layout, LayoutError, LinkedFolders, Listing, NamePatterns, Reading,
    Rvsc2012, SampleSet, Scd2009, Select, Table,
};

/// A layout of the registry.
pub struct RegisteredLayout {
    /// Its name.
    pub name: &'static str,
    /// Its needs, in a few words.
    pub needs: &'static str,
    fits: fn(&LayoutOptions, &Tree) -> Option<String>,
    /// Of data that fit and are arranged otherwise all the same: what is there, and the command that reads them.
    near_miss: fn(&LayoutOptions, &Tree) -> Option<(String, String)>,
    open: fn(&LayoutOptions) -> Result<Box<dyn Layout>, LayoutError>,
}

/// The layouts. One fits where names alone tell so; the reason is for people.
pub const LAYOUTS: [RegisteredLayout; 5] = [
    RegisteredLayout {
        name: "link",
        needs: "link.csv, dicoms/<patient_id>/<n>.dcm and contourfiles/<original_id>/i-contours/",
        fits: |options, _| {
            let parts = ["link.csv", "dicoms", "contourfiles"];
            let found: Vec<&str> =
                parts.into_iter().filter(|part| options.data_dir.join(part).exists()).collect();
            (!found.is_empty()).then(|| format!("there is {}", found.join(", ")))
        },
        near_miss: |options, _| near_folders::advice(options),
        open: |options| {
            let [link, dicoms, contours] =
                [&options.link, &options.dicoms, &options.contours].map(Option::as_deref);
            let layout = LinkedFolders::new(&options.data_dir, link, dicoms, contours)?;
            let layout = layout.allow_missing(options.allow_missing);
            Ok(Box::new(layout.with_names(options.columns.clone(), options.names.clone())))
        },
    },
    RegisteredLayout {
        name: "scd2009",
        needs: "<case>/IM-<series>-<n>.dcm and <case>/contours-manual/IRCCI-expert/",
        fits: |_, tree| first_folder(tree, Scd2009::has_contours),
        near_miss: |options, tree| Scd2009::near_miss(&options.data_dir, tree),
        open: |options| Ok(Box::new(Scd2009::new(&options.data_dir)?.with_names(options.names.clone()))),
    },
    RegisteredLayout {
        name: "rvsc2012",
        needs: "P<NN>dicom/P<NN>-<nnnn>.dcm and P<NN>contours-manual/",
        fits: |_, tree| first_folder(tree, Rvsc2012::has_contours),
        near_miss: |_, _| None,
        open: |options| Ok(Box::new(Rvsc2012::new(&options.data_dir)?.with_names(options.names.clone()))),
    },
    RegisteredLayout {
        name: "table",
        needs: "a CSV file named by --table, with a column image",
        fits: |_, _| None,
        near_miss: |_, _| None,
        open: |options| {
            let LayoutOptions { data_dir, table, columns, .. } = options;
            Ok(Box::new(Table::new(data_dir, table.as_deref(), columns.clone())?))
        },
    },
    RegisteredLayout {
        name: "dicom",
        needs: "DICOM images and RTSTRUCT or SEG objects, in any folders",
        // The last resort: the other layouts have DICOM images too.
        fits: |_, _| None,
        near_miss: |_, _| None,
        open: |options| Ok(Box::new(DicomTree::new(&options.data_dir)?)),
    },
];

fn first_folder(tree: &Tree, fits: fn(&str) -> bool) -> Option<String> {
    let names = tree.folders.iter().map(|folder| tree.catalog.folder_name(folder.id));
    names.into_iter().find(|name| fits(name)).map(|name| format!("there is {name}/"))
}

/// A layout that was opened, and what was decided about it.
#[derive(Debug)]
struct Opened {
    layout: Box<dyn Layout>,
    reason: Option<String>,
    allows_missing: bool,
}

impl Layout for Opened {
    fn name(&self) -> &'static str {
        self.layout.name()
    }

    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    fn allows_missing(&self) -> bool {
        self.allows_missing
    }

    fn parts(&self) -> Option<[&str; 2]> {
        self.layout.parts()
    }

    fn places(&self) -> &Places {
        self.layout.places()
    }

    fn expects(&self, root: usize, path: &[Box<str>]) -> bool {
        self.layout.expects(root, path)
    }

    fn pair(&self, tree: Tree, select: &Select, reading: &Reading<'_>) -> Result<SampleSet, LayoutError> {
        self.layout.pair(tree, select, reading)
    }

    fn list(
        &self,
        tree: Tree,
        options: &AnnotationOptions,
        reading: &Reading<'_>,
    ) -> Result<Listing, LayoutError> {
        self.layout.list(tree, options, reading)
    }
}

/// Opens a data directory as the layout that is asked for, or that fits.
///
/// # Errors
/// [`LayoutError`] where its parts are not where they should be, or no layout fits, or several do.
pub fn open(options: &LayoutOptions) -> Result<Box<dyn Layout>, LayoutError> {
    Ok(Box::new(opened(options)?))
}

/// Opens data directories, each as the layout that is asked for or fits, with the other options for all of them.
///
/// # Errors
/// As [`open`], and [`LayoutError::Nested`].
pub fn open_all(data_dirs: &[PathBuf], options: &LayoutOptions) -> Result<Box<dyn Inputs>, LayoutError> {
    let open = |data_dir: &PathBuf| opened(&LayoutOptions { data_dir: data_dir.clone(), ..options.clone() });
    if let [data_dir] = data_dirs {
        return Ok(Box::new(open(data_dir)?));
    }
    let directories = data_dirs.iter().map(|data_dir| Ok(Box::new(open(data_dir)?) as Box<dyn Inputs>));
    Ok(Box::new(DataDirectories::new(directories.collect::<Result<_, LayoutError>>()?)?))
}

fn opened(options: &LayoutOptions) -> Result<Opened, LayoutError> {
    let parts = [("--link", &options.link), ("--dicoms", &options.dicoms), ("--contours", &options.contours)];
    let part = parts.into_iter().find(|(_, part)| part.is_some());
    let (name, reason) = match (options.layout.as_deref(), part) {
        (Some(name), _) if name != "auto" => (name, None),
        _ if options.table.is_some() => ("table", Some("--table names its table".to_owned())),
        (_, Some((option, _))) => ("link", Some(format!("{option} names a part of it"))),
        _ => {
            let (name, reason) = find(options)?;
            (name, Some(reason))
        }
    };
    let entry = LAYOUTS.iter().find(|entry| entry.name == name);
    let entry = entry.ok_or_else(|| LayoutError::UnknownLayout(name.to_owned()))?;
    if name == "link"
        && let Some(near) = near_miss(entry, options, &Tree::default())
    {
        return Err(near);
    }
    if !matches!(name, "link" | "scd2009" | "rvsc2012") && options.names != NamePatterns::default() {
        return Err(LayoutError::NoNames { layout: entry.name });
    }
    Ok(Opened { layout: (entry.open)(options)?, reason, allows_missing: options.allow_missing })
}

/// Where the data of `entry` are arranged otherwise, the error that says what is there and which command reads it.
fn near_miss(entry: &RegisteredLayout, options: &LayoutOptions, tree: &Tree) -> Option<LayoutError> {
    let (seen, command) = (entry.near_miss)(options, tree)?;
    let place = Place::file(options.data_dir.display().to_string());
    Some(LayoutError::NearMiss { place, seen: seen.into(), command: command.into() })
}

/// The name of the layout that fits, and why it does.
fn find(options: &LayoutOptions) -> Result<(&'static str, String), LayoutError> {
    let places = Places::new(&options.data_dir)?;
    let [link, others @ ..] = &LAYOUTS;
    // The names at the top tell, so that a large tree is not listed twice.
    let [has_table, has_images, has_contours] = near_folders::parts_at_their_places(&options.data_dir);
    if let Some(reason) = (link.fits)(options, &Tree::default()).filter(|_| has_table || has_contours) {
        return Ok((link.name, reason));
    }
    let tree = Tree::of(&places, &|_, _| true);
    let fitting: Vec<(&RegisteredLayout, String)> =
        others.iter().filter_map(|entry| Some((entry, (entry.fits)(options, &tree)?))).collect();
    if let [(entry, reason)] = &fitting[..] {
        return near_miss(entry, options, &tree).map_or_else(|| Ok((entry.name, reason.clone())), Err);
    }
    if let Some(near) = near_miss(link, options, &tree).filter(|_| fitting.is_empty()) {
        return Err(near);
    }
    let contour = tree.catalog.files().map(|file| tree.catalog.name(file)).find(|name| is_contour_like(name));
    if fitting.is_empty() && contour.is_none() && has_dicom(&tree) {
        return Ok(("dicom", "there are DICOM files, and no folders of another layout".to_owned()));
    }
    if has_images {
        return Ok((link.name, "there is dicoms".to_owned()));
    }
    let found = match (&fitting[..], contour) {
        ([], Some(contour)) if contour.contains("contours-manual/") => format!(
            "there are contours, as {contour}, and in the layout scd2009 they are in folders \
             <case>/contours-manual/IRCCI-expert: rename the folders, or name the files in a CSV with --table"
        ),
        ([], Some(contour)) => format!(
            "no layout is recognized, though there are contours, as {contour}; with a CSV file of images and contours, \
             --table takes any folders"
        ),
        ([], None) => {
            let mut found = format!(
                "no layout is recognized; it has {}, among them no link.csv and no DICOM image",
                number_of(tree.catalog.len(), "file", "files")
            );
            if let [first, ..] = &other_annotations(&tree.catalog, true)[..] {
                found += &format!(
                    ", but {}, as {}: images are read from DICOM alone, and such files as masks of DICOM images",
                    number_of(first.files, "label volume or picture", "label volumes or pictures"),
                    first.place
                );
            }
            let mut names = tree.catalog.files().map(|file| tree.catalog.name(file));
            if let Some(archive) = names.find(|name| is_called_archive(name)) {
                found += &format!("; {archive} is an archive, which is not looked into: unpack it");
            }
            found
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

/// True if a file is called like a DICOM object, or one of the first others has the prefix of one (PS3.10, 7.1).
fn has_dicom(tree: &Tree) -> bool {
    let files = || tree.folders.iter().flat_map(|folder| &folder.files);
    let is_called_so = |file: &FileId| is_called_dicom(tree.catalog.file_name(*file));
    // What a file is called otherwise tells that it is none.
    let may_be =
        |file: &&FileId| annotation_like(&tree.catalog.file_name(**file).to_lowercase(), true).is_none();
    files().any(is_called_so)
        || files().filter(may_be).take(LOOKED_INTO).any(|&file| {
            let mut start = [0; 132];
            let opened = tree.catalog.roots().open(&tree.catalog.path(file));
            opened.and_then(|mut file| file.read_exact(&mut start)).is_ok() && start[128..] == *b"DICM"
        })
}
