//! Looks at all of a file.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

use super::CheckError;
use super::against::{Against, SourceOptions, sources_of};
use super::blocks::{self, Crew};
use super::pixel_counts::PixelCounts;
use super::problem::{ProblemKind, Problems};
use super::row_check::{RowCheck, RowLook};
use super::totals::VerifyTotals;
use crate::prep::{Control, Sources};
use crate::store::{DatasetFile, Flaw, SampleColumns};

/// The findings.
#[derive(Debug, Clone, Serialize)]
pub struct VerifySummary {
    /// The file.
    #[serde(serialize_with = "lossy")]
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: usize,
    /// Bytes of its images and masks, decoded.
    pub decoded_bytes: u64,
    /// True if the rows were compared with their sources.
    pub against: bool,
    /// The problem.
    pub problems: Problems,
    /// Objects that the format does not know and does not forbid, and structures without a pixel.
    pub notes: Vec<Flaw>,
    /// Seconds that it took.
    pub seconds: f64,
    /// Number of threads.
    pub threads: usize,
    /// Rows whose image or mask is damaged.
    #[serde(skip)]
    pub(super) damaged: Vec<usize>,
}

/// JSON is UTF-8, and a path need not be.
pub(super) fn lossy<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&path.display())
}

impl VerifySummary {
    /// True if nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.total() == 0
    }
}

/// Looks at every promise of the format in the file at `path`, whatever was done to its bytes, and holds every row
/// against its sources where `sources` says where they are. Holds a few rows of each thread in memory, and some 50
/// bytes for each row of the file.
///
/// # Errors
/// [`CheckError::Store`] where the file cannot be opened, so that nothing can be said of its rows;
/// [`CheckError::Prep`] where the sources cannot be planned; [`CheckError::Interrupted`].
pub fn verify(
    path: &Path,
    sources: Option<&SourceOptions<'_>>,
    threads: usize,
    control: Control<'_>,
) -> Result<VerifySummary, CheckError> {
    let file = DatasetFile::open(path)?;
    match sources {
        None => verify_file(&file, None, threads, control),
        Some(options) => {
            let sources = sources_of(&file, options, threads, &control)?;
            verify_file(&file, Some(&sources), threads, control)
        }
    }
}

/// [`verify`] of an open file.
pub(super) fn verify_file(
    file: &DatasetFile,
    sources: Option<&Sources>,
    threads: usize,
    control: Control<'_>,
) -> Result<VerifySummary, CheckError> {
    let began = Instant::now();
    let structure = file.check_structure()?;
    let mut notes = structure.notes;
    if structure.columns_are_sound {
        notes.extend(file.structures_without_pixels()?.into_iter().map(|name| Flaw {
            place: "/masks".to_owned(),
            what: format!("have no pixel of structure {name:?} in any row"),
        }));
    }
    let mut totals = VerifyTotals::default();
    for flaw in &structure.flaws {
        totals.problems.add_of_file(ProblemKind::Structure, &flaw.place, &*flaw.what);
    }
    let mut against = sources.map(|sources| Against::new(sources, file));
    let counts = walk_rows(
        file,
        structure.columns_are_sound,
        against.as_ref(),
        &mut totals,
        Crew { threads, control, stage: "verifying rows" },
    )?;
    if structure.columns_are_sound {
        totals.judge(file, &counts)?;
        if let Some(against) = &mut against {
            against.find_added(&mut totals.problems, threads, control)?;
        }
    }
    let decoded = file.rows() as u64 * (file.image_bytes() + file.mask_bytes()) as u64;
    Ok(VerifySummary {
        path: file.path().to_owned(),
        bytes: file.bytes(),
        rows: file.rows(),
        decoded_bytes: decoded,
        against: against.is_some(),
        problems: totals.problems,
        notes,
        seconds: began.elapsed().as_secs_f64(),
        threads,
        damaged: totals.damaged,
    })
}

/// Looks at all rows. Returns the counts of their pixels.
fn walk_rows(
    file: &DatasetFile,
    columns_are_sound: bool,
    against: Option<&Against<'_>>,
    totals: &mut VerifyTotals,
    crew: Crew<'_>,
) -> Result<PixelCounts, CheckError> {
    let checksums = file.checksums().ok();
    let start = || {
        let fresh = against.map(|against| against.sources().rows());
        Ok((RowCheck::new(file, checksums.as_ref(), columns_are_sound)?, fresh))
    };
    let checks = blocks::run(
        file.rows(),
        crew,
        start,
        |(check, fresh), rows| {
            let looks = rows.map(|row| {
                let mut look = check.look(row);
                if let (Some(against), Some(fresh)) = (against, &mut *fresh) {
                    against.compare(fresh, &mut look, &check.image, &check.mask);
                }
                look
            });
            Ok(looks.collect::<Vec<RowLook>>())
        },
        |looks| looks.into_iter().for_each(|look| totals.take(look)),
    )?;
    let mut counts = PixelCounts::new(file);
    checks.iter().for_each(|(check, _)| counts.merge(&check.counts));
    Ok(counts)
}
