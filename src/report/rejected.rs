//! Samples whose contours the audit has left out, made from their sources: the file does not hold them.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::PreviewError;
use super::draw::{RenderedSample, SampleRenderer, ShownHeader, render};
use super::facts::FactsReader;
use crate::prep::{FreshRow, RejectedAnnotation, SourceRows, Sources};
use crate::store::DatasetFile;

/// A sample with annotations that the audit has left out.
#[derive(Debug)]
pub(super) struct RejectedSample {
    pub(super) id: String,
    pub(super) patient: String,
    /// Its row in the file, which has its other annotations; `None` where it has none.
    pub(super) file_row: Option<u64>,
    /// For each plane, pixels and mm2 of the mask; `None` where there is none that is used.
    pub(super) planes: Vec<Option<(u64, Option<f64>)>>,
    pub(super) rejected: Vec<RejectedPlane>,
    /// The image, and the masks of the annotations that are used.
    pub(super) picture: RenderedSample,
}

/// The annotation of a plane, and why it was left out.
#[derive(Debug)]
pub(super) struct RejectedPlane {
    pub(super) plane: usize,
    /// Names of the checks.
    pub(super) checks: Vec<&'static str>,
    /// The contours, points `[x, y]` in pixels of the file's images, an integer being the centre of one.
    pub(super) contours: Vec<Vec<[f64; 2]>>,
}

/// The samples of sources with annotations that were left out of the file, in the order of the sources.
pub(super) struct RejectedSamples<'r> {
    sources: &'r Sources,
    samples: Vec<(usize, Vec<RejectedAnnotation>)>,
    /// Rows of the file that have one of these samples, and their annotated planes.
    rows: HashMap<String, (u64, Vec<bool>)>,
}

impl<'r> RejectedSamples<'r> {
    /// Finds at most `most` of them, without reading an image.
    pub(super) fn find(sources: &'r Sources, file: &DatasetFile, most: usize) -> Result<Self, PreviewError> {
        let annotations = sources.rejected_annotations();
        let mut rows = HashMap::new();
        let ids: HashSet<&str> = annotations.iter().map(|one| &*one.id).collect();
        let mut facts = FactsReader::new(file)?;
        for row in 0..file.rows() as u64 {
            let facts = facts.read(row)?;
            if ids.contains(&*facts.id) {
                rows.insert(facts.id, (row, facts.planes.iter().map(Option::is_some).collect()));
            }
        }
        let mut samples: Vec<(usize, Vec<RejectedAnnotation>)> = Vec::new();
        for annotation in annotations {
            let row: Option<&(u64, Vec<bool>)> = rows.get(&annotation.id);
            // The sources are others by now, and what is wrong with them is not in this file.
            if row.is_some_and(|(_, annotated)| annotated.get(annotation.plane) == Some(&true)) {
                continue;
            }
            match samples.last_mut() {
                Some((sample, same)) if *sample == annotation.sample => same.push(annotation),
                _ => samples.push((annotation.sample, vec![annotation])),
            }
        }
        samples.truncate(most);
        Ok(Self { sources, samples, rows })
    }

    /// Number of samples.
    pub(super) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Makes those in `places`, on the threads of `renderer`. Samples whose image or contours cannot be read are left out.
    pub(super) fn render(
        &self,
        file: &DatasetFile,
        renderer: &SampleRenderer<'_>,
        places: std::ops::Range<usize>,
    ) -> Vec<RejectedSample> {
        let sources = self.sources;
        let make = |rows: &mut SourceRows<'_>, (sample, rejected): &(usize, Vec<RejectedAnnotation>)| {
            let fresh = rows.make(*sample).ok()?;
            Some(self.sample(file, &fresh, rejected))
        };
        renderer.pool().install(|| {
            let samples = self.samples[places].par_iter();
            samples.map_init(|| sources.rows(), make).flatten().collect()
        })
    }

    fn sample(
        &self,
        file: &DatasetFile,
        fresh: &FreshRow<'_>,
        rejected: &[RejectedAnnotation],
    ) -> RejectedSample {
        let cells = &fresh.cells;
        let window = cells.geometry.window;
        let mut picture = render(
            file,
            ShownHeader { window, image_shape: cells.image_shape },
            &fresh.image,
            fresh.mask.to_vec(),
        );
        let planes = file.structures().len();
        for one in rejected {
            picture.mask.iter_mut().skip(one.plane).step_by(planes).for_each(|pixel| *pixel = 0);
        }
        let area = cells.spacing[0] * cells.spacing[1];
        let used = |plane: usize| {
            let is_used =
                cells.annotations[plane].sha256.is_some() && rejected.iter().all(|one| one.plane != plane);
            let pixels =
                || picture.mask.iter().skip(plane).step_by(planes).map(|pixel| u64::from(*pixel)).sum();
            is_used.then(pixels).map(|pixels: u64| (pixels, area.is_finite().then_some(pixels as f64 * area)))
        };
        let rejected = rejected.iter().map(|one| RejectedPlane {
            plane: one.plane,
            checks: one.checks.clone(),
            contours: fresh.contours[one.plane].iter().map(|contour| contour.points().to_vec()).collect(),
        });
        RejectedSample {
            id: cells.id.clone(),
            patient: cells.patient_id.clone(),
            file_row: self.rows.get(&cells.id).map(|(row, _)| *row),
            planes: (0..planes).map(used).collect(),
            rejected: rejected.collect(),
            picture,
        }
    }
}
