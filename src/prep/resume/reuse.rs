//! Takes rows out of earlier files, for one thread.

use super::earlier::{EarlierRows, Found, RowSource, Sha};
use super::origin::{Origin, Why};
use crate::assemble::{AnnotationFacts, MadeBefore, RowKey};
use crate::model::Pixels;
use crate::store::{AnnotationCell, EncodedRow};

/// Finds and reads earlier rows; keeps the file open that the last one was in.
pub(in crate::prep) struct EarlierReader<'e> {
    earlier: &'e EarlierRows,
    open: Option<(u32, RowSource)>,
    /// Bytes of an image and of a mask.
    expected: [usize; 2],
    taken: Option<EncodedRow>,
    /// Why the present sample is rebuilt, as far as that is known.
    why: Option<Why>,
}

impl<'e> EarlierReader<'e> {
    /// For images and masks of so many bytes.
    pub(in crate::prep) fn new(earlier: &'e EarlierRows, expected: [usize; 2]) -> Self {
        Self { earlier, open: None, expected, taken: None, why: None }
    }

    /// The row that was taken for the present sample, if one was.
    pub(in crate::prep) fn taken(&mut self) -> Option<EncodedRow> {
        self.taken.take()
    }

    /// Why the present sample, whose image file is called `name` in the file, had to be made.
    pub(in crate::prep) fn why_made(&self, name: &str) -> Origin {
        if self.earlier.is_empty() {
            return Origin::Made;
        }
        Origin::MadeAnew(self.why.unwrap_or_else(|| {
            if self.earlier.knows_name(name) { Why::ImageChanged } else { Why::NotThereBefore }
        }))
    }

    /// Reads row `row` of file number `file`; `None` where it is damaged.
    fn read(&mut self, file: u32, row: usize) -> Option<(EncodedRow, &RowSource)> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != file) {
            self.open = None;
            self.open = Some((file, self.earlier.open(file).ok()?));
        }
        let (_, rows) = self.open.as_mut()?;
        let encoded = rows.read(row)?;
        ([rows.image().len(), rows.mask().len()] == self.expected).then_some((encoded, &*rows))
    }
}

impl MadeBefore for EarlierReader<'_> {
    fn knows_image(&mut self, source_sha256: &Sha) -> bool {
        let known = self.earlier.knows_image(source_sha256);
        self.taken = None;
        let changed = self.earlier.all_differ().map_or(Why::AnnotationChanged, Why::Option);
        self.why = known.then_some(changed);
        known
    }

    fn take(&mut self, key: RowKey<'_>, pixels: &mut Pixels, masks: &mut Vec<u8>) -> bool {
        let RowKey { source_sha256, frame, annotations } = key;
        let digests: Vec<_> = annotations.iter().map(|facts| facts.map(|facts| facts.sha256)).collect();
        let (file, row) = match self.earlier.find(source_sha256, frame, &digests) {
            None => return false,
            Some(Found::Differs(option)) => {
                self.why = Some(Why::Option(option));
                return false;
            }
            Some(Found::Row { file, row }) => (file, row),
        };
        let earlier = self.earlier;
        let Some((encoded, rows)) = self.read(file, row) else {
            self.why = Some(Why::Damaged);
            return false;
        };
        let cells = encoded.row.annotations.iter();
        let is_same_annotation =
            |(cell, wanted): (&AnnotationCell, &Option<AnnotationFacts>)| match (&cell.sha256, wanted) {
                (Some(stored), Some(facts)) => {
                    earlier.is_digest(stored, &facts.sha256) && cell.contour_area == facts.contour_area as f32
                }
                (stored, wanted) => stored.is_none() && wanted.is_none(),
            };
        let is_same = earlier.is_digest(&encoded.row.source_sha256, source_sha256)
            && i64::from(encoded.row.frame) == i64::from(frame)
            && cells.len() == annotations.len()
            && cells.zip(annotations).all(is_same_annotation);
        if is_same {
            *pixels = Pixels::from_le_bytes(pixels.pixel_type(), rows.image());
            masks.clear();
            masks.extend_from_slice(rows.mask());
            self.taken = Some(encoded);
        }
        is_same
    }
}
