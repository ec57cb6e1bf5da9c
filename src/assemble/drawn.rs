//! Annotations of files that hold several structures, on the grid of the data set.

use std::ops::Range;

use super::{Assembler, Fit};
use crate::layout::Annotations;
use crate::model::{AnnotationRef, GridShape, Mask, Place, Polygon, PolygonError, Reason, Sample, Skipped};
use crate::source::Drawn;

/// Content of one mask plane.
#[derive(Debug, Default)]
pub(super) struct DrawnPlane {
    /// Ranges of contours; those of one range make a mask together, and the masks are united.
    pub(super) groups: Vec<Range<usize>>,
    /// Masks on the grid of the data set, which are united with them.
    pub(super) masks: Vec<Mask>,
}

/// One annotation, on the grid of the data set.
pub(super) struct ReadAnnotation {
    /// The digest of its file, and of the part in it.
    pub(super) digest: [u8; 32],
    /// Its area in square pixels of the source image.
    pub(super) area: f64,
    pub(super) contours: Vec<Polygon>,
    pub(super) mask: Option<Mask>,
}

impl DrawnPlane {
    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.masks.clear();
    }

    /// Adds an annotation, whose contours go to the end of those of the plane.
    pub(super) fn add(&mut self, all: &mut Vec<Polygon>, contours: Vec<Polygon>, mask: Option<Mask>) {
        if !contours.is_empty() {
            self.groups.push(all.len()..all.len() + contours.len());
            all.extend(contours);
        }
        self.masks.extend(mask);
    }
}

impl Assembler<'_> {
    /// Reads a part of an annotation file on the image of `sample`, which has `source` pixels. `None` where the file says
    /// nothing about it.
    pub(super) fn read_part(
        &self,
        sample: &Sample,
        annotation: AnnotationRef,
        source: GridShape,
    ) -> Result<Option<ReadAnnotation>, Skipped> {
        let on = |annotations: &Annotations| annotations.on(&self.plan.catalog, annotation, sample.image);
        let Some((digest, drawn)) = self.plan.annotations.as_ref().map(on).transpose()? else {
            return Ok(None);
        };
        let (shape, fit) = (self.options.shape, self.options.fit);
        Ok(match drawn {
            Drawn::NotAnnotated => None,
            Drawn::Contours(contours) => {
                let area = enclosed(&contours);
                let failed = |error: PolygonError| {
                    let place = Place::file(self.plan.catalog.name(annotation.file));
                    Skipped::new(place, Reason::AnnotationUnreadable, error.to_string()).of(annotation.file)
                };
                let fitted = |contour: Polygon| match fit {
                    Some(fit) if source != shape => contour.map(|point| fit.map_point(source, shape, point)),
                    _ => Ok(contour),
                };
                let contours = contours.into_iter().map(fitted).collect::<Result<_, _>>().map_err(failed)?;
                Some(ReadAnnotation { digest, area, contours, mask: None })
            }
            Drawn::Raster(mask) => {
                let area = mask.count_ones() as f64;
                let mask = match fit {
                    Some(fit) if source != shape => fit_mask(fit, &mask, shape),
                    _ => mask,
                };
                Some(ReadAnnotation { digest, area, contours: Vec::new(), mask: Some(mask) })
            }
        })
    }
}

/// More contours on one image are specks, whose areas are added.
const MOST_NESTED: usize = 300;

/// The area that an odd number of contours encloses, where none crosses another: a contour within another one is a hole.
fn enclosed(contours: &[Polygon]) -> f64 {
    let depth = |index: usize, contour: &Polygon| {
        let point = contour.points()[0];
        let others = contours.iter().enumerate().filter(|(other, _)| *other != index);
        others.filter(|(_, other)| encloses(other, point)).count()
    };
    let is_nested = contours.len() <= MOST_NESTED;
    let signed = |(index, contour): (usize, &Polygon)| {
        if is_nested && depth(index, contour) % 2 == 1 { -contour.area() } else { contour.area() }
    };
    contours.iter().enumerate().map(signed).sum::<f64>() + 0.0
}

/// True if a contour encloses a point, by even-odd.
fn encloses(contour: &Polygon, [x, y]: [f64; 2]) -> bool {
    let crosses = |&([ax, ay], [bx, by]): &([f64; 2], [f64; 2])| {
        (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax
    };
    contour.sides().filter(crosses).count() % 2 == 1
}

/// A mask brought to the grid of the data set as its image is. Resized, a pixel belongs to the structure where half of its
/// area or more does.
fn fit_mask(fit: Fit, mask: &Mask, shape: GridShape) -> Mask {
    let source = mask.shape();
    let columns = source.columns();
    if fit != Fit::Resize {
        let [left, top] = fit.map_point(source, shape, [0.0, 0.0]);
        let inside = |row: usize, column: usize| {
            let (y, x) = (row as f64 - top, column as f64 - left);
            let is_there = y >= 0.0 && x >= 0.0 && y < source.rows() as f64 && x < columns as f64;
            is_there && mask.data()[y as usize * columns + x as usize] != 0
        };
        return Mask::from_fn(shape, inside);
    }
    let [rows_of, columns_of] =
        [shares(source.rows(), shape.rows()), shares(source.columns(), shape.columns())];
    Mask::from_fn(shape, |row, column| {
        let mut share = 0.0;
        for &(y, height) in &rows_of[row] {
            for &(x, width) in &columns_of[column] {
                share += height * width * f64::from(mask.data()[y * columns + x]);
            }
        }
        share >= 0.5 - 1e-9
    })
}

/// For each of `to` pixels in a line, the pixels of a line of `from` below it, each with its share of it.
fn shares(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let scale = from as f64 / to as f64;
    let share = |index: usize| {
        let (start, end) = (index as f64 * scale, (index + 1) as f64 * scale);
        let first = start.floor() as usize;
        let last = (end.ceil() as usize).min(from);
        let of = |pixel: usize| (pixel, (end.min(pixel as f64 + 1.0) - start.max(pixel as f64)) / scale);
        (first..last).map(of).filter(|(_, share)| *share > 0.0).collect()
    };
    (0..to).map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(low: f64, high: f64) -> Polygon {
        Polygon::new(vec![[low, low], [high, low], [high, high], [low, high]]).unwrap()
    }

    #[test]
    fn holes_have_no_area_and_islands_in_them_have() {
        assert_eq!(enclosed(&[square(0.0, 10.0)]), 100.0);
        assert_eq!(enclosed(&[square(4.0, 6.0), square(0.0, 10.0), square(2.0, 8.0)]), 100.0 - 36.0 + 4.0);
        assert_eq!(enclosed(&[]), 0.0);
    }

    #[test]
    fn masks_go_where_their_images_go() {
        let [small, large] = [GridShape::new(2, 2).unwrap(), GridShape::new(4, 4).unwrap()];
        let mask = Mask::from_values(small, vec![1, 0, 0, 1]);
        let padded = fit_mask(Fit::Pad, &mask, large);
        assert_eq!(padded.data(), [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
        let resized = fit_mask(Fit::Resize, &mask, large);
        assert_eq!(resized.data(), [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(fit_mask(Fit::Resize, &resized, small).data(), mask.data());
        assert_eq!(fit_mask(Fit::Crop, &padded, small).data(), mask.data());
    }
}
