//! Joins a label volume to images by their order alone.

use super::by_geometry::phases_in_order;
use super::error::JoinError;
use crate::model::GridShape;
use crate::series::{SeriesFrame, Slice, sort_series};
use crate::source::labels::plane::{AxisStep, VolumePlane};
use crate::source::labels::volume::LabelVolume;

/// The axes of a volume along which an image's columns, its rows and the images themselves are counted.
#[derive(Debug, Clone, Copy)]
struct Axes {
    column: AxisStep,
    row: AxisStep,
    slice: AxisStep,
}

/// Axes of a volume that does not say where it lies: columns along i, rows along j, images along k.
const AS_STORED: Axes = Axes {
    column: AxisStep { axis: 0, backward: false },
    row: AxisStep { axis: 1, backward: false },
    slice: AxisStep { axis: 2, backward: false },
};

/// The plane of each image. Directions come from the volume's geometry where it has one, places from the order of the
/// images along their normal.
pub(super) fn join(
    volume: &LabelVolume,
    images: &[SeriesFrame],
) -> Result<Vec<Option<VolumePlane>>, JoinError> {
    let slices = slices(images)?;
    let Some(first) = slices.first().map(|slice| &images[slice.frames[0]]) else { return Ok(Vec::new()) };
    let axes = axes(volume, first);
    let sides = volume.size().voxels;
    let planes = sides[axes.slice.axis];
    if planes != slices.len() {
        return Err(JoinError::PlaneCount { planes, positions: slices.len() });
    }
    let mut joined = vec![None; images.len()];
    for (position, slice) in slices.iter().enumerate() {
        for (phase, image) in phases_in_order(volume.size().phases, slice, images)?.into_iter().enumerate() {
            check_size(volume, axes, image, images[image].shape)?;
            let start = |step: AxisStep| if step.backward { sides[step.axis] as isize - 1 } else { 0 };
            let mut first = [0; 3];
            first[axes.column.axis] = start(axes.column);
            first[axes.row.axis] = start(axes.row);
            first[axes.slice.axis] = start(axes.slice) + axes.slice.signum() * position as isize;
            joined[image] = Some(VolumePlane { first, column: axes.column, row: axes.row, phase });
        }
    }
    Ok(joined)
}

/// The images by position along their normal; by Instance Number where none has a position.
fn slices(images: &[SeriesFrame]) -> Result<Vec<Slice>, JoinError> {
    let mut sorted = sort_series(images);
    match (sorted.stacks.len(), sorted.unplaced.len()) {
        (1, 0) => Ok(sorted.stacks.remove(0).slices),
        (0, _) => {
            let mut order = sorted.unplaced;
            let key = |&index: &usize| (images[index].instance_number, images[index].frame);
            order.sort_by_key(key);
            if order.windows(2).any(|two| key(&two[0]) == key(&two[1])) {
                return Err(JoinError::PhasesUnknown { images: order.len() });
            }
            Ok(order.into_iter().map(|index| Slice { distance: f64::NAN, frames: vec![index] }).collect())
        }
        _ => {
            let finding = sorted.findings.first().map(ToString::to_string).unwrap_or_default();
            Err(JoinError::NotOneStack { finding })
        }
    }
}

/// The axes of `volume` that are nearest to those of an image.
fn axes(volume: &LabelVolume, image: &SeriesFrame) -> Axes {
    let (Some(map), Some(normal)) = (volume.geometry(), image.normal()) else { return AS_STORED };
    let [rx, ry, rz, cx, cy, cz] = image.geometry.image_orientation;
    let spacing = map.spacing();
    let nearest = |way: [f64; 3], free: &[usize]| {
        // In mm along each axis, so that long voxels do not look near.
        let voxels = map.turn(way);
        let length = |axis: usize| voxels[axis].abs() * spacing[axis];
        let axis = free.iter().copied().max_by(|&a, &b| length(a).total_cmp(&length(b))).unwrap_or(0);
        AxisStep { axis, backward: voxels[axis] < 0.0 }
    };
    let slice = nearest(normal, &[0, 1, 2]);
    let free: Vec<usize> = (0..3).filter(|&axis| axis != slice.axis).collect();
    let column = nearest([rx, ry, rz], &free);
    let free: Vec<usize> = free.into_iter().filter(|&axis| axis != column.axis).collect();
    Axes { column, row: nearest([cx, cy, cz], &free), slice }
}

fn check_size(volume: &LabelVolume, axes: Axes, image: usize, pixels: GridShape) -> Result<(), JoinError> {
    let voxels = volume.size().voxels;
    if voxels[axes.column.axis] == pixels.columns() && voxels[axes.row.axis] == pixels.rows() {
        return Ok(());
    }
    let unknown = || "unknown".to_owned();
    Err(JoinError::OtherGrid {
        image,
        voxels,
        volume_mm: unknown(),
        pixels,
        image_mm: unknown(),
        reason: "they have different sizes",
    })
}
