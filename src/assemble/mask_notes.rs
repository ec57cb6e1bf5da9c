//! Notes on masks that have lost pixels.

use super::drawn::DrawnPlane;
use super::regrid::{GridMap, Uncropped};
use super::{AnnotationFacts, Assembler, contour};
use crate::model::{Mask, Note, Place, Polygon, Sample};

impl Assembler<'_> {
    /// The note on an annotation whose mask is empty, or cut by the size of the data set.
    pub(super) fn note_on_mask(
        &mut self,
        sample: &Sample,
        plane: usize,
        map: &GridMap,
        facts: Option<AnnotationFacts>,
    ) -> Option<Note> {
        let AnnotationFacts { mask_pixels, .. } = facts?;
        let cut = map.uncropped().map_or(0, |whole| self.cut_pixels(plane, map, &whole, mask_pixels));
        // Masks that are no contours are empty on most images.
        let text = match cut {
            0 if mask_pixels > 0 || self.contours[plane].is_empty() => return None,
            0 => "the contour owns no pixel of the image, so its mask is empty".to_owned(),
            _ => format!("--fit crop cuts off {cut} of {} pixels of the mask", cut + mask_pixels),
        };
        let name = self.plan.annotation_name(sample, plane).unwrap_or_default();
        Some(Note::new(Place::file(name), text))
    }

    /// Number of pixels of the mask in `plane` that cropping has cut off; `kept` are left.
    fn cut_pixels(&mut self, plane: usize, map: &GridMap, whole: &Uncropped, kept: usize) -> usize {
        let (contours, DrawnPlane { groups, cut, .. }) = (&self.contours[plane], &self.drawn[plane]);
        if !contours.iter().any(|contour| contour::reaches_beyond(contour, map.shape())) {
            return *cut;
        }
        let [dx, dy] = whole.shift;
        let moved = contours.iter().map(|contour| contour.clone().map(|[x, y]| [x + dx, y + dy]));
        let Ok(moved) = moved.collect::<Result<Vec<Polygon>, _>>() else { return 0 };
        let (mut mask, mut all) = (Mask::zeros(whole.shape), Mask::zeros(whole.shape));
        for group in groups {
            let points = moved[group.clone()].iter().map(Polygon::points);
            self.rasterizer.rasterize_all(points, self.options.combine, &mut mask);
            all = Mask::from_fn(whole.shape, |row, column| {
                let index = row * whole.shape.columns() + column;
                all.data()[index] | mask.data()[index] != 0
            });
        }
        cut + all.count_ones().saturating_sub(kept)
    }
}
