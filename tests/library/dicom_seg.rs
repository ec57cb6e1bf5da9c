//! Segmentations written with dicom-object, against masks that are known.

use crate::common::annotations::{keys_of, mask_under};
use crate::make_annotations::{
    AXIAL, FrameSpec, ImageSpec, OBLIQUE, SegmentationSpec, file_bytes, filled, segmentation, stack,
};
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicomprep::model::{Mask, Part};
use dicomprep::raster::{Combine, MaskRule};
use dicomprep::source::{AnnotationFile, AnnotationOptions, DicomSegmentation, Drawn, FrameKey, Limits};

const SEG: &str = "1.2.840.10008.5.1.4.1.1.66.4";

fn frame(segment: u16, image: &ImageSpec, pixels: Vec<u16>) -> FrameSpec {
    FrameSpec { segment, image: Some(image.uid.clone()), pose: image.pose, pixels }
}

fn binary(images: &[ImageSpec], frames: Vec<FrameSpec>) -> SegmentationSpec {
    SegmentationSpec {
        kind: "BINARY",
        rows: 50,
        columns: 50,
        segments: vec![(1, "one"), (5, "five")],
        frames,
        about: images.iter().map(|image| image.uid.clone()).collect(),
        padded: false,
    }
}

fn open_object(object: InMemDicomObject, options: &AnnotationOptions) -> Result<DicomSegmentation, String> {
    let bytes = file_bytes(object, SEG).unwrap();
    DicomSegmentation::open("seg.dcm", &bytes, options, &Limits::default()).map_err(|error| error.to_string())
}

fn open(spec: &SegmentationSpec) -> DicomSegmentation {
    open_object(segmentation("P", spec), &AnnotationOptions::default()).unwrap()
}

fn mask(file: &DicomSegmentation, number: u16, key: &FrameKey) -> Option<Mask> {
    mask_under(file, Part::Segment(number), key, MaskRule::Center, Combine::EvenOdd)
}

fn ones(file: &DicomSegmentation, number: u16, key: &FrameKey) -> Option<usize> {
    mask(file, number, key).map(|mask| mask.count_ones())
}

#[test]
fn bits_run_from_frame_to_frame_and_images_are_found_by_derivation() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0, 2.0, 4.0, 6.0]);
    let keys = keys_of(&images);
    let frames = vec![
        frame(1, &images[2], filled(20, 30)),
        frame(1, &images[0], filled(3, 8)),
        frame(5, &images[2], filled(10, 41)),
    ];
    for padded in [false, true] {
        let file = open(&SegmentationSpec { padded, ..binary(&images, frames.clone()) });
        assert_eq!(file.notes().len(), usize::from(padded));
        for (number, index, pixels) in [(1, 2, filled(20, 30)), (1, 0, filled(3, 8)), (5, 2, filled(10, 41))]
        {
            let wanted: Vec<u8> = pixels.iter().map(|&pixel| pixel as u8).collect();
            assert_eq!(
                mask(&file, number, &keys[index]).unwrap().data(),
                wanted,
                "{number} {index} {padded}"
            );
        }
        // The last image is listed and has no frame: annotated, and empty.
        assert_eq!([ones(&file, 1, &keys[3]), ones(&file, 5, &keys[0])], [Some(0), Some(0)]);
    }
    let about = vec![images[0].uid.clone(), images[2].uid.clone()];
    let file = open(&SegmentationSpec { about, ..binary(&images, frames) });
    assert_eq!([ones(&file, 1, &keys[3]), ones(&file, 5, &keys[0])], [None, Some(0)]);
}

#[test]
fn fractions_are_cut_at_a_share_of_their_maximum() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0]);
    let pixels: Vec<u16> = (0..2500).map(|at| at % 101).collect();
    let spec = SegmentationSpec {
        kind: "FRACTIONAL",
        ..binary(&images, vec![frame(1, &images[0], pixels.clone())])
    };
    let key = &keys_of(&images)[0];
    for (fractional, least) in [(0.5, 50), (0.25, 25), (1.0, 100), (0.0, 1)] {
        let options = AnnotationOptions { fractional, ..AnnotationOptions::default() };
        let file = open_object(segmentation("P", &spec), &options).unwrap();
        let wanted = pixels.iter().filter(|&&value| value >= least).count();
        assert_eq!(ones(&file, 1, key), Some(wanted), "{fractional}");
    }
}

#[test]
fn label_maps_have_numbers_that_need_not_be_dense() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0, 2.0]);
    let pixels: Vec<u16> = filled(10, 20).iter().zip(filled(30, 35)).map(|(a, b)| a * 300 + b * 7).collect();
    let spec = SegmentationSpec {
        kind: "LABELMAP",
        segments: vec![(0, "Background"), (7, "seven"), (300, "many")],
        ..binary(&images, vec![frame(0, &images[1], pixels)])
    };
    let file = open(&spec);
    let keys = keys_of(&images);
    let parts: Vec<Part> = file.parts().iter().map(|info| info.part).collect();
    assert_eq!(parts, [Part::Segment(7), Part::Segment(300)]);
    assert_eq!([7, 300].map(|number| ones(&file, number, &keys[1])), [Some(25), Some(100)]);
    assert_eq!(ones(&file, 7, &keys[0]), Some(0));
    assert!(file.on(Part::Segment(0), &keys[1]).is_err());
}

#[test]
fn without_derivation_the_plane_tells() {
    let images = stack(14, OBLIQUE, [0.7, 0.7], &[0.0, 2.0, 4.0]);
    let free = |image: &ImageSpec, pixels| FrameSpec { image: None, ..frame(1, image, pixels) };
    let file = open(&binary(&images, vec![free(&images[1], filled(5, 9)), free(&images[0], filled(5, 7))]));
    let keys = keys_of(&images);
    assert_eq!([0, 1, 2].map(|index| ones(&file, 1, &keys[index])), [Some(4), Some(16), Some(0)]);

    let cine = stack(15, AXIAL, [1.0, 1.0], &[0.0, 0.0]);
    let file = open(&binary(&cine, vec![free(&cine[0], filled(5, 9))]));
    let joined = file.join(&[Part::Segment(1)], &keys_of(&cine));
    assert!(joined.images.is_empty() && joined.lost[0].contains("several images share"), "{:?}", joined.lost);
}

#[test]
fn another_grid_is_an_error_that_names_both_unless_labels_are_resampled() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0, 2.0]);
    // Half the resolution: pixel (i, j) covers four of the image.
    let mut coarse = stack(16, AXIAL, [2.0, 2.0], &[0.0, 2.0]);
    coarse.iter_mut().for_each(|image| image.pose.position[..2].copy_from_slice(&[0.5, 0.5]));
    let frames = coarse.iter().map(|image| FrameSpec { image: None, ..frame(1, image, filled(5, 10)) });
    let spec = binary(&images, frames.collect());
    let keys = keys_of(&images);
    let file = open(&spec);
    let error = file.on(Part::Segment(1), &keys[0]).unwrap_err().to_string();
    assert!(
        error.contains("50x50 pixels of 2 x 2 mm") && error.contains("50x50 pixels of 1 x 1 mm"),
        "{error}"
    );
    assert!(error.contains("--resample-labels"), "{error}");
    assert_eq!(file.join(&[Part::Segment(1)], &keys).lost.len(), 2);

    let options = AnnotationOptions { resample_labels: true, ..AnnotationOptions::default() };
    let file = open_object(segmentation("P", &spec), &options).unwrap();
    let found = mask(&file, 1, &keys[1]).unwrap();
    let wanted: Vec<u8> = filled(10, 20).iter().map(|&pixel| pixel as u8).collect();
    assert_eq!(found.data(), wanted);
    assert!(
        file.join(&[Part::Segment(1)], &keys).notes.iter().any(|note| note.contains("2 masks are resampled"))
    );
}

#[test]
fn kinds_that_are_not_read_are_refused_by_name() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0]);
    let spec = binary(&images, vec![frame(1, &images[0], filled(5, 9))]);
    let refused = |tag, vr, value: PrimitiveValue| {
        let mut object = segmentation("P", &spec);
        object.put(DataElement::new(tag, vr, value));
        open_object(object, &AnnotationOptions::default()).unwrap_err()
    };
    let surface = refused(tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.66.5".into());
    assert!(surface.contains("a surface segmentation, which is not read"), "{surface}");
    let slide = refused(tags::DIMENSION_ORGANIZATION_TYPE, VR::CS, "TILED_FULL".into());
    assert!(slide.contains("slide microscopy"), "{slide}");
    let many = refused(tags::NUMBER_OF_FRAMES, VR::IS, "1000000".into());
    assert!(many.contains("1000000 frames are claimed, with 1 items"), "{many}");
    let short = refused(tags::ROWS, VR::US, PrimitiveValue::from(5000_u16));
    assert!(short.contains("bytes of pixels"), "{short}");
}

#[test]
fn cut_files_are_errors() {
    let images = stack(14, AXIAL, [1.0, 1.0], &[0.0]);
    let object = segmentation("P", &binary(&images, vec![frame(1, &images[0], filled(5, 9))]));
    let bytes = file_bytes(object, SEG).unwrap();
    for cut in (0..bytes.len() - 1).step_by(5) {
        let options = AnnotationOptions::default();
        match DicomSegmentation::open("seg.dcm", &bytes[..cut], &options, &Limits::default()) {
            Err(error) => assert!(error.to_string().starts_with("seg.dcm"), "{error}"),
            Ok(file) => {
                assert_ne!(file.on(Part::Segment(1), &keys_of(&images)[0]).unwrap(), Drawn::NotAnnotated)
            }
        }
    }
}
