//! Locations of the parts of a data directory.

use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::PossibleValuesParser;
use dicomprep::layout::registry::{self, LayoutOptions};
use dicomprep::layout::{ColumnNames, ContourPattern, NamePattern, NamePatterns};

// clap takes {n} for the end of a line, but not with an escape sequence in it, which it leaves out of plain text.
const IMAGE_NAME_HELP: &str = "Name of an image file with {\u{1b}[0mn} for its number and * for anything, as in \
    IM-*-{\u{1b}[0mn}.dcm; with a /, the way from the folder of the patient. Can be given more than once";
const CONTOUR_NAME_HELP: &str = "Name of a contour file, as for --image-name; with the structure before it, as in \
    lv=endo/*-{\u{1b}[0mn}.txt, in any folder of the patient. Can be given more than once";

/// Locations of the parts of a data directory, if not the usual ones.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlaceArgs {
    /// Arrangement of images and annotations; auto looks at names: link, scd2009, rvsc2012, table (by --table), or dicom
    /// (any tree of DICOM objects, RTSTRUCT and SEG)
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = layouts())]
    layout: String,
    /// The link table [default: DATA_DIR/link.csv]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    link: Option<PathBuf>,
    /// The folder of the images [default: DATA_DIR/dicoms]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    dicoms: Option<PathBuf>,
    /// The folder of the contours [default: DATA_DIR/contourfiles]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    contours: Option<PathBuf>,
    /// A table of images and annotations instead of these folders: columns image, patient_id, frame, split, mask.<name>
    /// and contour.<name>
    #[arg(
        long, value_name = "CSV", conflicts_with_all = ["link", "dicoms", "contours"], value_hint = ValueHint::FilePath
    )]
    table: Option<PathBuf>,
    /// Other names of the columns of either table, as in patient=case,image=path or patient=case,original=contours
    #[arg(long, value_name = "NAMES", value_parser = columns)]
    columns: Option<ColumnNames>,
    #[arg(long, value_name = "PATTERN", help = IMAGE_NAME_HELP, conflicts_with = "table", value_parser = NamePattern::parse)]
    image_name: Vec<NamePattern>,
    #[arg(long, value_name = "[NAME=]PATTERN", help = CONTOUR_NAME_HELP, conflicts_with = "table", value_parser = ContourPattern::parse)]
    contour_name: Vec<ContourPattern>,
    /// Accept rows of the link table without a folder or contours, and folders that no row names; they are notes
    #[arg(long)]
    allow_missing: bool,
}

impl PlaceArgs {
    /// True if a location is given.
    pub(crate) fn is_given(&self) -> bool {
        self.layout != "auto"
            || [&self.link, &self.dicoms, &self.contours, &self.table].into_iter().any(Option::is_some)
    }

    /// The option that names a part of one data directory, where one is given.
    pub(crate) fn one_part(&self) -> Option<&'static str> {
        let parts = [
            ("--link", &self.link),
            ("--dicoms", &self.dicoms),
            ("--contours", &self.contours),
            ("--table", &self.table),
        ];
        parts.into_iter().find(|(_, part)| part.is_some()).map(|(option, _)| option)
    }

    /// The name of the layout.
    pub(crate) fn layout(&self) -> &str {
        &self.layout
    }

    /// Options of the layout called `name`.
    pub(crate) fn options(&self, name: &str) -> LayoutOptions {
        let Self { link, dicoms, contours, table, columns, image_name, contour_name, allow_missing, .. } =
            self.clone();
        LayoutOptions {
            layout: Some(name.to_owned()),
            data_dir: PathBuf::new(),
            link,
            dicoms,
            contours,
            table,
            columns: columns.unwrap_or_default(),
            names: NamePatterns { images: image_name, contours: contour_name },
            allow_missing,
        }
    }
}

fn columns(typed: &str) -> Result<ColumnNames, String> {
    const KNOWN: [&str; 7] = ["image", "patient_id", "patient", "original_id", "original", "frame", "split"];
    let pair = |pair: &str| match pair.split_once('=') {
        Some((usual, name)) if KNOWN.contains(&usual.trim()) && !name.trim().is_empty() => {
            Ok((usual.trim().into(), name.trim().into()))
        }
        _ => Err("use image=NAME, patient=NAME, original=NAME, frame=NAME or split=NAME, joined with commas"
            .to_owned()),
    };
    Ok(ColumnNames(typed.split(',').map(pair).collect::<Result<_, _>>()?))
}

fn layouts() -> PossibleValuesParser {
    let names = registry::LAYOUTS.iter().map(|entry| entry.name);
    PossibleValuesParser::new(std::iter::once("auto").chain(names))
}
