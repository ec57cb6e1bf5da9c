//! Volumes over series whose planes are known.

use super::*;
use crate::model::{Geometry, GridShape};
use crate::source::labels::affine::VoxelToPatient;
use crate::source::labels::values::{LabelSelection, LabelValues};
use crate::source::labels::volume::{VolumePart, VolumeSize};

/// An axial image of 2 rows and 3 columns of 1 × 2 mm (row, column distance) at `z`.
fn image(z: f64, instance_number: i32) -> SeriesFrame {
    SeriesFrame {
        shape: GridShape::new(2, 3).unwrap(),
        geometry: Geometry {
            pixel_spacing: [1.0, 2.0],
            image_position: [10.0, 20.0, z],
            image_orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..Geometry::ABSENT
        },
        instance_number: Some(instance_number),
        frame: 0,
        trigger_time: None,
    }
}

fn images(positions: &[f64]) -> Vec<SeriesFrame> {
    positions.iter().zip(1..).map(|(&z, number)| image(z, number)).collect()
}

/// A volume of 3 × 2 × `planes` voxels, each with its own index plus 1 as label.
fn volume(matrix: Option<[[f64; 4]; 3]>, planes: usize, phases: usize) -> LabelVolume {
    let size = VolumeSize { voxels: [3, 2, planes], phases, layers: 1 };
    let count = size.count().unwrap();
    let mut values = LabelValues::with_capacity(count, 1 << 20).unwrap();
    (0..count).for_each(|index| values.push(index as i64 + 1).unwrap());
    let geometry = matrix.map(|matrix| VoxelToPatient::from_lps(matrix).unwrap());
    LabelVolume { size, values, geometry, segments: Vec::new(), cropped: false, forms_apart: 0.0 }
}

/// The grid of the images, planes 5 mm apart from z = 0.
const AS_IMAGES: [[f64; 4]; 3] = [[2.0, 0.0, 0.0, 10.0], [0.0, 1.0, 0.0, 20.0], [0.0, 0.0, 5.0, 0.0]];
/// The same voxels with rows bottom up and planes from z = 10 down.
const FLIPPED: [[f64; 4]; 3] = [[2.0, 0.0, 0.0, 10.0], [0.0, -1.0, 0.0, 21.0], [0.0, 0.0, -5.0, 10.0]];

fn join(volume: &LabelVolume, images: &[SeriesFrame]) -> Result<JoinedVolume, JoinError> {
    join_volume(volume, images, SeriesExtent::Whole, JoinBy::Geometry)
}

/// The label of each pixel of an image.
fn labels(volume: &LabelVolume, joined: &JoinedVolume, image: usize) -> Vec<i64> {
    let plane = joined.plane(image).unwrap();
    let shape = GridShape::new(2, 3).unwrap();
    let most = volume.size().count().unwrap() as i64;
    let mut labels = vec![0; 6];
    for value in 1..=most {
        let part = VolumePart { layer: 0, labels: LabelSelection::Value(value) };
        for (label, &inside) in labels.iter_mut().zip(plane.mask(volume, part, shape).data()) {
            *label += value * i64::from(inside);
        }
    }
    labels
}

#[test]
fn the_geometry_decides_and_not_the_order_of_files() {
    let images = images(&[10.0, 0.0, 5.0]);
    let volume_ = volume(Some(AS_IMAGES), 3, 1);
    let joined = join(&volume_, &images).unwrap();
    assert_eq!(labels(&volume_, &joined, 1), [1, 2, 3, 4, 5, 6]);
    assert_eq!(labels(&volume_, &joined, 0), [13, 14, 15, 16, 17, 18]);
    let flipped = volume(Some(FLIPPED), 3, 1);
    let joined = join(&flipped, &images).unwrap();
    assert_eq!(labels(&flipped, &joined, 0), [4, 5, 6, 1, 2, 3]);
    assert_eq!(labels(&flipped, &joined, 1), [16, 17, 18, 13, 14, 15]);
}

#[test]
fn axes_may_be_exchanged() {
    // Columns of the image run along j, rows along k, and images along i.
    let turned = [[0.0, 2.0, 0.0, 10.0], [0.0, 0.0, 1.0, 20.0], [5.0, 0.0, 0.0, 0.0]];
    let mut volume = volume(Some(turned), 2, 1);
    volume.size.voxels = [2, 3, 2];
    let joined = join(&volume, &images(&[0.0, 5.0])).unwrap();
    assert_eq!(labels(&volume, &joined, 1), [2, 4, 6, 8, 10, 12]);
}

#[test]
fn another_grid_is_an_error_that_names_both() {
    let mut shifted = AS_IMAGES;
    shifted[0][3] += 0.03;
    let error = join(&volume(Some(shifted), 3, 1), &images(&[0.0, 5.0, 10.0])).unwrap_err().to_string();
    let said = "the label volume has [3, 2, 3] voxels of 2 × 1 × 5 mm and an image 2x3 pixels of 1 × 2 mm, and their \
                pixels do not coincide: --resample-labels takes the nearest voxels";
    assert_eq!(error, said);
    shifted[0][3] = 10.0 + 0.01;
    assert!(join(&volume(Some(shifted), 3, 1), &images(&[0.0, 5.0, 10.0])).is_ok());
    let mut smaller = volume(Some(AS_IMAGES), 3, 1);
    smaller.size.voxels = [2, 2, 3];
    let error = join(&smaller, &images(&[0.0, 5.0, 10.0])).unwrap_err().to_string();
    assert!(error.contains("one covers only a part"), "{error}");
    smaller.cropped = true;
    let joined = join(&smaller, &images(&[0.0, 5.0, 10.0])).unwrap();
    assert_eq!(labels(&smaller, &joined, 0), [1, 2, 0, 3, 4, 0]);
    let mut bare = images(&[0.0]);
    bare[0].geometry = Geometry::ABSENT;
    let error = join(&volume(Some(AS_IMAGES), 1, 1), &bare).unwrap_err();
    assert_eq!(error, JoinError::ImageWithoutGeometry { image: 0 });
    assert_eq!(join(&volume(None, 1, 1), &images(&[0.0])).unwrap_err(), JoinError::NoGeometry);
}

#[test]
fn planes_on_no_image_are_never_given_to_the_nearest() {
    // The series has a gap, and the writer took the first distance for all.
    let gap = images(&[0.0, 5.0, 15.0]);
    let error = join(&volume(Some(AS_IMAGES), 3, 1), &gap).unwrap_err();
    assert_eq!(error, JoinError::OffPlane { images: 0, planes: 1, distance: 0.0, equal: true });
    assert!(error.to_string().starts_with("1 of the planes of the label volume lie"), "{error}");
    assert!(error.to_string().ends_with("--volume-join order takes them in their order"), "{error}");
    let uneven = images(&[0.0, 5.0, 9.0]);
    let error = join(&volume(Some(AS_IMAGES), 3, 1), &uneven).unwrap_err();
    assert!(matches!(error, JoinError::OffPlane { images: 1, planes: 1, equal: true, .. }), "{error}");
    let error = join(&volume(Some(AS_IMAGES), 4, 1), &gap[..2]).unwrap_err();
    assert_eq!(error, JoinError::OffPlane { images: 0, planes: 2, distance: 0.0, equal: false });
    // A table may name some of the images.
    let listed = |images: &[SeriesFrame]| {
        join_volume(&volume(Some(AS_IMAGES), 4, 1), images, SeriesExtent::Listed, JoinBy::Geometry)
    };
    assert!(listed(&gap[..2]).is_ok() && listed(&uneven).is_err());
    assert_eq!(listed(&images(&[0.0, 40.0])).unwrap().unreached(), 1);
}

#[test]
fn by_order_planes_follow_the_images() {
    let gap = images(&[15.0, 0.0, 5.0]);
    let by_order = |volume: &LabelVolume| join_volume(volume, &gap, SeriesExtent::Whole, JoinBy::Order);
    for volume in [volume(None, 3, 1), volume(Some(AS_IMAGES), 3, 1)] {
        let joined = by_order(&volume).unwrap();
        assert_eq!(labels(&volume, &joined, 0), [13, 14, 15, 16, 17, 18]);
        assert_eq!(labels(&volume, &joined, 1), [1, 2, 3, 4, 5, 6]);
    }
    let flipped = volume(Some(FLIPPED), 3, 1);
    let joined = by_order(&flipped).unwrap();
    assert_eq!(labels(&flipped, &joined, 0), [4, 5, 6, 1, 2, 3]);
    assert_eq!(by_order(&volume(None, 4, 1)).unwrap_err(), JoinError::PlaneCount { planes: 4, positions: 3 });
}

#[test]
fn phases_follow_instance_numbers_that_trigger_times_agree_with() {
    let mut cine = images(&[0.0, 5.0, 0.0, 5.0]);
    let volume_ = volume(Some(AS_IMAGES), 2, 2);
    for (image, time) in cine.iter_mut().zip([0.0, 0.0, 40.0, 40.0]) {
        image.trigger_time = Some(time);
    }
    let joined = join(&volume_, &cine).unwrap();
    assert_eq!(labels(&volume_, &joined, 0), [1, 2, 3, 4, 5, 6]);
    assert_eq!(labels(&volume_, &joined, 3), [19, 20, 21, 22, 23, 24]);
    assert_eq!(join(&volume(Some(AS_IMAGES), 2, 1), &cine).unwrap_err(), JoinError::Ambiguous { images: 2 });
    let three = join(&volume(Some(AS_IMAGES), 2, 3), &cine).unwrap_err();
    assert_eq!(three, JoinError::PhaseCount { phases: 3, images: 2 });
    cine[0].trigger_time = Some(80.0);
    let error = join(&volume_, &cine).unwrap_err();
    let differ = JoinError::PhaseOrder { by_instance: "80, 40".to_owned(), by_time: "40, 80".to_owned() };
    assert_eq!(error, differ);
}
