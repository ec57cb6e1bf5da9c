//! Images that are equal, pixel for pixel, those without a contour among them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::Ordering;

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::Control;
use crate::assemble::{FrameFile, ReadAhead, fetch_image, read_image};
use crate::audit::{Check, Finding, ImageFacts};
use crate::layout::SampleSet;
use crate::model::Sample;
use crate::model::{PixelType, Pixels, Place, first_bits};
use crate::source::{ConvertOptions, Limits, Monochrome1, StoredPixels, convert, parse_image};

/// Images decoded by one thread at a time.
const BLOCK: usize = 16;
/// Conversion of monochrome images for comparisons: as values, whatever they are stored as.
const COMPARED: ConvertOptions =
    ConvertOptions { monochrome1: Monochrome1::Invert, target: PixelType::Float32, channels: 1 };

/// The beginning of a digest of `pixels`, which are binary32. `None` where all have one value: such images are equal
/// because there is nothing on them.
pub(super) fn pixel_digest(pixels: &Pixels) -> Option<u64> {
    let bytes = pixels.le_bytes();
    let (values, _) = bytes.as_chunks::<4>();
    if values.iter().all(|value| *value == values[0]) {
        return None;
    }
    Some(first_bits(&Sha256::digest(bytes)))
}

/// Headers and digests of the images without a contour.
#[derive(Default)]
pub(super) struct UnlabelledImages {
    /// Of each that can be read, its number in [`SampleSet::unlabelled`] and what its header says.
    pub(super) headers: Vec<(u32, ImageFacts)>,
    /// Of each that has something on it, the digest.
    digests: Vec<(u32, u64)>,
}

impl UnlabelledImages {
    /// Decodes all of them. Images that cannot be read are left out. Ends early where it is cancelled.
    pub(super) fn decode(pairs: &SampleSet, limits: &Limits, control: &Control<'_>) -> Self {
        let blocks = pairs.unlabelled.par_chunks(BLOCK).enumerate().map(|(block, samples)| {
            let mut seen = Self::default();
            let mut decoder = Decoder::default();
            let mut ahead = ReadAhead::new(pairs, samples, fetch_image);
            for (index, sample) in samples.iter().enumerate() {
                ahead.fetch_from(index + 1);
                if control.cancel.load(Ordering::Relaxed) {
                    break;
                }
                let number = (block * BLOCK + index) as u32;
                if let Some((facts, digest)) = decoder.decode_one(pairs, sample, limits) {
                    seen.headers.push((number, facts));
                    seen.digests.extend(digest.map(|digest| (number, digest)));
                }
            }
            control.progress.advance(samples.len());
            seen
        });
        blocks.collect::<Vec<_>>().into_iter().fold(Self::default(), |mut all, block| {
            all.headers.extend(block.headers);
            all.digests.extend(block.digests);
            all
        })
    }
}

/// Memory that is used again.
struct Decoder {
    bytes: Vec<u8>,
    frames: Option<FrameFile>,
    stored: StoredPixels,
    pixels: Pixels,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            bytes: Vec::new(),
            frames: None,
            stored: StoredPixels::default(),
            pixels: Pixels::empty(COMPARED.target),
        }
    }
}

impl Decoder {
    fn decode_one(
        &mut self,
        pairs: &SampleSet,
        sample: &Sample,
        limits: &Limits,
    ) -> Option<(ImageFacts, Option<u64>)> {
        let header = if sample.image.frame == 0 {
            read_image(pairs, sample, limits, &mut self.bytes).ok()?;
            parse_image("", &self.bytes, limits, &mut self.stored).ok()?
        } else {
            let (file, _) = FrameFile::of(&mut self.frames, pairs, sample, limits).ok()?;
            file.read(pairs, sample, &mut self.stored).ok()?
        };
        let compared = ConvertOptions { channels: header.channels(), ..COMPARED };
        convert("", &header, &self.stored, compared, &mut self.pixels).ok()?;
        Some((ImageFacts::of(&header), pixel_digest(&self.pixels)))
    }
}

/// An image, and its number among the samples where it has a contour.
type Image<'a> = (&'a Sample, Option<u32>);

/// Images of one patient that equal one of another: a finding for each that has a contour, as its first does, and one
/// for all others of two patients. `digests` are those of `samples` by their numbers.
pub(super) fn equal_images(
    pairs: &SampleSet,
    samples: &[Sample],
    digests: &[(u32, u64)],
    unlabelled: &UnlabelledImages,
) -> Vec<Finding> {
    let labelled =
        digests.iter().map(|&(number, digest)| ((&samples[number as usize], Some(number)), digest));
    let others = unlabelled.digests.iter();
    let others = others.map(|&(number, digest)| ((&pairs.unlabelled[number as usize], None::<u32>), digest));
    let mut seen: HashMap<u64, Image<'_>> = HashMap::new();
    let mut findings = Vec::new();
    let mut groups: BTreeMap<(u32, u32), Vec<(Image<'_>, Image<'_>)>> = BTreeMap::new();
    for (image, digest) in labelled.chain(others) {
        let first = *seen.entry(digest).or_insert(image);
        match (first, image) {
            ((first, Some(a)), (sample, Some(b))) => {
                let [first, later] =
                    [(first, a), (sample, b)].map(|(sample, number)| NumberedSample { sample, number });
                findings.extend(equal_image(pairs, first, later));
            }
            _ if first.0.patient == image.0.patient => {}
            _ => groups.entry((first.0.patient, image.0.patient)).or_default().push((first, image)),
        }
    }
    findings.extend(groups.values().map(|equal| equal_group(pairs, equal)));
    findings
}

/// The finding that images of two patients are equal, of which one at least has no contour.
fn equal_group(pairs: &SampleSet, equal: &[(Image<'_>, Image<'_>)]) -> Finding {
    let ((first, _), (sample, _)) = equal[0];
    let [place, other] = [sample, first].map(|sample| Place::file(pairs.image_name(sample)));
    let more = match equal.len() - 1 {
        0 => String::new(),
        1 => "; so does 1 more image of the two".to_owned(),
        more => format!("; so do {more} more images of the two"),
    };
    let text = format!("its pixels equal those of {other}, an image of another patient{more}");
    let samples = equal.iter().flat_map(|((_, a), (_, b))| [*a, *b]).flatten().collect();
    Finding::of_samples(Check::EqualImage, samples, place, text).beside(vec![other])
}

/// A sample, and its number among those of the plan.
#[derive(Clone, Copy)]
pub(super) struct NumberedSample<'a> {
    pub(super) sample: &'a Sample,
    pub(super) number: u32,
}

/// The finding that an image equals the first one of its pixels; none where they are of one patient.
pub(super) fn equal_image(
    pairs: &SampleSet,
    first: NumberedSample<'_>,
    later: NumberedSample<'_>,
) -> Option<Finding> {
    let [place, other] = [later, first].map(|image| Place::file(pairs.image_name(image.sample)));
    let text = format!("its pixels equal those of {other}, an image of another patient");
    let samples = vec![later.number, first.number];
    (first.sample.patient != later.sample.patient)
        .then(|| Finding::of_samples(Check::EqualImage, samples, place, text).beside(vec![other]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_compared_unless_there_is_nothing_on_them() {
        let digest = |values: &[f32]| pixel_digest(&Pixels::Float32(values.to_vec()));
        assert_eq!(digest(&[1.0, 2.0, 3.0]), digest(&[1.0, 2.0, 3.0]));
        assert_ne!(digest(&[1.0, 2.0, 3.0]), digest(&[1.0, 3.0, 2.0]));
        assert_eq!(digest(&[2.0; 5]), None);
    }
}
