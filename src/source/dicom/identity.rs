//! Identifiers of a SOP Instance: its own, its patient's, study's and series'.

use super::attribute::tag;
use super::data_set::{Step, Walk, is_pixels};
use super::error::{DicomError, Located};
use super::limits::Limits;
use super::object_kind::ObjectKind;
use super::part10::{self, DataSet};
use super::value_text::identifier;

/// Identity of a SOP Instance; `None` where the attribute is absent or empty.
///
/// Values are without padding. One that is not UTF-8 is read as ISO 8859-1, so that different values stay
/// different. They serve to join and compare objects, and never reach an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DicomIdentity {
    /// SOP Class UID (0008,0016), else Media Storage SOP Class UID (0002,0002).
    pub sop_class_uid: Option<Box<str>>,
    /// SOP Instance UID (0008,0018).
    pub sop_instance_uid: Option<Box<str>>,
    /// Modality (0008,0060).
    pub modality: Option<Box<str>>,
    /// Patient ID (0010,0020).
    pub patient_id: Option<Box<str>>,
    /// Patient's Birth Date (0010,0030).
    pub birth_date: Option<Box<str>>,
    /// Study Instance UID (0020,000D).
    pub study_instance_uid: Option<Box<str>>,
    /// Series Instance UID (0020,000E).
    pub series_instance_uid: Option<Box<str>>,
    /// Frame of Reference UID (0020,0052).
    pub frame_of_reference_uid: Option<Box<str>>,
}

impl DicomIdentity {
    /// The kind of object, by its SOP Class, else by its Modality.
    #[must_use]
    pub fn kind(&self) -> ObjectKind {
        match (&self.sop_class_uid, &self.modality) {
            (Some(class), _) => ObjectKind::of_sop_class(class),
            (None, Some(modality)) => ObjectKind::of_modality(modality),
            (None, None) => ObjectKind::Image,
        }
    }

    /// True for CT, by its Modality, else by its SOP Class.
    #[must_use]
    pub fn is_ct(&self) -> bool {
        // CT Image Storage, Enhanced CT Image Storage, Legacy Converted Enhanced CT Image Storage (PS3.4 B.5).
        let classes = ["2", "2.1", "2.2"].map(|last| format!("1.2.840.10008.5.1.4.1.1.{last}"));
        match &self.modality {
            Some(modality) => &**modality == "CT",
            None => self.sop_class_uid.as_deref().is_some_and(|class| classes.iter().any(|ct| ct == class)),
        }
    }

    /// Takes the value of `tag`, where it is one of the identifiers.
    pub(super) fn keep(&mut self, tag: u32, value: &[u8]) {
        if let Some(slot) = self.slot(tag) {
            *slot = identifier(value);
        }
    }

    fn slot(&mut self, tag: u32) -> Option<&mut Option<Box<str>>> {
        Some(match tag {
            tag::SOP_CLASS_UID => &mut self.sop_class_uid,
            tag::SOP_INSTANCE_UID => &mut self.sop_instance_uid,
            tag::MODALITY => &mut self.modality,
            tag::PATIENT_ID => &mut self.patient_id,
            tag::PATIENT_BIRTH_DATE => &mut self.birth_date,
            tag::STUDY_INSTANCE_UID => &mut self.study_instance_uid,
            tag::SERIES_INSTANCE_UID => &mut self.series_instance_uid,
            tag::FRAME_OF_REFERENCE_UID => &mut self.frame_of_reference_uid,
            _ => return None,
        })
    }
}

/// True if the value of `tag` is one of the identifiers.
pub(super) fn is_identifier(tag: u32) -> bool {
    DicomIdentity::default().slot(tag).is_some()
}

/// Reads what identifies the DICOM object in `file`, of any kind, of which `bytes` are the first bytes and
/// `file_len` is the length in bytes. The walk ends behind the last identifier, so that hardly more than the
/// first kilobytes are needed.
///
/// `None` where `bytes` end before that while the file goes on: call again with more of the file.
///
/// # Errors
/// [`DicomError`] where the file is no DICOM file, or its data set is damaged before that.
pub fn parse_identity(
    file: &str,
    bytes: &[u8],
    file_len: u64,
    limits: &Limits,
) -> Result<Option<DicomIdentity>, DicomError> {
    let parse = || {
        let total = usize::try_from(file_len).unwrap_or(usize::MAX).max(bytes.len());
        match part10::open(bytes, total, limits)? {
            Some(data_set) => collect(&data_set),
            None => Ok(None),
        }
    };
    parse().map_err(|located: Located| located.in_file(file))
}

fn collect(data_set: &DataSet<'_>) -> Result<Option<DicomIdentity>, Located> {
    let mut walk = Walk::new(&data_set.bytes, data_set.total, data_set.start, data_set.syntax);
    let mut identity =
        DicomIdentity { sop_class_uid: data_set.media_storage_class.clone(), ..DicomIdentity::default() };
    loop {
        let element = match walk.next()? {
            Step::DataElement(element) => element,
            Step::NeedsMore => return Ok(None),
            Step::End => return Ok(Some(identity)),
        };
        if walk.parents().next().is_some() {
            continue;
        }
        // Elements stand in the order of their tags (PS3.5 7.1).
        if element.tag > tag::FRAME_OF_REFERENCE_UID || is_pixels(element.tag) {
            return Ok(Some(identity));
        }
        let Some(end) = element.end.filter(|_| is_identifier(element.tag)) else {
            continue;
        };
        let Some(value) = walk.value(element.start, end) else {
            return Ok(None);
        };
        identity.keep(element.tag, value);
    }
}
