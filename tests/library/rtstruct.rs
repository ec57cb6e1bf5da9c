//! RT Structure Sets written with dicom-object, against masks that are known.

use crate::common::annotations::{key_of, keys_of, mask_under};
use crate::make_annotations::{
    AXIAL, ContourSpec, ImageSpec, OBLIQUE, RoiSpec, contour, contour_data, file_bytes, square, stack,
    structure_set,
};
use dicom_dictionary_std::uids;
use dicomprep::model::Part;
use dicomprep::raster::{Combine, MaskRule};
use dicomprep::source::{
    AnnotationFile, AnnotationOptions, ContourSpacing, Drawn, FrameKey, Joined, Limits, RtStruct,
};

const INCLUSIVE: MaskRule = MaskRule::CenterInclusive;

fn open_with(images: &[ImageSpec], rois: &[RoiSpec], options: &AnnotationOptions) -> RtStruct {
    let bytes = file_bytes(structure_set("P", images, rois), uids::RT_STRUCTURE_SET_STORAGE).unwrap();
    RtStruct::open("rt.dcm", &bytes, options, &Limits::default()).unwrap()
}

fn open(images: &[ImageSpec], rois: &[RoiSpec]) -> RtStruct {
    open_with(images, rois, &AnnotationOptions::default())
}

fn roi(number: i32, contours: Vec<ContourSpec>) -> RoiSpec {
    RoiSpec { number, name: format!("roi {number}"), contours }
}

fn count(file: &RtStruct, number: i32, key: &FrameKey, rule: MaskRule) -> usize {
    mask_under(file, Part::Roi(number), key, rule, Combine::EvenOdd).map_or(0, |mask| mask.count_ones())
}

fn without_images(contour: ContourSpec) -> ContourSpec {
    ContourSpec { images: Vec::new(), ..contour }
}

fn joined(file: &RtStruct, number: i32, keys: &[FrameKey]) -> (Vec<usize>, Joined) {
    let joined = file.join(&[Part::Roi(number)], keys);
    (joined.images.iter().map(|(_, index)| *index).collect(), joined)
}

#[test]
fn nested_keyhole_and_xor_contours_are_one_ring() {
    let images = stack(1, AXIAL, [0.7, 0.7], &[0.0, 3.0]);
    let (outer, inner) = (square(5.0, 45.0), square(20.0, 30.0));
    let keyhole = [&outer[..], &outer[..1], &inner[..], &inner[..1]].concat();
    let file = open(
        &images,
        &[
            roi(
                1,
                vec![
                    contour("CLOSED_PLANAR", &images[0], &outer),
                    contour("CLOSED_PLANAR", &images[0], &inner),
                ],
            ),
            roi(
                2,
                vec![
                    contour("CLOSEDPLANAR_XOR", &images[0], &outer),
                    contour("closed_planar_xor", &images[0], &inner),
                ],
            ),
            roi(3, vec![contour("CLOSED_PLANAR", &images[0], &keyhole)]),
        ],
    );
    let keys = keys_of(&images);
    for number in 1..=2 {
        assert_eq!(count(&file, number, &keys[0], INCLUSIVE), 41 * 41 - 9 * 9, "{number}");
    }
    for number in 1..=3 {
        assert_eq!(count(&file, number, &keys[0], MaskRule::Center), 1500, "{number}");
        assert_eq!(file.on(Part::Roi(number), &keys[1]).unwrap(), Drawn::NotAnnotated);
    }
    let union = mask_under(&file, Part::Roi(1), &keys[0], MaskRule::Center, Combine::Union).unwrap();
    assert_eq!(union.count_ones(), 1600);
    let (images, joined) = joined(&file, 1, &keys);
    assert_eq!(images, [0]);
    assert!(joined.notes[0].contains("holes of 100 pixels"), "{:?}", joined.notes);
    assert!(joined.lost.is_empty());
}

#[test]
fn the_mask_does_not_depend_on_spacing_or_orientation() {
    let free = [[10.25, 9.0], [30.0, 12.5], [33.3, 31.0], [18.0, 36.75]];
    let mut masks = Vec::new();
    for (orientation, spacing) in
        [(AXIAL, [1.0, 1.0]), (AXIAL, [0.7, 1.3671875]), (OBLIQUE, [0.7, 0.7]), (OBLIQUE, [1.3671875, 0.9])]
    {
        let images = stack(1, orientation, spacing, &[-7.0, 3.0]);
        let file = open(&images, &[roi(1, vec![contour("CLOSED_PLANAR", &images[1], &free)])]);
        let key = &keys_of(&images)[1];
        masks.push(mask_under(&file, Part::Roi(1), key, INCLUSIVE, Combine::EvenOdd).unwrap());
    }
    assert!(masks.windows(2).all(|two| two[0] == two[1]));
}

#[test]
fn one_and_two_points_are_pixels_on_the_path_alone() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0]);
    let line = [[10.0, 10.0], [15.0, 10.0]];
    let file = open(
        &images,
        &[
            roi(1, vec![contour("CLOSED_PLANAR", &images[0], &line[..1])]),
            roi(2, vec![contour("CLOSED_PLANAR", &images[0], &line)]),
        ],
    );
    let keys = keys_of(&images);
    assert_eq!([1, 2].map(|number| count(&file, number, &keys[0], INCLUSIVE)), [1, 6]);
    assert_eq!([1, 2].map(|number| count(&file, number, &keys[0], MaskRule::Center)), [0, 0]);
    assert!(joined(&file, 2, &keys).1.notes[0].contains("one or two points"));
}

#[test]
fn the_second_of_two_equal_contours_is_dropped_and_overlaps_are_told() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0]);
    let on = |low, high| contour("CLOSED_PLANAR", &images[0], &square(low, high));
    let file = open(
        &images,
        &[roi(1, vec![on(5.0, 25.0), on(5.0, 25.0)]), roi(2, vec![on(5.0, 25.0), on(15.0, 35.0)])],
    );
    let keys = keys_of(&images);
    assert_eq!(count(&file, 1, &keys[0], MaskRule::Center), 400);
    assert!(joined(&file, 1, &keys).1.notes[0].contains("is there twice"));
    assert_eq!(count(&file, 2, &keys[0], MaskRule::Center), 600);
    let note = &joined(&file, 2, &keys).1.notes[0];
    assert!(note.contains("600 pixels by even-odd") && note.contains("700 by --combine union"), "{note}");
}

#[test]
fn a_bad_contour_is_rejected_by_itself_and_named() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0]);
    let good = contour("CLOSED_PLANAR", &images[0], &square(5.0, 25.0));
    for (data, said) in [
        ("1\\2\\nan", "number 3 of its Contour Data is \"nan\""),
        ("1\\2\\3\\4", "4 numbers, which are no triples"),
        ("1,5\\2\\3", "number 1 of its Contour Data is \"1,5\""),
        ("1\\2\\3\\", "number 4 of its Contour Data is empty"),
        ("0\\0\\0\\9\\0\\4\\9\\9\\8", "8.00 mm apart along the normal"),
    ] {
        let bad = ContourSpec { data: data.to_owned(), ..good.clone() };
        let file = open(&images, &[roi(4, vec![good.clone(), bad])]);
        let (found, joined) = joined(&file, 4, &keys_of(&images));
        assert_eq!(found, [0]);
        assert_eq!(joined.lost.len(), 1, "{data}");
        assert!(
            joined.lost[0].contains("ROI 4") && joined.lost[0].contains("contour 2"),
            "{:?}",
            joined.lost
        );
        assert!(joined.lost[0].contains(said), "{:?}", joined.lost);
        assert_eq!(count(&file, 4, &keys_of(&images)[0], MaskRule::Center), 400);
    }
    let spaced = ContourSpec { data: good.data.replace('\\', " \\\r\n "), ..good.clone() };
    let file = open(&images, &[roi(4, vec![spaced])]);
    assert_eq!(count(&file, 4, &keys_of(&images)[0], MaskRule::Center), 400);
}

#[test]
fn other_types_and_absent_images_are_counted() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 3.0]);
    let elsewhere = ContourSpec {
        images: vec!["2.25.99".to_owned()],
        ..contour("CLOSED_PLANAR", &images[0], &square(5.0, 25.0))
    };
    let point = contour("POINT", &images[0], &[[1.0, 1.0]]);
    let open_line = contour("OPEN_PLANAR", &images[0], &square(5.0, 25.0));
    let strange = contour("SPLINE", &images[0], &square(5.0, 25.0));
    let file = open(&images, &[roi(1, vec![elsewhere, point, open_line, strange]), roi(2, vec![])]);
    let (found, all) = joined(&file, 1, &keys_of(&images));
    assert!(found.is_empty());
    let text = all.notes.join("; ");
    assert!(
        text.contains("1 contour of type POINT") && text.contains("1 contour of type OPEN_PLANAR"),
        "{text}"
    );
    assert!(text.contains("1 contour refers to 1 image that is not in the input"), "{text}");
    assert!(all.lost[0].contains("Contour Geometric Type is SPLINE"), "{:?}", all.lost);
    assert!(joined(&file, 2, &keys_of(&images)).1.notes[0].contains("has no contours"));
}

#[test]
fn without_references_position_tells_with_the_gap_of_each_slice() {
    let images = stack(1, OBLIQUE, [0.7, 0.7], &[0.0, 3.0, 9.0, 12.0]);
    let keys = keys_of(&images);
    let at = |index: usize| without_images(contour("CLOSED_PLANAR", &images[index], &square(10.0, 30.0)));
    let file = open(&images, &[roi(1, (0..4).map(at).collect())]);
    assert_eq!(joined(&file, 1, &keys).0, [0, 1, 2, 3]);
    assert_eq!(count(&file, 1, &keys[2], MaskRule::Center), 400);
    // 2.4 mm behind the second slice: nearer to it than to the third, by the gap on that side.
    let between = stack(9, OBLIQUE, [0.7, 0.7], &[5.4]);
    let contour = without_images(contour("CLOSED_PLANAR", &between[0], &square(10.0, 30.0)));
    let file = open(&images, &[roi(1, vec![contour])]);
    assert_eq!(joined(&file, 1, &keys).0, [1]);
}

#[test]
fn contours_beyond_the_images_are_counted() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 3.0]);
    let far = stack(9, AXIAL, [1.0, 1.0], &[90.0]);
    let contour = without_images(contour("CLOSED_PLANAR", &far[0], &square(5.0, 25.0)));
    let (found, all) = joined(&open(&images, &[roi(1, vec![contour])]), 1, &keys_of(&images));
    assert!(found.is_empty() && all.lost.is_empty());
    let said =
        "1 contour without Contour Image Sequence lies beyond the first or the last image of the input";
    assert_eq!(all.notes, [said]);
}

#[test]
fn made_up_positions_and_shared_planes_are_not_joined_in_silence() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 3.0, 9.0, 12.0]);
    let even = stack(9, AXIAL, [1.0, 1.0], &[0.0, 4.0, 8.0, 12.0]);
    let contours =
        even.iter().map(|image| without_images(contour("CLOSED_PLANAR", image, &square(10.0, 30.0))));
    let (found, all) = joined(&open(&images, &[roi(1, contours.collect())]), 1, &keys_of(&images));
    assert!(found.is_empty() && all.lost[0].contains("look made up"), "{:?}", all.lost);

    let cine = stack(2, AXIAL, [1.0, 1.0], &[0.0, 0.0, 8.0, 8.0]);
    let free = without_images(contour("CLOSED_PLANAR", &cine[1], &square(10.0, 30.0)));
    let (found, all) = joined(&open(&cine, &[roi(1, vec![free])]), 1, &keys_of(&cine));
    assert!(found.is_empty() && all.lost[0].contains("several images share"), "{:?}", all.lost);
    let named = contour("CLOSED_PLANAR", &cine[1], &square(10.0, 30.0));
    assert_eq!(joined(&open(&cine, &[roi(1, vec![named])]), 1, &keys_of(&cine)).0, [1]);
}

#[test]
fn a_reference_counts_however_far_the_coordinates_are() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 8.0]);
    let mut far = contour("CLOSED_PLANAR", &images[1], &square(10.0, 30.0));
    far.images = vec![images[0].uid.clone()];
    let file = open(&images, &[roi(1, vec![far])]);
    let (found, all) = joined(&file, 1, &keys_of(&images));
    assert_eq!(found, [0]);
    assert!(all.notes[0].contains("up to 8.00 mm"), "{:?}", all.notes);
    assert_eq!(count(&file, 1, &keys_of(&images)[0], MaskRule::Center), 400);
}

#[test]
fn exchanged_spacings_are_undone_on_request() {
    let images = stack(1, AXIAL, [2.0, 0.5], &[0.0]);
    let drawn = square(10.0, 20.0);
    // The writer multiplies columns with the spacing between rows, and the other way round.
    let exchanged: Vec<[f64; 2]> = drawn.iter().map(|[x, y]| [x * 2.0 / 0.5, y * 0.5 / 2.0]).collect();
    let contour = ContourSpec {
        data: contour_data(&images[0].pose, &exchanged),
        ..contour("CLOSED_PLANAR", &images[0], &drawn)
    };
    let rois = [roi(1, vec![contour])];
    let swapped =
        AnnotationOptions { contour_spacing: ContourSpacing::Swapped, ..AnnotationOptions::default() };
    let key = &keys_of(&images)[0];
    assert_eq!(count(&open_with(&images, &rois, &swapped), 1, key, INCLUSIVE), 121);
    assert_ne!(count(&open(&images, &rois), 1, key, INCLUSIVE), 121);
}

#[test]
fn a_part_that_is_absent_is_named_with_what_is_there() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0]);
    let file = open(&images, &[roi(3, vec![])]);
    let error = file.on(Part::Roi(5), &key_of(&images[0])).unwrap_err().to_string();
    assert_eq!(error, "rt.dcm: there is no #5: #3 roi 3");
}

#[test]
fn cut_files_are_errors() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0]);
    let rois = [roi(3, vec![contour("CLOSED_PLANAR", &images[0], &square(10.0, 30.0))])];
    let bytes = file_bytes(structure_set("P", &images, &rois), uids::RT_STRUCTURE_SET_STORAGE).unwrap();
    for cut in (0..bytes.len() - 1).step_by(7) {
        let opened =
            RtStruct::open("rt.dcm", &bytes[..cut], &AnnotationOptions::default(), &Limits::default());
        if let Err(error) = opened {
            assert!(error.to_string().starts_with("rt.dcm"), "{error}");
        }
    }
    let small = Limits { max_image_bytes: 100, ..Limits::default() };
    let error = RtStruct::open("rt.dcm", &bytes, &AnnotationOptions::default(), &small).unwrap_err();
    assert!(error.to_string().contains("more than the limit of 100"), "{error}");
}

fn discs(images: &[ImageSpec]) -> Vec<ContourSpec> {
    let drawn = images.iter().zip(0..).map(|(image, k)| {
        without_images(contour("CLOSED_PLANAR", image, &square(10.0, 20.0 + 2.0 * f64::from(k))))
    });
    drawn.collect()
}

#[test]
fn contours_of_a_missing_image_do_not_make_the_others_look_made_up() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 3.0, 9.0, 12.0]);
    let all = stack(9, AXIAL, [1.0, 1.0], &[0.0, 3.0, 6.0, 9.0, 12.0]);
    let file = open(&images, &[roi(1, discs(&all))]);
    let keys = keys_of(&images);
    let (found, said) = joined(&file, 1, &keys);
    assert_eq!(found, [0, 1, 2, 3]);
    assert!(said.lost.is_empty() && said.notes[0].contains("1 contour lies between the images"), "{said:?}");
    let counts: Vec<usize> = keys.iter().map(|key| count(&file, 1, key, MaskRule::Center)).collect();
    assert_eq!(counts, [100, 144, 256, 324]);
}

#[test]
fn contours_of_two_planes_never_make_the_mask_of_one_image_together() {
    let images = stack(1, AXIAL, [1.0, 1.0], &[0.0, 2.0, 4.0]);
    let all = stack(9, AXIAL, [1.0, 1.0], &[0.0, 0.75, 1.0, 1.25, 2.0, 3.0, 4.0]);
    let file = open(&images, &[roi(1, discs(&all))]);
    let keys = keys_of(&images);
    let (found, said) = joined(&file, 1, &keys);
    assert_eq!(found, [0, 1, 2]);
    assert!(said.lost.is_empty() && said.notes[0].contains("4 contours lie between the images"), "{said:?}");
    let counts: Vec<usize> = keys.iter().map(|key| count(&file, 1, key, MaskRule::Center)).collect();
    assert_eq!(counts, [100, 324, 484]);
    // In one plane they do, a rounding apart or not.
    let ring = stack(9, AXIAL, [1.0, 1.0], &[0.0, 0.01]);
    let file = open(&images, &[roi(1, discs(&ring))]);
    assert_eq!(count(&file, 1, &keys[0], MaskRule::Center), 44);
}
