//! A label volume as an annotation file of the images of a series.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::join::{JoinBy, JoinError, JoinedVolume, SeriesExtent, join_volume};
use super::resampled::{self, can_resample, check_single};
use super::volume::{LabelVolume, VolumePart, VolumeSize};
use super::{LabelSelection, VolumePlane};
use crate::model::{ImagePlane, Mask, Part, Place};
use crate::series::SeriesFrame;
use crate::source::annotation::{
    AnnotationError, AnnotationFault, AnnotationFile, Drawn, FrameKey, PartInfo, no_part,
};

/// Voxels by which sform and qform may place labels differently without a note: more than the rounding of either.
const FORMS_APART: f64 = 0.1;

/// A label volume laid over the images of a series: [`Part::Whole`] is every label above 0, [`Part::Label`] one label,
/// [`Part::Segment`] a segment of a `.seg.nrrd` by its number.
#[derive(Debug, Clone)]
pub struct LabelSeries {
    file: String,
    volume: LabelVolume,
    /// `None` where the labels are on another grid, and are taken from the nearest voxels.
    joined: Option<JoinedVolume>,
    /// Index of each image among those that were joined.
    images: HashMap<(Box<str>, u32), usize>,
    parts: Vec<PartInfo>,
    notes: Vec<String>,
}

/// An image that a label volume is laid over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesImage {
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: Box<str>,
    /// Its plane, and the order in its series.
    pub frame: SeriesFrame,
}

/// Way in which a label volume is laid over images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LabelJoin {
    /// The join of its planes to the images.
    pub by: JoinBy,
    /// True to take labels on another grid from the nearest voxels.
    pub resample: bool,
}

/// A volume with more labels than this has none that are listed.
const MOST_LISTED: usize = 1024;

impl LabelSeries {
    /// Lays the `volume` of `file` over `images`, which are a whole series or those that a table lists.
    ///
    /// # Errors
    /// [`AnnotationError`] where the volume does not fit the images: see [`join_volume`]. With `resample`, another grid is
    /// no error, if the volume says where it lies and is of one phase.
    pub fn new(
        file: impl Into<String>,
        volume: LabelVolume,
        images: &[SeriesImage],
        extent: SeriesExtent,
        LabelJoin { by, resample }: LabelJoin,
    ) -> Result<Self, AnnotationError> {
        let file = file.into();
        let frames: Vec<SeriesFrame> = images.iter().map(|image| image.frame).collect();
        let joined = match join_volume(&volume, &frames, extent, by) {
            Ok(joined) => Ok(Some(joined)),
            Err(error) if resample && can_resample(&volume, &error) => {
                check_single(&frames, extent).map(|()| None)
            }
            Err(error) => Err(error),
        };
        let joined = joined.map_err(|error| {
            let (place, fault) = (Box::new(Place::file(&*file)), AnnotationFault::Join(error));
            AnnotationError { place, fault }
        })?;
        let key = |image: &SeriesImage| (image.sop_instance_uid.clone(), image.frame.frame);
        let keyed: HashMap<_, _> =
            images.iter().enumerate().map(|(index, image)| (key(image), index)).collect();
        if keyed.len() < images.len() {
            let (place, fault) = (Box::new(Place::file(&*file)), AnnotationFault::Join(JoinError::SameImage));
            return Err(AnnotationError { place, fault });
        }
        let mut notes = Vec::new();
        if volume.forms_apart > FORMS_APART {
            notes.push(format!(
                "sform and qform of the header place the labels up to {:.1} voxels apart; the sform is taken",
                volume.forms_apart
            ));
        }
        let unreached = joined.as_ref().map_or(0, JoinedVolume::unreached);
        if unreached > 0 {
            notes.push(format!("the label volume does not reach {unreached} of the images"));
        }
        if joined.is_none() {
            notes.push("labels are resampled from another grid, to the nearest voxel".to_owned());
        }
        if by == JoinBy::Order {
            notes.push("planes are taken in the order of the images (--volume-join order)".to_owned());
        }
        let parts = parts(&volume);
        Ok(Self { file, volume, joined, images: keyed, parts, notes })
    }

    fn plane(&self, frame: &FrameKey) -> Option<&VolumePlane> {
        self.joined.as_ref()?.plane(self.index(frame)?)
    }

    fn index(&self, frame: &FrameKey) -> Option<usize> {
        self.images.get(&(frame.sop_instance_uid.clone(), frame.frame)).copied()
    }

    /// The plane of an image that the labels are resampled to; `None` where they are not, or do not reach it.
    fn resampled<'f>(&self, frame: &'f FrameKey) -> Option<&'f ImagePlane> {
        let is_other_grid = self.joined.is_none() && self.index(frame).is_some();
        let plane = frame.plane.as_ref().filter(|_| is_other_grid)?;
        resampled::reaches(&self.volume, plane, frame.shape).then_some(plane)
    }

    /// The layers and values of `part`; none where the volume has no such part.
    fn selected(&self, part: Part) -> Vec<VolumePart> {
        let VolumeSize { layers, .. } = self.volume.size();
        match part {
            Part::Whole => {
                (0..layers).map(|layer| VolumePart { layer, labels: LabelSelection::AboveZero }).collect()
            }
            // Values repeat between layers: there a value alone names nothing.
            Part::Label(value) if layers == 1 => {
                vec![VolumePart { layer: 0, labels: LabelSelection::Value(value) }]
            }
            Part::Segment(number) => {
                let segments = self.volume.segments().iter().filter(|segment| segment.number == number);
                segments
                    .map(|segment| VolumePart {
                        layer: segment.layer,
                        labels: LabelSelection::Value(segment.value),
                    })
                    .collect()
            }
            Part::Label(_) | Part::Roi(_) => Vec::new(),
        }
    }
}

impl AnnotationFile for LabelSeries {
    fn parts(&self) -> &[PartInfo] {
        &self.parts
    }

    fn on(&self, part: Part, frame: &FrameKey) -> Result<Drawn, AnnotationError> {
        let selected = self.selected(part);
        if selected.is_empty() {
            return Err(no_part(&self.file, part, &self.parts));
        }
        let mask_of = |part: VolumePart| match (self.plane(frame), self.resampled(frame)) {
            (Some(plane), _) => Some(plane.mask(&self.volume, part, frame.shape)),
            (None, Some(plane)) => Some(resampled::mask(&self.volume, part, plane, frame.shape)),
            (None, None) => None,
        };
        let mut mask = Mask::zeros(frame.shape);
        for part in selected {
            match mask_of(part) {
                Some(one) => mask.include(&one),
                None => return Ok(Drawn::NotAnnotated),
            }
        }
        Ok(Drawn::Raster(mask))
    }

    fn annotates(&self, _: Part, frame: &FrameKey) -> Result<bool, AnnotationError> {
        Ok(self.plane(frame).is_some() || self.resampled(frame).is_some())
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn has_labels(&self) -> bool {
        self.volume.segments().is_empty()
    }
}

/// The segments of a `.seg.nrrd`; of other volumes, their labels.
fn parts(volume: &LabelVolume) -> Vec<PartInfo> {
    let voxels = |count: usize| vec![("voxels".to_owned(), count)];
    if !volume.segments().is_empty() {
        let part = |segment: &super::NrrdSegment| PartInfo {
            part: Part::Segment(segment.number),
            name: segment.name.clone(),
            ..PartInfo::default()
        };
        return volume.segments().iter().map(part).collect();
    }
    let mut planes: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    for counts in volume.counts_by_plane(MOST_LISTED) {
        for (label, count) in counts {
            let (images, all) = planes.entry(label).or_default();
            (*images, *all) = (*images + 1, *all + count);
        }
    }
    if planes.len() > MOST_LISTED {
        return Vec::new();
    }
    let part = |(label, (images, count))| PartInfo {
        part: Part::Label(label),
        kinds: voxels(count),
        images,
        ..PartInfo::default()
    };
    planes.into_iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Geometry, GridShape};
    use crate::source::labels::affine::VoxelToPatient;
    use crate::source::labels::values::LabelValues;
    use crate::source::labels::volume::NrrdSegment;

    fn image(uid: &str, z: f64) -> (SeriesImage, FrameKey) {
        let geometry = Geometry {
            pixel_spacing: [1.0; 2],
            image_position: [0.0, 0.0, z],
            image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..Geometry::ABSENT
        };
        let shape = GridShape::new(1, 2).unwrap();
        let frame = SeriesFrame { shape, geometry, instance_number: None, frame: 0, trigger_time: None };
        let key = FrameKey {
            sop_instance_uid: uid.into(),
            frame: 0,
            frame_of_reference_uid: None,
            shape,
            plane: ImagePlane::of(&geometry),
            reach: [0.5; 2],
            shares_plane: false,
        };
        (SeriesImage { sop_instance_uid: uid.into(), frame }, key)
    }

    /// Two columns, two planes, two layers: each layer has the value 1 in another voxel of the first plane.
    fn series(segments: Vec<NrrdSegment>) -> LabelSeries {
        let size = VolumeSize { voxels: [2, 1, 2], phases: 1, layers: 2 };
        let mut values = LabelValues::with_capacity(8, 99).unwrap();
        values.extend_bytes(&[1, 0, 0, 1, 0, 0, 0, 0]);
        let unit = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]];
        let geometry = VoxelToPatient::from_lps(unit);
        let volume = LabelVolume { size, values, geometry, segments, cropped: false, forms_apart: 0.0 };
        let images = [image("1.2", 0.0).0, image("1.3", 1.0).0];
        LabelSeries::new("s.seg.nrrd", volume, &images, SeriesExtent::Whole, LabelJoin::default()).unwrap()
    }

    fn segment(number: u16, name: &str, layer: usize) -> NrrdSegment {
        NrrdSegment { number, name: name.to_owned(), layer, value: 1 }
    }

    #[test]
    fn segments_are_told_apart_by_layer_and_value() {
        let series = series(vec![segment(0, "left", 0), segment(4, "right", 1)]);
        let names: Vec<_> = series.parts().iter().map(|part| (part.part, part.name.as_str())).collect();
        assert_eq!(names, [(Part::Segment(0), "left"), (Part::Segment(4), "right")]);
        let on = |part, image: &FrameKey| match series.on(part, image).unwrap() {
            Drawn::Raster(mask) => mask.data().to_vec(),
            other => panic!("{other:?}"),
        };
        let first = image("1.2", 0.0).1;
        assert_eq!((on(Part::Segment(0), &first), on(Part::Segment(4), &first)), (vec![1, 0], vec![0, 1]));
        assert_eq!(on(Part::Whole, &first), [1, 1]);
        assert_eq!(on(Part::Segment(4), &image("1.3", 1.0).1), [0, 0]);
        let other = image("1.4", 2.0).1;
        assert_eq!(series.on(Part::Whole, &other), Ok(Drawn::NotAnnotated));
        assert_eq!(series.annotates(Part::Whole, &other), Ok(false));
        let error = series.on(Part::Label(1), &first).unwrap_err().to_string();
        assert_eq!(error, "s.seg.nrrd: there is no #1: #0 left, #4 right");
    }

    #[test]
    fn labels_are_listed_with_their_voxels_and_planes() {
        let series = series(Vec::new());
        let PartInfo { part, kinds, images, .. } = &series.parts()[0];
        assert_eq!((*part, kinds[0].1, *images, series.parts().len()), (Part::Label(1), 2, 1, 1));
    }
}
