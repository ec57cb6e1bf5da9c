//! The masks of a sample, made from its annotations.

use std::time::Instant;

use sha2::{Digest, Sha256};

use super::contour;
use super::drawn::{DrawnPlane, ReadAnnotation, enclosed};
use super::regrid::map_mask;
use super::{AnnotationFacts, Assembler, GridMap, Remarks};
use crate::files::FileKind;
use crate::layout::Annotations;
use crate::model::{AnnotationRef, Mask, Note, Place, Polygon, PolygonError, Reason, Sample, Skipped};
use crate::source::Drawn;

/// Pixels that are looked at together: most of a mask is empty.
const RUN: usize = 64;

impl Assembler<'_> {
    /// Rasterizes every contour of the sample into its plane.
    pub(super) fn read_masks(
        &mut self,
        sample: &Sample,
        map: &GridMap,
        remarks: &mut Remarks,
    ) -> Vec<Option<AnnotationFacts>> {
        let planes = sample.annotations.len();
        self.masks.resize(self.options.shape.pixels() * planes, 0);
        let mut facts = Vec::with_capacity(planes);
        for plane in 0..planes {
            let read = self.read_contours(sample, plane, map, remarks);
            if plane == 0 && !self.is_one_mask(plane, planes) {
                self.masks.fill(0);
            }
            let read =
                read.map(|facts| AnnotationFacts { mask_pixels: self.rasterize(plane, planes), ..facts });
            remarks.notes.extend(self.note_on_mask(sample, plane, map, read));
            facts.push(read);
        }
        facts
    }

    /// True if the masks of the sample are those of one group of contours or of one mask, which is then written over
    /// whatever is there.
    fn is_one_mask(&self, plane: usize, planes: usize) -> bool {
        let DrawnPlane { groups, masks, .. } = &self.drawn[plane];
        planes == 1 && groups.len() + masks.len() == 1
    }

    /// Makes the mask of `plane` from its contours and masks. Returns the number of its pixels.
    fn rasterize(&mut self, plane: usize, planes: usize) -> usize {
        let start = Instant::now();
        let mut pixels = 0;
        let is_only = self.is_one_mask(plane, planes);
        let (contours, drawn) = (&self.contours[plane], &self.drawn[plane]);
        let mut add = |mask: &Mask| {
            if is_only {
                self.masks.copy_from_slice(mask.data());
                pixels = mask.count_ones();
                return;
            }
            let runs = self.masks.chunks_mut(RUN * planes).zip(mask.data().chunks(RUN));
            for (cells, values) in runs.filter(|(_, values)| **values != [0; RUN][..values.len()]) {
                for (cell, &value) in cells.iter_mut().skip(plane).step_by(planes).zip(values) {
                    pixels += usize::from(value & !*cell);
                    *cell |= value;
                }
            }
        };
        for group in &drawn.groups {
            let points = contours[group.clone()].iter().map(Polygon::points);
            self.rasterizer.rasterize_all(points, self.options.combine, &mut self.mask);
            add(&self.mask);
        }
        drawn.masks.iter().for_each(&mut add);
        self.times.rasterize += start.elapsed();
        pixels
    }

    /// Reads the contours in `plane` and keeps them in the pixels of the data set; their mask is not made, and its
    /// pixels are not counted. `None` where there is none that can be used.
    pub(super) fn read_contours(
        &mut self,
        sample: &Sample,
        plane: usize,
        map: &GridMap,
        remarks: &mut Remarks,
    ) -> Option<AnnotationFacts> {
        self.contours.resize_with(sample.annotations.len(), Vec::new);
        self.drawn.resize_with(sample.annotations.len(), DrawnPlane::default);
        self.contours[plane].clear();
        self.drawn[plane].clear();
        let refs = &sample.annotations[plane];
        let (mut digests, mut contour_area) = (Vec::with_capacity(refs.len()), 0.0);
        for annotation in refs {
            let read = match self.plan.catalog.kind(annotation.file) {
                FileKind::ContourText => {
                    self.read_contour(*annotation, map).map(|(digest, area, contour)| {
                        let contours = vec![contour];
                        Some(ReadAnnotation { digest, area, contours, mask: None, cut: 0 })
                    })
                }
                _ => self.read_part(sample, *annotation, map),
            };
            match read {
                Ok(None) => {}
                Ok(Some(read)) => {
                    self.note_on_mask_image(*annotation, remarks);
                    digests.push(read.digest);
                    contour_area += read.area;
                    self.drawn[plane].add(&mut self.contours[plane], read);
                }
                Err(skipped) => {
                    let others = refs.iter().filter(|other| *other != annotation);
                    remarks.skip_union(&self.plan.catalog, others, skipped);
                    self.contours[plane].clear();
                    self.drawn[plane].clear();
                    return None;
                }
            }
        }
        let sha256 = contour::digest_of(&digests);
        (!digests.is_empty()).then_some(AnnotationFacts { sha256, contour_area, mask_pixels: 0 })
    }

    /// Reads a contour. Returns its digest, its area in square pixels of the source image, and the contour in the
    /// pixels of the data set.
    fn read_contour(
        &mut self,
        annotation: AnnotationRef,
        map: &GridMap,
    ) -> Result<([u8; 32], f64, Polygon), Skipped> {
        let start = Instant::now();
        let name = contour::read_bytes(&self.plan.catalog, annotation, &mut self.text)?;
        self.bytes_read += self.text.len() as u64;
        let sha256 = Sha256::digest(&self.text).into();
        self.times.read += start.elapsed();

        let start = Instant::now();
        let contour = contour::parse(&name, &self.text, self.options.contour_offset, map.source_shape())
            .map_err(|skipped| skipped.of(annotation.file))?;
        let moved = |error: PolygonError| {
            Skipped::new(Place::file(name.as_str()), Reason::ContourUnreadable, error.to_string())
                .of(annotation.file)
        };
        let area = contour.area();
        let fitted = match map.is_identity() {
            true => contour,
            false => contour.map(|point| map.map_point(point)).map_err(moved)?,
        };
        self.times.rasterize += start.elapsed();
        Ok((sha256, area, fitted))
    }

    /// Notes how the values of a mask image were understood. The planner opens no such file.
    fn note_on_mask_image(&self, annotation: AnnotationRef, remarks: &mut Remarks) {
        let catalog = &self.plan.catalog;
        if catalog.kind(annotation.file) != FileKind::MaskImage {
            return;
        }
        // It is open: a mask was just made of it.
        let Some(Ok(opened)) = self.plan.annotations.as_ref().map(|all| all.open(catalog, annotation.file))
        else {
            return;
        };
        for text in opened.annotation.notes() {
            let note = Note::new(Place::file(catalog.name(annotation.file)), text.clone());
            // Several structures may be parts of the image.
            if !remarks.notes.contains(&note) {
                remarks.notes.push(note);
            }
        }
    }

    /// Reads a part of an annotation file on the image of `sample`, which `map` resamples to the grid of the data set. `None`
    /// where the file says nothing about it.
    fn read_part(
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
