//! Annotations of files that hold several structures, on the grid of the data set.

use std::ops::Range;

use super::Assembler;
use super::regrid::{GridMap, map_mask};
use crate::layout::Annotations;
use crate::model::{AnnotationRef, Mask, Place, Polygon, PolygonError, Reason, Sample, Skipped};
use crate::source::Drawn;

/// Content of one mask plane.
#[derive(Debug, Default)]
pub(super) struct DrawnPlane {
    /// Ranges of contours; those of one range make a mask together, and the masks are united.
    pub(super) groups: Vec<Range<usize>>,
    /// Masks on the grid of the data set, which are united with them.
    pub(super) masks: Vec<Mask>,
    /// Pixels of these masks that cropping has cut off.
    pub(super) cut: usize,
}

/// One annotation, on the grid of the data set.
pub(super) struct ReadAnnotation {
    /// The digest of its file, and of the part in it.
    pub(super) digest: [u8; 32],
    /// Its area in square pixels of the source image.
    pub(super) area: f64,
    pub(super) contours: Vec<Polygon>,
    pub(super) mask: Option<Mask>,
    /// Pixels of the mask that cropping has cut off.
    pub(super) cut: usize,
}

impl DrawnPlane {
    pub(super) fn clear(&mut self) {
        self.groups.clear();
        self.masks.clear();
        self.cut = 0;
    }

    /// Adds an annotation, whose contours go to the end of those of the plane.
    pub(super) fn add(&mut self, all: &mut Vec<Polygon>, read: ReadAnnotation) {
        let ReadAnnotation { contours, mask, cut, .. } = read;
        self.cut += cut;
        if !contours.is_empty() {
            self.groups.push(all.len()..all.len() + contours.len());
            all.extend(contours);
        }
        self.masks.extend(mask);
    }
}

impl Assembler<'_> {
    /// Reads a part of an annotation file on the image of `sample`, which `map` resamples to the grid of the data set. `None`
    /// where the file says nothing about it.
    pub(super) fn read_part(
        &self,
        sample: &Sample,
        annotation: AnnotationRef,
        map: &GridMap,
    ) -> Result<Option<ReadAnnotation>, Skipped> {
        let on = |annotations: &Annotations| annotations.on(&self.plan.catalog, annotation, sample.image);
        let Some((digest, drawn)) = self.plan.annotations.as_ref().map(on).transpose()? else {
            return Ok(None);
        };
        Ok(match drawn {
            Drawn::NotAnnotated => None,
            Drawn::Contours(contours) => {
                let area = enclosed(&contours);
                let failed = |error: PolygonError| {
                    let place = Place::file(self.plan.catalog.name(annotation.file));
                    Skipped::new(place, Reason::AnnotationUnreadable, error.to_string()).of(annotation.file)
                };
                let fitted = |contour: Polygon| match map.is_identity() {
                    true => Ok(contour),
                    false => contour.map(|point| map.map_point(point)),
                };
                let contours = contours.into_iter().map(fitted).collect::<Result<_, _>>().map_err(failed)?;
                Some(ReadAnnotation { digest, area, contours, mask: None, cut: 0 })
            }
            Drawn::Raster(mask) => {
                let area = mask.count_ones() as f64;
                let fitted = map_mask(map, &mask);
                let whole = map.uncropped().map(|whole| map_mask(&whole.map, &mask).count_ones());
                let cut = whole.map_or(0, |whole| whole.saturating_sub(fitted.count_ones()));
                Some(ReadAnnotation { digest, area, contours: Vec::new(), mask: Some(fitted), cut })
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
}
