//! A planned sample becomes pixels and masks.

use std::time::Instant;

use super::files::dicom_skipped;
use super::remarks::note_losses;
use super::{
    AssembleOptions, Assembled, Assembler, FrameFile, GridMap, MadeBefore, NothingBefore, Remarks,
    reject_image,
};
use crate::model::{Sample, Skipped};
use crate::source::{ConvertOptions, ImageHeader, convert, parse_image};

impl Assembler<'_> {
    /// Reads the files of `sample` and makes its pixels and masks. What cannot be used goes to `remarks`.
    pub fn assemble(&mut self, sample: &Sample, remarks: &mut Remarks) -> Assembled {
        self.assemble_or_take(sample, None, &mut NothingBefore, remarks)
    }

    /// As [`Assembler::assemble`]; but where the sample was made `before` of files with the same bytes, its pixels and
    /// masks are taken from there. The image of the sample that will be asked for `next` may be read together with
    /// that of `sample`.
    pub fn assemble_or_take(
        &mut self,
        sample: &Sample,
        next: Option<&Sample>,
        before: &mut impl MadeBefore,
        remarks: &mut Remarks,
    ) -> Assembled {
        self.image = None;
        let source_sha256 = match self.read_image(sample, next) {
            Ok(sha256) => {
                self.image = Some(sample.image);
                sha256
            }
            Err(skipped) => {
                reject_image(self.plan, sample, skipped, remarks);
                return Assembled::Rejected;
            }
        };
        if before.knows_image(&source_sha256) {
            let mut noticed = Remarks::default();
            if let Some(facts) = self.take(sample, source_sha256, before, &mut noticed) {
                remarks.append(noticed);
                return Assembled::Sample(facts);
            }
        }
        let (header, map) = match self.decode_image(sample, remarks) {
            Ok(decoded) => decoded,
            Err(skipped) => {
                reject_image(self.plan, sample, skipped, remarks);
                return Assembled::Rejected;
            }
        };
        let mut annotations = self.read_masks(sample, &map, remarks);
        if !self.keep_labelled(sample, &mut annotations, remarks) {
            return Assembled::Unlabelled;
        }
        Assembled::Sample(self.facts(source_sha256, &header, &map, annotations))
    }

    /// Reads the image file; returns its digest.
    fn read_image(&mut self, sample: &Sample, next: Option<&Sample>) -> Result<[u8; 32], Skipped> {
        let start = Instant::now();
        if sample.image.frame > 0 {
            let (file, read) = FrameFile::of(&mut self.frames, self.plan, sample, &self.options.limits)?;
            self.bytes_read += read;
            self.times.read += start.elapsed();
            return Ok(file.sha256());
        }
        let sha256 = self.images.read(self.plan, &self.options.limits, sample, next)?;
        self.bytes_read += self.images.bytes().len() as u64;
        self.times.read += start.elapsed();
        Ok(sha256)
    }

    /// Decodes the image and resamples it to the grid of the data set. Returns its header and the way there.
    fn decode_image(
        &mut self,
        sample: &Sample,
        remarks: &mut Remarks,
    ) -> Result<(ImageHeader, GridMap), Skipped> {
        let name = self.plan.image_name(sample);
        let start = Instant::now();
        let limits = &self.options.limits;
        let header = match sample.image.frame {
            0 => parse_image(&name, self.images.bytes(), limits, &mut self.stored)
                .map_err(|error| dicom_skipped(&error))?,
            _ => {
                let (file, _) = FrameFile::of(&mut self.frames, self.plan, sample, limits)?;
                file.read(self.plan, sample, &mut self.stored)?
            }
        };
        let map = self.grid_map(&name, &header)?;
        let AssembleOptions { pixel_type, channels, monochrome1, .. } = *self.options;
        let wanted = ConvertOptions { monochrome1, target: pixel_type, channels };
        let conversion = convert(&name, &header, &self.stored, wanted, &mut self.pixels)
            .map_err(|error| dicom_skipped(&error))?;
        self.regridder.apply(&map, &mut self.pixels);
        self.times.decode += start.elapsed();
        note_losses(&name, &header, &self.stored, conversion.rounded, remarks);
        Ok((header, map))
    }
}
