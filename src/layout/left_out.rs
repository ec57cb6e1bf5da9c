//! Images and annotations that a layout leaves out as a whole: by names alone, since no option asks for them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;

use crate::files::{Catalog, Fate, FolderId};
use crate::model::{FileId, Note, Place, Reason};
use crate::source::{Limits, ObjectKind, parse_identity};

use super::name_shape::{pattern_of, shape};
use super::{SampleSet, Unmatched};

/// Likeness of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Like {
    Image,
    Contour,
    Mask,
}

/// Files of one kind of name in folders of one kind of name.
#[derive(Debug, Default)]
struct Group {
    files: Vec<FileId>,
    folders: BTreeSet<FolderId>,
}

/// Images and annotations of `set` that are left out as a whole. `parts` are the folders of the images and of the contours, where the layout has
/// such.
pub(super) fn left_out(set: &SampleSet, parts: Option<[&str; 2]>) -> Vec<Unmatched> {
    let seen = Seen::of(set);
    let mut groups: BTreeMap<(Like, String, String), Group> = BTreeMap::new();
    for skipped in &set.skipped {
        let (Some(file), Reason::OutsideLayout | Reason::NameDoesNotFit) = (skipped.file, skipped.reason)
        else {
            continue;
        };
        let Some(like) = looks_like(set, file, skipped.reason, parts) else { continue };
        let folder = set.catalog.folder_of(file);
        let kind = set.catalog.folder_name(folder).rsplit('/').next().unwrap_or_default();
        let group = groups.entry((like, shape(kind), shape(set.catalog.file_name(file)))).or_default();
        group.files.push(file);
        group.folders.insert(folder);
    }
    let numbers = set.samples.iter().chain(&set.unlabelled).filter_map(|sample| sample.number).collect();
    let mut found = Vec::new();
    for ((like, _, name), mut group) in groups {
        // One label volume has the masks of a whole series.
        let is_many = group.files.len() > 1 || like == Like::Mask;
        let is_kind_of_name = is_many && !seen.shapes.contains(&name);
        if !is_kind_of_name {
            // Single files beside others that are used are a trace; a whole folder is not.
            group.files.retain(|&file| !seen.folders.contains(&set.catalog.folder_of(file)));
        }
        if let Some(&first) = group.files.first() {
            let text = reason(set, like, &group.files, &numbers, parts);
            found.push(Unmatched {
                place: Place::file(set.catalog.name(first)),
                files: group.files.len(),
                text,
            });
        }
    }
    found
}

/// Folders and kinds of names of which something is used, or reported otherwise.
struct Seen {
    folders: HashSet<FolderId>,
    shapes: HashSet<String>,
}

impl Seen {
    fn of(set: &SampleSet) -> Self {
        let is_seen = |file: &FileId| match set.fates.of(*file) {
            Fate::Open => false,
            Fate::Skipped(reason) => !matches!(reason, Reason::OutsideLayout | Reason::NameDoesNotFit),
            Fate::OtherShard | Fate::Unlabelled | Fate::Used => true,
        };
        let mut used: HashSet<FileId> = set.catalog.files().filter(is_seen).collect();
        for sample in set.samples.iter().chain(&set.unlabelled) {
            used.insert(sample.image.file);
            used.extend(sample.references().map(|(_, annotation)| annotation.file));
        }
        let mut seen = Self { folders: HashSet::new(), shapes: HashSet::new() };
        for file in used {
            seen.folders.insert(set.catalog.folder_of(file));
            seen.shapes.insert(shape(set.catalog.file_name(file)));
        }
        seen
    }
}

/// Likeness of a file by its name; `None` where it is nothing that a data set is made of.
fn looks_like(set: &SampleSet, file: FileId, reason: Reason, parts: Option<[&str; 2]>) -> Option<Like> {
    let path = set.catalog.name(file).to_lowercase();
    let name = path.rsplit('/').next().unwrap_or(&path);
    let has_digit = name.bytes().any(|byte| byte.is_ascii_digit());
    let is_in = |part: usize| parts.is_some_and(|parts| is_below(&set.catalog.name(file), parts[part]));
    let is_image_without_end = match set.layout {
        "scd2009" => name.starts_with("im-") && !name.contains("contour"),
        _ => reason == Reason::NameDoesNotFit && is_in(0),
    };
    let like = if ends(name, &IMAGE_ENDS) {
        Like::Image
    } else if ends(name, &[".txt"]) && has_digit && is_in(1) {
        Like::Contour
    } else if let Some(like) = annotation_like(&path, false) {
        like
    } else if is_image_without_end && has_digit && !name.contains('.') {
        Like::Image
    } else {
        return None;
    };
    match (set.layout, like) {
        // The content has decided which files are images.
        ("dicom", Like::Image) => None,
        // A column that is not asked for has files that no cell names.
        ("table", Like::Contour | Like::Mask) => None,
        _ => Some(like),
    }
}

const ARCHIVE_ENDS: [&str; 8] = [".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"];

/// True if a file is called like an archive, or like a compressed file that is no label volume.
pub(super) fn is_called_archive(name: &str) -> bool {
    let name = name.to_lowercase();
    ends(&name, &ARCHIVE_ENDS) && !name.ends_with(".nii.gz")
}

/// A note on each archive, whose content no layout takes.
pub(super) fn archives(set: &SampleSet) -> Vec<Note> {
    let outside = set.skipped.iter().filter(|skipped| {
        matches!(skipped.reason, Reason::OutsideLayout | Reason::NameDoesNotFit)
            && is_called_archive(&skipped.place.file)
    });
    let text = "archives are not looked into; unpack it if it belongs to the data set";
    outside.map(|skipped| Note::new(Place::file(&skipped.place.file), text)).collect()
}

const IMAGE_ENDS: [&str; 3] = [".dcm", ".ima", ".dicom"];
const META_IMAGE_ENDS: [&str; 2] = [".mha", ".mhd"];

fn ends(name: &str, ends: &[&str]) -> bool {
    ends.iter().any(|end| name.ends_with(end))
}

/// True if a file is called like a DICOM object.
pub(super) fn is_called_dicom(name: &str) -> bool {
    ends(&name.to_lowercase(), &IMAGE_ENDS)
}

/// The kind of annotation that a file is by its path, in lower case. Pictures are masks where the path says so, or all of
/// them where `any_picture` is set.
pub(super) fn annotation_like(path: &str, any_picture: bool) -> Option<Like> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let has_digit = name.bytes().any(|byte| byte.is_ascii_digit());
    let is_called_mask = || ["mask", "seg", "label", "contour"].iter().any(|word| path.contains(word));
    if ends(name, &[".txt"]) {
        (has_digit && path.contains("contour")).then_some(Like::Contour)
    } else if ends(name, &[".nii", ".nii.gz", ".nrrd"]) || ends(name, &META_IMAGE_ENDS) {
        Some(Like::Mask)
    } else {
        (ends(name, &[".png", ".tif", ".tiff"]) && (any_picture || is_called_mask())).then_some(Like::Mask)
    }
}

/// The way to take annotations that are no DICOM objects; `name` is one of them.
fn by_table(like: Like, name: &str) -> &'static str {
    match like {
        Like::Contour => "contour texts are read by --table CSV, with a column contour.<name>",
        _ if ends(&name.to_lowercase(), &META_IMAGE_ENDS) => {
            "MetaImage is not read: save it as NIfTI or NRRD, which --table CSV reads, with a column mask.<name>"
        }
        _ => "mask images and label volumes are read by --table CSV, with a column mask.<name>",
    }
}

/// Files of a tree of DICOM objects that are annotations by their names, and no DICOM objects: the first of each kind of
/// name, in all folders together. `any_picture` takes each PNG and TIFF for a mask.
pub(super) fn other_annotations(catalog: &Catalog, any_picture: bool) -> Vec<Unmatched> {
    let mut found: BTreeMap<&'static str, Unmatched> = BTreeMap::new();
    for file in catalog.files() {
        let path = catalog.name(file);
        let is_hidden = path.split('/').any(|name| name.starts_with('.'));
        let like = annotation_like(&path.to_lowercase(), any_picture).filter(|_| !is_hidden);
        let Some(like) = like else { continue };
        let text = by_table(like, &path);
        let first = || Unmatched { place: Place::file(path), files: 0, text: text.to_owned() };
        found.entry(text).or_insert_with(first).files += 1;
    }
    found.into_values().collect()
}

fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty() || folder == "." || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Why files are left out, and what takes them.
fn reason(
    set: &SampleSet,
    like: Like,
    files: &[FileId],
    numbers: &BTreeSet<i32>,
    parts: Option<[&str; 2]>,
) -> String {
    let first = files[0];
    let path = set.catalog.name(first);
    let is_in = |part: usize| parts.is_some_and(|parts| is_below(&path, parts[part]));
    let names: Vec<&str> = files.iter().map(|&file| set.catalog.file_name(file)).collect();
    match (set.layout, like) {
        ("table", _) => "no row of the table names them; --allow-missing makes it a note".to_owned(),
        (_, Like::Mask) | ("dicom", _) => by_table(like, names[0]).to_owned(),
        ("link", Like::Image) if is_in(0) => match object_kind(&set.catalog, first) {
            Some(kind @ (ObjectKind::RtStructureSet | ObjectKind::Segmentation)) => {
                format!("the first of them is {kind}, which --layout dicom reads")
            }
            _ => {
                let folder = below_patient(&path, parts.map_or("", |parts| parts[0]));
                let pattern = pattern_of(&names, numbers, false);
                format!("an image is called <number>.dcm; --image-name '{folder}{pattern}' takes these")
            }
        },
        ("link", Like::Contour) if is_in(1) => {
            let folder = below_patient(&path, parts.map_or("", |parts| parts[1]));
            let structure = structure_of(names[0], &folder);
            let pattern = pattern_of(&names, numbers, true);
            format!(
                "contours are in folders i-contours and o-contours, called IM-<series>-<number>-icontour-manual.txt; \
                 --contour-name '{structure}={folder}{pattern}' takes these"
            )
        }
        ("scd2009" | "rvsc2012", _) if is_named_otherwise(set, first) || is_in_image_folder(set, like, &path) => {
            let pattern = pattern_of(&names, numbers, like == Like::Contour);
            match like {
                Like::Contour => {
                    let structure = structure_of(names[0], "");
                    format!("their names are not those of the layout; --contour-name '{structure}={pattern}' takes them")
                }
                _ => format!("their names are not those of the layout; --image-name '{pattern}' takes them"),
            }
        }
        ("link", Like::Image) => {
            "they are in no folder of the layout; --dicoms names that of the images, and --table CSV takes any".to_owned()
        }
        ("link", Like::Contour) => {
            "they are in no folder of the layout; --contours names that of the contours, and --table CSV takes any"
                .to_owned()
        }
        (_, Like::Image | Like::Contour) => "they are in no folder of the layout; --table CSV takes any".to_owned(),
    }
}

fn is_named_otherwise(set: &SampleSet, file: FileId) -> bool {
    set.fates.of(file) == Fate::Skipped(Reason::NameDoesNotFit)
}

/// True if a layout of challenges looks for images in the folder of this file: that of 2009 in every folder, that of 2012 in
/// those that are called so.
fn is_in_image_folder(set: &SampleSet, like: Like, path: &str) -> bool {
    like == Like::Image && (set.layout == "scd2009" || shape(path).contains("p#dicom/"))
}

/// The folders of a file below that of its patient in `part`, as the beginning of a pattern.
fn below_patient(path: &str, part: &str) -> String {
    let below = path.strip_prefix(part).unwrap_or(path).trim_start_matches('/');
    let folders: Vec<&str> = below.split('/').collect();
    let inner = folders.get(1..folders.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().map(|folder| shape(folder).replace('#', "*") + "/").collect()
}

/// The structure that contours of this name probably are.
fn structure_of(name: &str, folder: &str) -> String {
    let lower = name.to_lowercase();
    let letter = |c: char| lower.contains(&format!("-{c}contour")) || lower.contains(&format!("_{c}contour"));
    let last = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    match last {
        "i-contours" => "inner".to_owned(),
        "o-contours" => "outer".to_owned(),
        _ if letter('i') => "inner".to_owned(),
        _ if letter('o') => "outer".to_owned(),
        "" | "*" => "NAME".to_owned(),
        folder => folder.trim_matches('*').to_owned(),
    }
}

/// Bytes of a file that tell what kind of object it is.
const HEADER_BYTES: u64 = 16 << 10;

/// The kind of a DICOM object; `None` where it is none, or cannot be read.
fn object_kind(catalog: &Catalog, file: FileId) -> Option<ObjectKind> {
    let opened = catalog.roots().open(&catalog.path(file)).ok()?;
    let length = opened.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let mut bytes = Vec::new();
    opened.take(HEADER_BYTES).read_to_end(&mut bytes).ok()?;
    let identity = parse_identity(&catalog.name(file), &bytes, length, &Limits::default()).ok()??;
    Some(identity.kind())
}
