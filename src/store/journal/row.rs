//! One row of a journal.

use super::super::bytes::Bytes;
use super::super::{AnnotationCell, EncodedRow, SampleRow};
use crate::model::{GridShape, PaddingRange, first_bits};
use sha2::{Digest, Sha256};

/// The facts about a row by which it is found and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalRow {
    /// The first 64 bits of the SHA-256 of `samples/source`.
    pub source_name: u64,
    /// `samples/source_sha256`.
    pub source_sha256: [u8; 32],
    /// `samples/frame`.
    pub frame: i32,
    /// For each structure, its annotation; `None` where it is not annotated.
    pub annotations: Vec<Option<KeptAnnotation>>,
    /// `samples/image_rows` and `samples/image_columns`.
    pub image_shape: GridShape,
    /// `samples/padding`.
    pub padding: PaddingRange,
    /// `samples/checksum`: CRC-32C of the decoded image and mask.
    pub checksum: [u32; 2],
    /// The chunk of the image.
    pub image: KeptChunk,
    /// The chunk of the mask.
    pub mask: KeptChunk,
}

/// The annotation of one structure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KeptAnnotation {
    /// Its plane of `samples/annotation_sha256`.
    pub sha256: [u8; 32],
    /// Its plane of `samples/contour_area`, in pixels.
    pub contour_area: f32,
}

/// A chunk as it stands in the partial file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptChunk {
    /// Byte at which it begins.
    pub address: u64,
    /// Its bytes.
    pub bytes: u32,
    /// CRC-32C of its bytes.
    pub checksum: u32,
}

impl KeptChunk {
    /// The chunk `encoded`, which begins at `address`; `None` where it is larger than any of HDF5.
    pub(super) fn of(encoded: &[u8], address: u64) -> Option<Self> {
        let bytes = u32::try_from(encoded.len()).ok()?;
        Some(Self { address, bytes, checksum: crc32c::crc32c(encoded) })
    }

    fn put(self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.address.to_le_bytes());
        into.extend_from_slice(&self.bytes.to_le_bytes());
        into.extend_from_slice(&self.checksum.to_le_bytes());
    }

    fn parse(bytes: &mut Bytes<'_>) -> Option<Self> {
        Some(Self { address: bytes.u64()?, bytes: bytes.u32()?, checksum: bytes.u32()? })
    }
}

impl JournalRow {
    /// The facts about `encoded`, whose chunks stand where `image` and `mask` say.
    pub(super) fn of(encoded: &EncodedRow, [image, mask]: [KeptChunk; 2]) -> Self {
        let SampleRow { source, source_sha256, frame, annotations, image_shape, padding, checksum, .. } =
            &encoded.row;
        let kept = |cell: &AnnotationCell| {
            Some(KeptAnnotation { sha256: cell.sha256?, contour_area: cell.contour_area })
        };
        Self {
            source_name: Self::name_bits(source),
            source_sha256: *source_sha256,
            frame: *frame,
            annotations: annotations.iter().map(kept).collect(),
            image_shape: *image_shape,
            padding: *padding,
            checksum: *checksum,
            image,
            mask,
        }
    }

    /// [`JournalRow::source_name`] of a name.
    #[must_use]
    pub fn name_bits(name: &str) -> u64 {
        first_bits(&Sha256::digest(name))
    }

    /// Bytes of a row with so many mask planes; `None` where no row has so many.
    pub(super) fn bytes(structures: usize) -> Option<usize> {
        structures.checked_mul(37)?.checked_add(8 + 32 + 4 + 8 + 8 + 8 + 2 * 16)
    }

    pub(super) fn put(&self, into: &mut Vec<u8>) {
        into.extend_from_slice(&self.source_name.to_le_bytes());
        into.extend_from_slice(&self.source_sha256);
        into.extend_from_slice(&self.frame.to_le_bytes());
        for annotation in &self.annotations {
            into.push(annotation.is_some().into());
            let absent = KeptAnnotation { sha256: [0; 32], contour_area: 0.0 };
            let KeptAnnotation { sha256, contour_area } = annotation.unwrap_or(absent);
            into.extend_from_slice(&sha256);
            into.extend_from_slice(&contour_area.to_le_bytes());
        }
        for side in [self.image_shape.rows(), self.image_shape.columns()] {
            into.extend_from_slice(&(side as u32).to_le_bytes());
        }
        self.padding.bounds().iter().for_each(|bound| into.extend_from_slice(&bound.to_le_bytes()));
        self.checksum.iter().for_each(|checksum| into.extend_from_slice(&checksum.to_le_bytes()));
        self.image.put(into);
        self.mask.put(into);
    }

    /// The row of `structures` mask planes that [`JournalRow::put`] has written.
    pub(super) fn parse(bytes: &[u8], structures: usize) -> Option<Self> {
        fn real(bytes: &mut Bytes<'_>) -> Option<f32> {
            bytes.u32().map(f32::from_bits)
        }
        fn annotation(bytes: &mut Bytes<'_>) -> Option<Option<KeptAnnotation>> {
            let is_there = bytes.u8()? != 0;
            let sha256 = bytes.take(32)?.try_into().ok()?;
            let kept = KeptAnnotation { sha256, contour_area: real(bytes)? };
            Some(is_there.then_some(kept))
        }
        let bytes = &mut Bytes::new(bytes);
        Some(Self {
            source_name: bytes.u64()?,
            source_sha256: bytes.take(32)?.try_into().ok()?,
            frame: bytes.u32()?.cast_signed(),
            annotations: (0..structures).map(|_| annotation(bytes)).collect::<Option<_>>()?,
            image_shape: GridShape::new(bytes.u32()? as usize, bytes.u32()? as usize).ok()?,
            padding: PaddingRange::new(real(bytes)?, real(bytes)?),
            checksum: [bytes.u32()?, bytes.u32()?],
            image: KeptChunk::parse(bytes)?,
            mask: KeptChunk::parse(bytes)?,
        })
    }

    /// The columns of the row that are known.
    pub(super) fn columns(&self) -> SampleRow {
        let cell = |annotation: &Option<KeptAnnotation>| AnnotationCell {
            sha256: annotation.map(|kept| kept.sha256),
            mask_pixels: 0,
            contour_area: annotation.map_or(f32::NAN, |kept| kept.contour_area),
        };
        SampleRow {
            frame: self.frame,
            source_sha256: self.source_sha256,
            annotations: self.annotations.iter().map(cell).collect(),
            image_shape: self.image_shape,
            padding: self.padding,
            checksum: self.checksum,
            ..SampleRow::unknown(0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_back() {
        let kept = KeptAnnotation { sha256: [3; 32], contour_area: 7.5 };
        let chunk = |address| KeptChunk { address, bytes: 5, checksum: 6 };
        for annotations in [vec![], vec![Some(kept)], vec![None, Some(kept)]] {
            let row = JournalRow {
                source_name: JournalRow::name_bits("dicoms/a.dcm"),
                source_sha256: [9; 32],
                frame: -1,
                annotations,
                image_shape: GridShape::new(3, 60_000).unwrap(),
                padding: PaddingRange::new(-5.0, 2.0),
                checksum: [1, 2],
                image: chunk(1 << 40),
                mask: chunk(77),
            };
            let (structures, mut bytes) = (row.annotations.len(), Vec::new());
            row.put(&mut bytes);
            assert_eq!(JournalRow::bytes(structures), Some(bytes.len()));
            assert_eq!(JournalRow::parse(&bytes, structures), Some(row));
            assert_eq!(JournalRow::parse(&bytes[1..], structures), None);
        }
        assert_eq!(JournalRow::bytes(usize::MAX), None);
    }
}
