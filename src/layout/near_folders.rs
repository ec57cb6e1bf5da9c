//! A data directory that is nearly that of the layout `link`: what its parts are called there.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::left_out::is_called_dicom;
use super::name_shape::shape;
use super::options::LayoutOptions;
use super::spelling::shell_word;

/// Entries of a folder that are looked at.
const MOST_ENTRIES: usize = 4096;
/// Folders of patients, and files of each, that are looked into.
const LOOKED_INTO: usize = 16;

/// The usual names of the parts.
const PARTS: [&str; 3] = ["link.csv", "dicoms", "contourfiles"];
/// The options that name them otherwise.
const OPTIONS: [&str; 3] = ["--link", "--dicoms", "--contours"];

/// True for each part of the layout `link` that is at its usual place.
pub(super) fn parts_at_their_places(data_dir: &Path) -> [bool; 3] {
    PARTS.map(|part| data_dir.join(part).exists())
}

/// The command that reads a data directory whose parts have other names or stand a folder deeper, and what was seen.
pub(super) fn advice(options: &LayoutOptions) -> Option<(String, String)> {
    let data_dir = &options.data_dir;
    let given = [&options.link, &options.dicoms, &options.contours].map(Option::is_some);
    let usual = parts_at_their_places(data_dir);
    let found: [bool; 3] = std::array::from_fn(|part| given[part] || usual[part]);
    if found == [true; 3] {
        return None;
    }
    let entries = entries(data_dir);
    let near = [
        entries.iter().find(|path| is_link_table(path)),
        entries.iter().find(|path| !is_usual(path) && holds_images(path)),
        entries.iter().find(|path| !is_usual(path) && holds_contours(path)),
    ];
    let is_complete = (0..3).all(|part| found[part] || near[part].is_some());
    if is_complete {
        let others = (0..3).filter(|&part| !found[part]);
        let others: Vec<(usize, &PathBuf)> =
            others.filter_map(|part| near[part].map(|path| (part, path))).collect();
        let seen =
            others.iter().map(|(part, path)| format!("there is no {}, but {}", PARTS[*part], name(path)));
        let named = others.iter().map(|(part, path)| format!(" {} {}", OPTIONS[*part], quoted(path)));
        let command = format!("dicomprep prep {}{}", quoted(data_dir), named.collect::<String>());
        return Some((seen.collect::<Vec<_>>().join("; "), command));
    }
    let deeper =
        entries.iter().find(|path| parts_at_their_places(path).iter().filter(|part| **part).count() > 1)?;
    let seen = format!("the folders of the layout link are in {}", name(deeper));
    Some((seen, format!("dicomprep prep {}", quoted(deeper))))
}

/// The command that reads cases of the challenge of 2009 whose images are in folders with other names, which a table tells:
/// as the Cardiac Atlas Project gives them out.
pub(super) fn advice_for_cases(data_dir: &Path) -> Option<(String, String)> {
    let entries = entries(data_dir);
    let table = entries.iter().find(|path| is_link_table(path))?;
    let line = first_line(table);
    let columns: Vec<&str> = line.split([',', ';', '\t']).map(|name| name.trim().trim_matches('"')).collect();
    let column = |word: &str| columns.iter().find(|name| name.to_lowercase().contains(word));
    let (patient, original) = (column("patient")?, column("original")?);
    let images = entries.iter().find(|path| {
        patients(path).any(|patient| {
            let deeper = patients(&patient).any(|folder| holds_image(&folder));
            deeper || holds_image(&patient)
        })
    })?;
    let contours = entries.iter().find(|path| *path != images && holds_contours(path))?;
    let folders: Vec<PathBuf> =
        patients(images).flat_map(|patient| patients(&patient).collect::<Vec<_>>()).collect();
    let short_axis = folders.iter().map(|folder| shape(&name(folder))).find(|name| name.contains("sax"));
    let folder = match (&folders[..], short_axis) {
        ([], _) => String::new(),
        (_, Some(name)) => name.replace('#', "*") + "/",
        (_, None) => "*/".to_owned(),
    };
    let command = format!(
        "dicomprep prep {} --layout link --link {} --columns patient={patient},original={original} --dicoms {} \
         --contours {} --image-name '{folder}IM-*-{{n}}.dcm' \
         --contour-name 'inner=contours-manual/IRCCI-expert/IM-*-{{n}}-icontour-manual.txt'",
        quoted(data_dir),
        quoted(table),
        quoted(images),
        quoted(contours),
    );
    let seen = format!(
        "the images are in {}/, where no folder has the name of a case in {}/, and {} tells which belong together",
        name(images),
        name(contours),
        name(table)
    );
    Some((seen, command))
}

fn is_usual(path: &Path) -> bool {
    PARTS.contains(&name(path).as_str())
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    shell_word(&path.display().to_string())
}

/// The entries of a folder, sorted, hidden ones left out.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_ENTRIES);
    let mut all: Vec<PathBuf> =
        all.map(|entry| entry.path()).filter(|path| !name(path).starts_with('.')).collect();
    all.sort();
    all
}

/// True if a file is called like a link table, or its first line has both columns of one.
fn is_link_table(path: &Path) -> bool {
    let lower = name(path).to_lowercase();
    let is_table = [".csv", ".tsv", ".txt"].iter().any(|end| lower.ends_with(end));
    if !is_table || !path.is_file() {
        return false;
    }
    let line = first_line(path).to_lowercase();
    line.contains("patient") && line.contains("original")
}

/// The first line of a file, without a byte order mark; empty where it cannot be read.
fn first_line(path: &Path) -> String {
    let mut first = Vec::new();
    let read = File::open(path).and_then(|file| file.take(1 << 10).read_to_end(&mut first));
    let text = if read.is_ok() { String::from_utf8_lossy(&first).into_owned() } else { String::new() };
    text.trim_start_matches('\u{feff}').lines().next().unwrap_or_default().to_owned()
}

/// The first folders in a folder.
fn patients(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let is_folder = folder.is_dir();
    let all = if is_folder { entries(folder) } else { Vec::new() };
    all.into_iter().filter(|path| path.is_dir()).take(LOOKED_INTO)
}

/// True if folders in it hold files that are called like DICOM images.
fn holds_images(folder: &Path) -> bool {
    patients(folder).any(|patient| holds_image(&patient))
}

/// True if one of the first files in a folder is called like a DICOM image.
fn holds_image(folder: &Path) -> bool {
    entries(folder).iter().take(LOOKED_INTO).any(|path| is_called_dicom(&name(path)))
}

/// True if folders in it hold texts or folders that are called like contours.
fn holds_contours(folder: &Path) -> bool {
    let is_contour = |path: &PathBuf| name(path).to_lowercase().contains("contour");
    let holds = |folder: &Path| entries(folder).iter().take(LOOKED_INTO).any(is_contour);
    patients(folder).any(|patient| holds(&patient) || patients(&patient).any(|inner| holds(&inner)))
}
