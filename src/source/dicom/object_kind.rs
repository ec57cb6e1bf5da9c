//! Kinds of DICOM objects, by SOP Class (PS3.4 B.5, PS3.6 annex A).

use std::fmt;

/// The kind of a DICOM object. Displays as a noun phrase with its article: `an RT Structure Set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// An image, or an object of an unknown class, which may hold one.
    Image,
    /// A segmentation: BINARY, FRACTIONAL or LABELMAP (PS3.3 A.51, A.96).
    Segmentation,
    /// A segmentation by surfaces (PS3.3 A.57).
    SurfaceSegmentation,
    /// An RT Structure Set (PS3.3 A.19).
    RtStructureSet,
    /// A radiotherapy dose (PS3.3 A.18).
    RtDose,
    /// A radiotherapy plan, treatment record or instruction.
    RtPlan,
    /// A structured report (PS3.3 A.35).
    StructuredReport,
    /// A Key Object Selection (PS3.3 A.35.4).
    KeyObjectSelection,
    /// A presentation state (PS3.3 A.33).
    PresentationState,
    /// A DICOMDIR (PS3.3 F).
    Directory,
    /// A PDF, CDA, STL, OBJ or MTL file in DICOM (PS3.3 A.45, A.85).
    EncapsulatedDocument,
    /// A waveform, such as an ECG (PS3.3 A.34).
    Waveform,
    /// A registration or fiducials (PS3.3 A.39, A.40).
    Registration,
    /// Raw data of a scanner (PS3.3 A.37).
    RawData,
    /// Spectroscopy (PS3.3 A.36.3).
    Spectroscopy,
    /// Another object without an image: a protocol, measurements, a template, a table.
    Other,
}

/// The root of the UIDs of most storage classes.
const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";

impl ObjectKind {
    /// The kind of the objects of a SOP Class.
    #[must_use]
    pub fn of_sop_class(uid: &str) -> Self {
        match uid.strip_prefix(STORAGE) {
            Some(class) => Self::of_storage_class(class),
            None if uid == "1.2.840.10008.1.3.10" => Self::Directory,
            None if uid.starts_with("1.2.840.10008.5.1.4.34.") => Self::RtPlan,
            // Hanging protocols, colour palettes, implant templates.
            None => match uid.strip_prefix("1.2.840.10008.5.1.4.") {
                // Hanging protocols, colour palettes, implant templates.
                Some("38.1" | "39.1" | "43.1" | "44.1" | "45.1") => Self::Other,
                _ => Self::Image,
            },
        }
    }

    /// The kind, by the part of the UID behind [`STORAGE`].
    fn of_storage_class(class: &str) -> Self {
        let mut parts = class.split('.');
        match (parts.next(), parts.next()) {
            (Some("66"), Some("4" | "7" | "8")) => Self::Segmentation,
            (Some("66"), Some("5")) => Self::SurfaceSegmentation,
            (Some("66"), Some("1" | "2" | "3")) => Self::Registration,
            (Some("66"), None) => Self::RawData,
            (Some("481"), Some("1")) => Self::Image,
            (Some("481"), Some("2")) => Self::RtDose,
            (Some("481"), Some("3")) => Self::RtStructureSet,
            (Some("481"), Some(_)) => Self::RtPlan,
            (Some("88"), Some("59")) => Self::KeyObjectSelection,
            (Some("88"), Some(_)) => Self::StructuredReport,
            (Some("11"), Some(_)) => Self::PresentationState,
            (Some("104"), Some(_)) => Self::EncapsulatedDocument,
            (Some("9"), _) | (Some("129"), None) => Self::Waveform,
            (Some("4"), Some("2")) => Self::Spectroscopy,
            (
                Some(
                    "8" | "10" | "11" | "67" | "68" | "78" | "79" | "80" | "82" | "90" | "91" | "131" | "200"
                    | "201",
                ),
                _,
            )
            | (Some("66"), Some("6")) => Self::Other,
            _ => Self::Image,
        }
    }

    /// The kind by Modality (0008,0060), for an object that names no SOP Class (PS3.3 C.7.3.1.1.1).
    #[must_use]
    pub fn of_modality(modality: &str) -> Self {
        match modality {
            "SEG" => Self::Segmentation,
            "RTSTRUCT" => Self::RtStructureSet,
            "RTDOSE" => Self::RtDose,
            "RTPLAN" | "RTRECORD" => Self::RtPlan,
            "SR" => Self::StructuredReport,
            "KO" => Self::KeyObjectSelection,
            "PR" => Self::PresentationState,
            "DOC" => Self::EncapsulatedDocument,
            "ECG" | "HD" | "EPS" | "RESP" => Self::Waveform,
            "REG" | "FID" => Self::Registration,
            _ => Self::Image,
        }
    }
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "an image",
            Self::Segmentation => "a segmentation (DICOM SEG)",
            Self::SurfaceSegmentation => "a surface segmentation",
            Self::RtStructureSet => "an RT Structure Set (RTSTRUCT)",
            Self::RtDose => "a radiotherapy dose (RTDOSE), whose values need Dose Grid Scaling (3004,000E)",
            Self::RtPlan => "a radiotherapy plan, record or instruction (RTPLAN and its kind)",
            Self::StructuredReport => "a structured report (SR)",
            Self::KeyObjectSelection => "a key object selection (KO)",
            Self::PresentationState => "a presentation state (PR)",
            Self::Directory => "a DICOMDIR",
            Self::EncapsulatedDocument => "an encapsulated document, such as a PDF",
            Self::Waveform => "a waveform, such as an ECG",
            Self::Registration => "a registration",
            Self::RawData => "raw data",
            Self::Spectroscopy => "spectroscopy",
            Self::Other => "an object without an image",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_by_their_uid() {
        let kinds = [
            ("1.2.840.10008.5.1.4.1.1.4", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.4.1", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.7.2", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.12.1", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.128", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.30", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.481.1", ObjectKind::Image),
            ("1.2.840.10008.5.1.4.1.1.481.2", ObjectKind::RtDose),
            ("1.2.840.10008.5.1.4.1.1.481.3", ObjectKind::RtStructureSet),
            ("1.2.840.10008.5.1.4.1.1.481.8", ObjectKind::RtPlan),
            ("1.2.840.10008.5.1.4.34.7", ObjectKind::RtPlan),
            ("1.2.840.10008.5.1.4.1.1.66", ObjectKind::RawData),
            ("1.2.840.10008.5.1.4.1.1.66.1", ObjectKind::Registration),
            ("1.2.840.10008.5.1.4.1.1.66.4", ObjectKind::Segmentation),
            ("1.2.840.10008.5.1.4.1.1.66.5", ObjectKind::SurfaceSegmentation),
            ("1.2.840.10008.5.1.4.1.1.66.7", ObjectKind::Segmentation),
            ("1.2.840.10008.5.1.4.1.1.88.59", ObjectKind::KeyObjectSelection),
            ("1.2.840.10008.5.1.4.1.1.88.33", ObjectKind::StructuredReport),
            ("1.2.840.10008.5.1.4.1.1.11.1", ObjectKind::PresentationState),
            ("1.2.840.10008.5.1.4.1.1.104.1", ObjectKind::EncapsulatedDocument),
            ("1.2.840.10008.5.1.4.1.1.9.1.1", ObjectKind::Waveform),
            ("1.2.840.10008.1.3.10", ObjectKind::Directory),
            ("1.2.840.10008.5.1.4.39.1", ObjectKind::Other),
            ("1.2.3.4", ObjectKind::Image),
        ];
        for (uid, kind) in kinds {
            assert_eq!(ObjectKind::of_sop_class(uid), kind, "{uid}");
        }
        assert_eq!(ObjectKind::of_modality("SEG"), ObjectKind::Segmentation);
    }
}
