//! Label volumes of the shared data, as nibabel and slicerio wrote them, against their golden masks.

use std::fs;
use std::path::Path;

use dicomprep::model::{GridShape, Mask};
use dicomprep::series::SeriesFrame;
use dicomprep::source::{
    JoinBy, LabelSelection, LabelVolume, Limits, SeriesExtent, VolumePart, join_volume, parse_header,
    parse_identity, parse_nifti, parse_nrrd,
};
use sha2::{Digest, Sha256};

/// The images of a folder, with their SOP Instance UIDs.
fn series(folder: &Path) -> Vec<(String, SeriesFrame)> {
    let image = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        let length = bytes.len() as u64;
        let header = parse_header("image", &bytes, length, &Limits::default()).unwrap().unwrap();
        let identity = parse_identity("image", &bytes, length, &Limits::default()).unwrap().unwrap();
        let frame = SeriesFrame {
            shape: header.shape,
            geometry: header.geometry,
            instance_number: header.instance_number,
            frame: 0,
            trigger_time: header.trigger_time,
        };
        (identity.sop_instance_uid.unwrap().into_string(), frame)
    };
    fs::read_dir(folder).unwrap().map(|entry| image(&entry.unwrap().path())).collect()
}

fn digest(mask: &Mask) -> (u64, String) {
    let hex: String = Sha256::digest(mask.data()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (mask.count_ones() as u64, hex)
}

/// The part of a volume that is called `name`: a segment, or a label.
fn part(volume: &LabelVolume, name: &str) -> VolumePart {
    match volume.segments().iter().find(|segment| segment.name == name) {
        Some(segment) => VolumePart { layer: segment.layer, labels: LabelSelection::Value(segment.value) },
        None => VolumePart { layer: 0, labels: LabelSelection::Value(name.parse().unwrap()) },
    }
}

#[test]
fn volumes_of_other_tools_give_their_golden_masks() {
    let Some(folder) = crate::common::shared_data().map(|data| data.join("annotations/toolkits")) else {
        eprintln!("skipped: no shared data");
        return;
    };
    let golden: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let mut seen = 0;
    for (name, expected) in golden.as_object().unwrap() {
        let Ok(bytes) = fs::read(folder.join(name)) else { continue };
        let volume = match () {
            () if name.ends_with(".nii.gz") => parse_nifti(name, &bytes, &Limits::default()).unwrap(),
            () if name.ends_with(".nrrd") => parse_nrrd(name, &bytes, &Limits::default()).unwrap(),
            () => continue,
        };
        let images = series(&folder.join(expected["images"].as_str().unwrap()));
        let frames: Vec<SeriesFrame> = images.iter().map(|(_, frame)| *frame).collect();
        let joined = join_volume(&volume, &frames, SeriesExtent::Whole, JoinBy::Geometry).unwrap();
        for (structure, masks) in expected["masks"].as_object().unwrap() {
            let part = part(&volume, structure);
            for (index, (uid, frame)) in images.iter().enumerate() {
                let shape: GridShape = frame.shape;
                let found = digest(&joined.plane(index).unwrap().mask(&volume, part, shape));
                let mask = &masks[uid];
                assert_eq!(found.0, mask[0].as_u64().unwrap(), "{name} {structure} {uid}");
                assert_eq!(found.1, mask[1].as_str().unwrap(), "{name} {structure} {uid}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 24, "{seen} masks");
}
