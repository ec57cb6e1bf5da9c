//! RT Structure Sets and segmentations of the shared data against their golden masks.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dicomprep::model::{ImagePlane, Mask, Part};
use dicomprep::raster::{Combine, MaskRule};
use dicomprep::series::{SeriesFrame, reaches, sort_series};
use dicomprep::source::{
    AnnotationFile, AnnotationOptions, FrameKey, Limits, open_dicom_annotation, parse_header,
};
use sha2::{Digest, Sha256};

use crate::common::annotations::mask_under;

/// The images of a folder.
fn keys(folder: &Path) -> Vec<FrameKey> {
    let mut headers = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let header = parse_header("image", &bytes, bytes.len() as u64, &Limits::default());
        headers.push(header.unwrap().unwrap());
    }
    let frames: Vec<SeriesFrame> = headers
        .iter()
        .map(|header| SeriesFrame {
            shape: header.shape,
            geometry: header.geometry,
            instance_number: header.instance_number,
            frame: 0,
            trigger_time: header.trigger_time,
        })
        .collect();
    let reaches = reaches(&sort_series(&frames), &frames);
    let key = |(header, reach): (&dicomprep::source::ImageHeader, &dicomprep::series::Reach)| FrameKey {
        sop_instance_uid: header.identity.sop_instance_uid.clone().unwrap(),
        frame: 0,
        frame_of_reference_uid: header.identity.frame_of_reference_uid.clone(),
        shape: header.shape,
        plane: ImagePlane::of(&header.geometry),
        reach: reach.reach,
        shares_plane: reach.shares_plane,
    };
    headers.iter().zip(&reaches).map(key).collect()
}

/// Number of ones, and the first 16 hex digits of the SHA-256 of the mask.
fn digest(mask: &Mask) -> (u64, String) {
    let hex: String = Sha256::digest(mask.data()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (mask.count_ones() as u64, hex)
}

fn open(path: &Path) -> Box<dyn AnnotationFile> {
    let bytes = fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    open_dicom_annotation(name, &bytes, &AnnotationOptions::default(), &Limits::default()).unwrap()
}

fn part_named(file: &dyn AnnotationFile, name: &str) -> Part {
    file.parts().iter().find(|info| info.name == name).unwrap().part
}

fn json(path: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Masks by SOP Instance UID, each as number of ones and digest.
fn expected(masks: &serde_json::Value) -> BTreeMap<String, (u64, String)> {
    let mask = |(uid, value): (&String, &serde_json::Value)| {
        (uid.clone(), (value[0].as_u64().unwrap(), value[1].as_str().unwrap().to_owned()))
    };
    masks.as_object().unwrap().iter().map(mask).collect()
}

#[test]
fn structure_sets_give_their_golden_masks() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("annotations")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let keys = keys(&folder.join("derived-sunnybrook/dicoms"));
    let golden = json(&folder.join("expected.json"));
    let mut compared = 0;
    for (name, rules) in golden["rtstruct"].as_object().unwrap() {
        let file = open(&folder.join(format!("derived-sunnybrook/{name}.dcm")));
        let rules_of = [("topleft", MaskRule::Center), ("inclusive_1_64", MaskRule::CenterInclusive)];
        for (written, rule) in rules_of {
            let Some(structures) = rules[written].as_object() else { continue };
            for (structure, masks) in structures {
                let part = part_named(&*file, structure);
                let expected = expected(masks);
                for key in &keys {
                    let found =
                        mask_under(&*file, part, key, rule, Combine::EvenOdd).map(|mask| digest(&mask));
                    let wanted = expected.get(&*key.sop_instance_uid);
                    assert_eq!(found.as_ref(), wanted, "{name} {structure} {rule}");
                    compared += usize::from(wanted.is_some());
                }
            }
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn segmentations_give_their_golden_masks() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("annotations")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let keys = keys(&folder.join("derived-sunnybrook/dicoms"));
    let golden = json(&folder.join("expected.json"));
    let mut compared = 0;
    for (name, entry) in golden["seg"].as_object().unwrap() {
        let file = open(&folder.join(format!("derived-sunnybrook/{name}.dcm")));
        for frame in entry["frames"].as_array().unwrap() {
            let number = u16::try_from(frame["segment"].as_u64().unwrap()).unwrap();
            let key =
                keys.iter().find(|key| *key.sop_instance_uid == *frame["src"].as_str().unwrap()).unwrap();
            let Some(found) =
                mask_under(&*file, Part::Segment(number), key, MaskRule::Center, Combine::EvenOdd)
            else {
                panic!("{name}: segment {number} is not on its image");
            };
            assert_eq!(found.count_ones() as u64, frame["ge_half"].as_u64().unwrap(), "{name}");
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
}

#[test]
fn annotations_of_real_tools_give_their_masks() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("annotations/toolkits")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let mut compared = 0;
    for (name, entry) in json(&folder.join("expected.json")).as_object().unwrap() {
        if !name.ends_with(".dcm") {
            continue;
        }
        let keys = keys(&folder.join(entry["images"].as_str().unwrap()));
        let file = open(&folder.join(name));
        for (structure, masks) in entry["masks"].as_object().unwrap() {
            let part = part_named(&*file, structure);
            let expected = expected(masks);
            let joined = file.join(&[part], &keys);
            assert!(joined.lost.is_empty(), "{name}: {:?}", joined.lost);
            for (index, key) in keys.iter().enumerate() {
                let found = mask_under(&*file, part, key, MaskRule::CenterInclusive, Combine::EvenOdd)
                    .map(|mask| digest(&mask));
                assert_eq!(joined.images.contains(&(part, index)), found.is_some(), "{name} {structure}");
                // dcmqi names only the images that it has frames of; the masks of the others were empty.
                let wanted = expected.get(&*key.sop_instance_uid).cloned();
                let wanted = wanted.filter(|(ones, _)| *ones > 0 || found.is_some());
                assert_eq!(found, wanted, "{name} {structure}");
                compared += 1;
            }
        }
    }
    assert!(compared > 20, "{compared}");
}
