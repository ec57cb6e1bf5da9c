//! Joins a label volume to images by their places in the patient.

use std::collections::BTreeMap;

use super::error::JoinError;
use super::extent::SeriesExtent;
use crate::model::ImagePlane;
use crate::series::{PhaseOrder, SeriesFrame, Slice, phase_order};
use crate::source::labels::affine::VoxelToPatient;
use crate::source::labels::plane::{AxisStep, VolumePlane};
use crate::source::labels::volume::LabelVolume;

/// The furthest that a pixel may lie from the centre of its voxel, in voxels.
const TOLERANCE: f64 = 0.01;

/// An image in the grid of a volume.
struct Placed {
    plane: VolumePlane,
    /// Index along the axis that stands on the image, before rounding.
    depth: f64,
}

/// The plane of each image.
pub(super) fn join(
    volume: &LabelVolume,
    images: &[SeriesFrame],
    extent: SeriesExtent,
) -> Result<Vec<Option<VolumePlane>>, JoinError> {
    let map = volume.geometry().ok_or(JoinError::NoGeometry)?;
    let placed: Vec<Placed> = images
        .iter()
        .enumerate()
        .map(|(index, image)| place(volume, map, index, image))
        .collect::<Result<_, _>>()?;
    check_planes(volume, map, &placed, extent)?;
    let sides = volume.size().voxels;
    let reached = |placed: &Placed| {
        let axis = placed.plane.normal_axis();
        volume.cropped || (0..sides[axis] as isize).contains(&placed.plane.first[axis])
    };
    let mut planes: Vec<Option<VolumePlane>> =
        placed.iter().map(|placed| reached(placed).then_some(placed.plane)).collect();
    assign_phases(volume, images, extent, &mut planes)?;
    Ok(planes)
}

/// The image in the grid of the volume; its pixels must be voxels.
fn place(
    volume: &LabelVolume,
    map: &VoxelToPatient,
    index: usize,
    image: &SeriesFrame,
) -> Result<Placed, JoinError> {
    let plane = ImagePlane::of(&image.geometry).ok_or(JoinError::ImageWithoutGeometry { image: index })?;
    let other = |reason: &'static str| JoinError::OtherGrid {
        image: index,
        voxels: volume.size().voxels,
        volume_mm: lengths(&map.spacing()),
        pixels: image.shape,
        image_mm: lengths(&plane.spacing()),
        reason,
    };
    let voxel = |pixel: [f64; 2]| map.voxel(plane.point(pixel));
    let first = voxel([0.0, 0.0]);
    let step = |pixel: [f64; 2]| step(first, voxel(pixel));
    let (column, row) = (step([1.0, 0.0]), step([0.0, 1.0]));
    if column.axis == row.axis {
        return Err(other("its axes are turned against the image"));
    }
    let whole = first.map(f64::round);
    let plane = VolumePlane { first: whole.map(|index| index as isize), column, row, phase: 0 };
    let depth_axis = plane.normal_axis();
    // A difference grows with the distance from the first pixel: all four corners are asked.
    let (right, bottom) = (image.shape.columns() as f64 - 1.0, image.shape.rows() as f64 - 1.0);
    for corner @ [x, y] in [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]] {
        let mut expected = whole;
        expected[column.axis] += column.signum() as f64 * x;
        expected[row.axis] += row.signum() as f64 * y;
        expected[depth_axis] = first[depth_axis];
        let near = |(found, expected): (f64, f64)| (found - expected).abs() <= TOLERANCE;
        if !voxel(corner).into_iter().zip(expected).all(near) {
            return Err(other("their pixels do not coincide"));
        }
    }
    if !volume.cropped {
        check_extent(volume, &plane, image).map_err(|()| other("one covers only a part of the other"))?;
    }
    Ok(Placed { plane, depth: first[depth_axis] })
}

/// The axis that leads from the voxel of a pixel to that of the next.
fn step(from: [f64; 3], to: [f64; 3]) -> AxisStep {
    let way = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
    let axis = (0..3).max_by(|&a, &b| way[a].abs().total_cmp(&way[b].abs())).unwrap_or(0);
    AxisStep { axis, backward: way[axis] < 0.0 }
}

/// The rows and columns of the image must be those of the volume, from the first to the last.
fn check_extent(volume: &LabelVolume, plane: &VolumePlane, image: &SeriesFrame) -> Result<(), ()> {
    for (step, count) in [(plane.column, image.shape.columns()), (plane.row, image.shape.rows())] {
        let side = volume.size().voxels[step.axis];
        let first = if step.backward { side as isize - 1 } else { 0 };
        if side != count || plane.first[step.axis] != first {
            return Err(());
        }
    }
    Ok(())
}

/// Each image that the volume reaches must lie on a plane, and each plane of a whole series on an image.
fn check_planes(
    volume: &LabelVolume,
    map: &VoxelToPatient,
    placed: &[Placed],
    extent: SeriesExtent,
) -> Result<(), JoinError> {
    let Some(axis) = placed.first().map(|placed| placed.plane.normal_axis()) else { return Ok(()) };
    let side = volume.size().voxels[axis];
    let mut found = vec![false; side];
    let (mut images, mut distance) = (0, 0.0_f64);
    for Placed { plane, depth } in placed {
        let off = (depth - depth.round()).abs();
        if off > TOLERANCE && (-0.5..=side as f64 - 0.5).contains(depth) {
            images += 1;
            distance = distance.max(off * map.spacing()[plane.normal_axis()]);
        } else if let Some(seen) = usize::try_from(plane.first[axis]).ok().and_then(|at| found.get_mut(at)) {
            *seen = true;
        }
    }
    let planes = found.iter().filter(|&&found| !found).count();
    if images > 0 || (planes > 0 && extent == SeriesExtent::Whole) {
        let mut depths: Vec<f64> = placed.iter().map(|placed| placed.depth).collect();
        depths.sort_by(f64::total_cmp);
        depths.dedup_by(|a, b| (*a - *b).abs() <= TOLERANCE);
        return Err(JoinError::OffPlane { images, planes, distance, equal: depths.len() == side });
    }
    Ok(())
}

/// Gives the images of one plane their phases.
fn assign_phases(
    volume: &LabelVolume,
    images: &[SeriesFrame],
    extent: SeriesExtent,
    planes: &mut [Option<VolumePlane>],
) -> Result<(), JoinError> {
    let phases = volume.size().phases;
    if phases == 1 && extent == SeriesExtent::Listed {
        return Ok(());
    }
    let mut of_plane: BTreeMap<isize, Vec<usize>> = BTreeMap::new();
    for (image, plane) in planes.iter().enumerate() {
        if let Some(plane) = plane {
            of_plane.entry(plane.first[plane.normal_axis()]).or_default().push(image);
        }
    }
    for mut slice in of_plane.into_values() {
        slice.sort_by_key(|&index| (images[index].instance_number, images[index].frame, index));
        if phases == 1 && slice.len() > 1 {
            return Err(JoinError::Ambiguous { images: slice.len() });
        }
        let order = phases_in_order(phases, &Slice { distance: 0.0, frames: slice }, images)?;
        for (phase, image) in order.into_iter().enumerate() {
            if let Some(plane) = &mut planes[image] {
                plane.phase = phase;
            }
        }
    }
    Ok(())
}

/// The images of `slice` in the order of the phases of a volume that has `phases` of them.
pub(super) fn phases_in_order(
    phases: usize,
    slice: &Slice,
    images: &[SeriesFrame],
) -> Result<Vec<usize>, JoinError> {
    let count = slice.frames.len();
    if count != phases {
        return Err(JoinError::PhaseCount { phases, images: count });
    }
    let times = |order: &[usize]| {
        let shown =
            order.iter().take(6).map(|&image| images[image].trigger_time.unwrap_or(f64::NAN).to_string());
        shown.collect::<Vec<_>>().join(", ") + if order.len() > 6 { ", …" } else { "" }
    };
    match phase_order(slice, images) {
        PhaseOrder::Agreed(order) => Ok(order),
        PhaseOrder::Differ { by_instance, by_time } => {
            Err(JoinError::PhaseOrder { by_instance: times(&by_instance), by_time: times(&by_time) })
        }
        PhaseOrder::Unknown => Err(JoinError::PhasesUnknown { images: count }),
    }
}

/// Lengths as `0.7 × 0.7 × 5`.
fn lengths(mm: &[f64]) -> String {
    let rounded = mm.iter().map(|mm| ((mm * 1e4).round() / 1e4).to_string());
    rounded.collect::<Vec<_>>().join(" × ")
}
