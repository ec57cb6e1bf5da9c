//! Reads the contour of a planned sample.

use sha2::{Digest, Sha256};

use super::files::{read_file, unreadable};
use crate::files::Catalog;
use crate::layout::SampleSet;
use crate::model::{AnnotationRef, GridShape, Place, Polygon, PolygonError, Reason, Sample, Skipped};
use crate::source::{MAX_CONTOUR_BYTES, parse_contour};

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

/// Reads contours of the samples of a plan, into memory that is used again.
pub struct ContourReader<'a> {
    plan: &'a SampleSet,
    offset: [f64; 2],
    bytes: Vec<u8>,
}

impl<'a> ContourReader<'a> {
    /// A reader that moves contours by `offset` (`[x, y]` in pixels).
    #[must_use]
    pub fn new(plan: &'a SampleSet, offset: [f64; 2]) -> Self {
        Self { plan, offset, bytes: Vec::new() }
    }

    /// Reads the first contour in `plane` of `sample`, whose image is one of `source` pixels. `None` where there is
    /// none.
    ///
    /// # Errors
    /// Why the contour cannot be used.
    pub fn read(
        &mut self,
        sample: &Sample,
        plane: usize,
        source: GridShape,
    ) -> Result<Option<ReadContour>, Skipped> {
        let [annotation, others @ ..] = &*sample.annotations[plane] else { return Ok(None) };
        if !self.plan.are_contour_texts(sample, plane) {
            return Ok(None);
        }
        let (catalog, bytes) = (&self.plan.catalog, &mut self.bytes);
        let name = read_bytes(catalog, *annotation, bytes)?;
        let contour =
            parse(&name, bytes, self.offset, source).map_err(|skipped| skipped.of(annotation.file))?;
        let mut digests = vec![Sha256::digest(&bytes).into()];
        for other in others {
            read_bytes(catalog, *other, bytes)?;
            digests.push(Sha256::digest(&bytes).into());
        }
        Ok(Some(ReadContour { name, sha256: digest_of(&digests), contour }))
    }

    /// The file that was read last.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The digest of contours that are united, by their files alone.
///
/// # Errors
/// The first one that cannot be read, and why.
pub fn contour_digest(catalog: &Catalog, refs: &[AnnotationRef]) -> Result<[u8; 32], Skipped> {
    let mut bytes = Vec::new();
    let mut digest = |one: &AnnotationRef| {
        read_bytes(catalog, *one, &mut bytes)?;
        Ok(Sha256::digest(&bytes).into())
    };
    let digests = refs.iter().map(&mut digest).collect::<Result<Vec<[u8; 32]>, Skipped>>()?;
    Ok(digest_of(&digests))
}

/// The digest of annotations that are united: that of the only file, or the SHA-256 over those of several.
pub(super) fn digest_of(files: &[[u8; 32]]) -> [u8; 32] {
    match files {
        [only] => *only,
        several => Sha256::digest(several.concat()).into(),
    }
}

/// Reads the file of a contour. Returns its name.
pub(super) fn read_bytes(
    catalog: &Catalog,
    annotation: AnnotationRef,
    bytes: &mut Vec<u8>,
) -> Result<String, Skipped> {
    bytes.clear();
    let name = catalog.name(annotation.file);
    read_file(catalog.roots(), &catalog.path(annotation.file), MAX_CONTOUR_BYTES as u64, "", bytes)
        .map_err(|error| unreadable(&name, Reason::ContourUnreadable, &error).of(annotation.file))?;
    Ok(name)
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

/// True if a part of the contour lies outside of an image of this size.
pub(super) fn reaches_beyond(contour: &Polygon, image: GridShape) -> bool {
    let ([min_x, min_y], [max_x, max_y]) = contour.bounds();
    min_x < -0.5 || min_y < -0.5 || max_x > image.columns() as f64 - 0.5 || max_y > image.rows() as f64 - 0.5
}

fn is_outside(contour: &Polygon, image: GridShape) -> bool {
    let ([min_x, min_y], [max_x, max_y]) = contour.bounds();
    // Pixels reach half a pixel beyond their centres.
    max_x < -0.5 || max_y < -0.5 || min_x > image.columns() as f64 - 0.5 || min_y > image.rows() as f64 - 0.5
}
