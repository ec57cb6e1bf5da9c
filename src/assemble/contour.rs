//! Reads the contour of a planned sample.

use sha2::{Digest, Sha256};

use super::files::{read_file, unreadable};
use crate::model::{GridShape, Place, Polygon, PolygonError, Reason, Skipped};
use crate::source::{MAX_CONTOUR_BYTES, parse_contour};
use crate::wrangle::{PairPlan, PlannedSample};

/// A contour as it stands in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadContour {
    /// The file as people see it.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// The contour, moved by the offset, in pixels of the source image.
    pub contour: Polygon,
}

/// Reads the contour in `plane` of `sample`, whose image is one of `source` pixels, and moves it by `offset` (`[x, y]`
/// in pixels). `None` where there is none. `bytes` is memory that is used again.
///
/// # Errors
/// Why the contour cannot be used.
pub fn read_contour(
    plan: &PairPlan,
    (sample, plane): (&PlannedSample, usize),
    source: GridShape,
    offset: [f64; 2],
    bytes: &mut Vec<u8>,
) -> Result<Option<ReadContour>, Skipped> {
    let Some(name) = read_bytes(plan, (sample, plane), bytes)? else {
        return Ok(None);
    };
    let contour = parse(&name, bytes, offset, source)?;
    Ok(Some(ReadContour { name, sha256: Sha256::digest(bytes).into(), contour }))
}

/// Reads the file of a contour. Its name, `None` where there is no contour.
pub(super) fn read_bytes(
    plan: &PairPlan,
    (sample, plane): (&PlannedSample, usize),
    bytes: &mut Vec<u8>,
) -> Result<Option<String>, Skipped> {
    bytes.clear();
    let (Some(path), Some(name)) = (plan.annotation_path(sample, plane), plan.annotation_name(sample, plane))
    else {
        return Ok(None);
    };
    read_file((plan.roots(), &path), MAX_CONTOUR_BYTES as u64, "", bytes)
        .map_err(|error| unreadable(&name, Reason::ContourUnreadable, &error))?;
    Ok(Some(name))
}

/// The contour that `bytes` are, moved by `offset`; it must not lie wholly outside of an image of `source` pixels.
pub(super) fn parse(
    name: &str,
    bytes: &[u8],
    [dx, dy]: [f64; 2],
    source: GridShape,
) -> Result<Polygon, Skipped> {
    let contour = parse_contour(name, bytes)
        .map_err(|error| Skipped::new(error.place.clone(), error.reason(), error.fault.to_string()))?;
    let moved =
        |error: PolygonError| Skipped::new(Place::file(name), Reason::ContourUnreadable, error.to_string());
    let contour = contour.map(|[x, y]| [x + dx, y + dy]).map_err(moved)?;
    if is_outside(&contour, source) {
        let detail = format!("the contour lies wholly outside of its image of {source} pixels");
        return Err(Skipped::new(Place::file(name), Reason::ContourOutside, detail));
    }
    Ok(contour)
}

fn is_outside(contour: &Polygon, image: GridShape) -> bool {
    let ([min_x, min_y], [max_x, max_y]) = contour.bounds();
    // Pixels reach half a pixel beyond their centres.
    max_x < -0.5 || max_y < -0.5 || min_x > image.columns() as f64 - 0.5 || min_y > image.rows() as f64 - 0.5
}
