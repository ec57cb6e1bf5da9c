//! Check if the rows of a file are those that a plan would make of the same files.

use crate::assemble::Fit;
use crate::prep::recorded_options::RecordedOptions;
use crate::prep::{ImageSize, PrepOptions, PrepPlan};
use crate::store::{
    ChunkEncoder, DatasetFile, EncodedChunk, EncodedRows, Encoder, FORMAT_VERSION, GENERATOR, JournalHeader,
    StoreError,
};

/// The first thing that makes rows of `file` other than those of `plan` with `encoder`; `None` where nothing does.
/// Splits, names, and what decides which files are used, do not matter to a row.
pub(in crate::prep) fn difference(
    file: &DatasetFile,
    plan: &PrepPlan,
    encoder: Encoder,
) -> Result<Option<&'static str>, StoreError> {
    let made = MadeWith {
        generator: &file.generator(),
        format_version: &file.format_version(),
        config: &file.identity().config,
        has_same_grid: file.shape() == plan.shape,
        has_same_channels: file.channels() == plan.channels,
        has_same_type: file.pixel_type() == plan.pixel_type,
    };
    if let Some(option) = made.difference(plan, encoder) {
        return Ok(Some(option));
    }
    Ok(if is_encoded_the_same(file, plan, encoder)? { None } else { Some("encoding") })
}

/// As [`difference`], for rows that an interrupted run has kept: no other program has written them.
pub(in crate::prep) fn difference_of_journal(
    header: &JournalHeader,
    plan: &PrepPlan,
    encoder: Encoder,
) -> Option<&'static str> {
    let made = MadeWith {
        generator: &header.generator,
        format_version: &header.format_version,
        config: &header.config,
        has_same_grid: header.shape == [plan.shape.rows(), plan.shape.columns()],
        has_same_channels: header.channels == plan.channels,
        has_same_type: header.pixel_type() == Some(plan.pixel_type),
    };
    let differs = made.difference(plan, encoder);
    let has_same_planes = header.structures == plan.pairs.structures().len();
    let is_compressed = plan.options.compression.is_on();
    differs
        .or((!has_same_planes).then_some("structures"))
        .or((header.is_compressed != is_compressed).then_some("compression"))
}

/// Facts about the rows of a file that decide whether they are those of a plan.
struct MadeWith<'f> {
    generator: &'f str,
    format_version: &'f str,
    config: &'f str,
    has_same_grid: bool,
    has_same_channels: bool,
    has_same_type: bool,
}

impl MadeWith<'_> {
    fn difference(&self, plan: &PrepPlan, encoder: Encoder) -> Option<&'static str> {
        if self.generator != GENERATOR {
            return Some("generator");
        }
        if self.format_version != FORMAT_VERSION {
            return Some("format_version");
        }
        let Ok(recorded) = RecordedOptions::parse(self.config) else {
            return Some("config");
        };
        let (theirs, ours) = (&recorded.options, &plan.options);
        if recorded.has_pseudonyms && ours.pseudonym_key.is_none() {
            // Its digests are keyed: no source is found by them.
            return Some("pseudonym_key");
        }
        let compression = ours.compression;
        let differences = [
            ("structures", theirs.structures != ours.structures),
            ("mask_rule", theirs.mask_rule != ours.mask_rule),
            ("combine", theirs.combine != ours.combine),
            ("annotation", theirs.annotation != ours.annotation),
            ("contour_offset", theirs.contour_offset != ours.contour_offset),
            ("dtype", !self.has_same_type),
            ("size", !self.has_same_grid),
            ("color", !self.has_same_channels || theirs.color != ours.color),
            ("size", is_varied(theirs) != is_varied(ours)),
            ("fit", fit(theirs) != fit(ours)),
            ("spacing", theirs.spacing != ours.spacing),
            ("padding", theirs.padding != ours.padding),
            ("monochrome1", theirs.monochrome1 != ours.monochrome1),
            ("compression", theirs.compression.level() != compression.level()),
            ("encoder", compression.is_on() && theirs.encoder != Some(encoder)),
            // What was accepted under a lower limit is accepted under a higher one.
            ("max_image_bytes", theirs.limits.max_image_bytes > ours.limits.max_image_bytes),
            ("max_image_pixels", theirs.limits.max_image_pixels > ours.limits.max_image_pixels),
        ];
        differences.into_iter().find(|(_, differs)| *differs).map(|(option, _)| option)
    }
}

/// Treatment of images of another size.
fn fit(options: &PrepOptions) -> Option<Fit> {
    options.size.and_then(ImageSize::fixed).map(|_| options.fit)
}

/// True if each image has its own size.
fn is_varied(options: &PrepOptions) -> bool {
    options.size == Some(ImageSize::Varied)
}

/// True if the first and the last sound row have the bytes that our encoders give them: another program may have
/// written the chunks again, with the same pixels.
fn is_encoded_the_same(file: &DatasetFile, plan: &PrepPlan, encoder: Encoder) -> Result<bool, StoreError> {
    let compression = plan.options.compression;
    let mut encoders =
        [ChunkEncoder::new(compression, encoder), ChunkEncoder::new(compression, Encoder::Planes)];
    let mut rows = EncodedRows::new(file)?;
    let mut chunk = EncodedChunk::default();
    for row in [0, file.rows().saturating_sub(1)].into_iter().filter(|&row| row < file.rows()) {
        // What is damaged is rebuilt when its turn comes.
        let Ok(encoded) = rows.read(row) else { continue };
        let parts = [(rows.image(), plan.pixel_type.size(), &encoded.image), (rows.mask(), 1, &encoded.mask)];
        for (encoder, (bytes, element, found)) in encoders.iter_mut().zip(parts) {
            encoder.encode(bytes, element, &mut chunk);
            if chunk.bytes() != found.bytes() {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
