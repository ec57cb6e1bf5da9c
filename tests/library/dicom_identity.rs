//! What a DICOM object is and belongs to, read from its first bytes.

use crate::common::dicom::{BIG, Builder, EXPLICIT, IMPLICIT};
use dicomprep::source::{DicomFault, Limits, ObjectKind, parse_header, parse_identity};

const DOSE: &str = "1.2.840.10008.5.1.4.1.1.481.2";
const STRUCTURES: &str = "1.2.840.10008.5.1.4.1.1.481.3";
const MR: &str = "1.2.840.10008.5.1.4.1.1.4";

fn object(syntax: &'static str, class: &str) -> Builder {
    Builder::image(syntax, 2, 3)
        .text(0x0008_0016, "UI", class)
        .text(0x0008_0018, "UI", "1.2.3")
        .text(0x0010_0020, "LO", "person 1")
        .text(0x0010_0030, "DA", "19500101")
        .text(0x0020_000D, "UI", "1.2.4")
        .text(0x0020_000E, "UI", "1.2.5")
        .text(0x0020_0052, "UI", "1.2.6")
        .pixels("OW", &[0; 12])
}

#[test]
fn an_image_has_its_identity_in_its_header() {
    for syntax in [EXPLICIT, IMPLICIT, BIG] {
        let file = object(syntax, MR).build();
        let header = parse_header("a", &file, file.len() as u64, &Limits::default()).unwrap().unwrap();
        let identity = header.identity;
        assert_eq!(identity.sop_class_uid.as_deref(), Some(MR));
        assert_eq!(identity.sop_instance_uid.as_deref(), Some("1.2.3"));
        assert_eq!(identity.modality.as_deref(), Some("MR"));
        assert_eq!(identity.patient_id.as_deref(), Some("person 1"));
        assert_eq!(identity.birth_date.as_deref(), Some("19500101"));
        assert_eq!(identity.study_instance_uid.as_deref(), Some("1.2.4"));
        assert_eq!(identity.series_instance_uid.as_deref(), Some("1.2.5"));
        assert_eq!(identity.frame_of_reference_uid.as_deref(), Some("1.2.6"));
        let alone = parse_identity("a", &file, file.len() as u64, &Limits::default()).unwrap();
        assert_eq!(alone, Some(identity));
    }
}

#[test]
fn any_beginning_of_the_file_gives_the_identity_or_asks_for_more() {
    let file = object(EXPLICIT, STRUCTURES).build();
    let limits = Limits::default();
    let whole = parse_identity("a", &file, file.len() as u64, &limits).unwrap().unwrap();
    assert_eq!(whole.kind(), ObjectKind::RtStructureSet);
    let mut enough = 0;
    for cut in 0..file.len() {
        if let Some(identity) = parse_identity("a", &file[..cut], file.len() as u64, &limits).unwrap() {
            assert_eq!(identity, whole, "{cut}");
            enough += 1;
        }
    }
    assert!(enough > 20, "the pixels are not needed");
}

#[test]
fn what_is_no_image_is_named_by_its_class() {
    for (class, words) in [
        (DOSE, "Dose Grid Scaling"),
        (STRUCTURES, "RTSTRUCT"),
        ("1.2.840.10008.5.1.4.1.1.481.5", "RTPLAN"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "SEG"),
        ("1.2.840.10008.5.1.4.1.1.66.7", "SEG"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "KO"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "PR"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "PDF"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG"),
    ] {
        let file = object(EXPLICIT, class).build();
        let error = parse_header("a.dcm", &file, file.len() as u64, &Limits::default()).unwrap_err();
        assert!(matches!(error.fault, DicomFault::NotAnImage { .. }), "{error}");
        let message = error.to_string();
        assert!(message.contains("(0008,0016) SOP Class UID") && message.contains(words), "{message}");
    }
}

#[test]
fn without_a_class_the_modality_tells() {
    let file = Builder::image(EXPLICIT, 1, 2).text(0x0008_0060, "CS", "SEG").pixels("OW", &[0; 4]).build();
    let error = parse_header("a", &file, file.len() as u64, &Limits::default()).unwrap_err();
    assert_eq!(error.fault, DicomFault::NotAnImage { kind: ObjectKind::Segmentation });
}
