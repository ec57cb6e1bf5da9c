//! Samples of a file with their outlines: as a page, as sheets, in a terminal.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use super::PreviewError;
use super::balance::SampleTallies;
use super::bins::PrepBins;
use super::choice::Choice;
use super::contact_sheet::Sheets;
use super::draw::{SamplePicture, SampleRenderer};
use super::facts::FactsReader;
use super::half_blocks;
use super::intensities::IntensityHistogram;
use super::page::Page;
use super::rejected::RejectedSamples;
use super::summary::Summary;
use crate::order::Selection;
use crate::prep::{Control, Sources};
use crate::store::{DatasetFile, DatasetInfo, StoreError, read_info};
use crate::stream::{RowOptions, select};

/// Options of the display of samples.
#[derive(Debug, Clone)]
pub struct PreviewOptions {
    /// Selection of samples; balance and leaks are ignored.
    pub rows: RowOptions,
    /// Largest number of samples shown, those with findings first.
    pub max_samples: usize,
    /// Pixels of the screen, to the right and down, for each of the image; `None` chooses.
    pub zoom: Option<NonZeroUsize>,
    /// Threads that decode; what is made does not depend on them.
    pub threads: NonZeroUsize,
}

/// A file whose samples can be looked at.
pub struct Preview {
    file: DatasetFile,
    info: DatasetInfo,
    options: PreviewOptions,
    selection: Selection,
    balance: SampleTallies,
    has_findings: bool,
    rejected: Option<Sources>,
}

/// Summary of the samples shown.
#[derive(Debug, Default)]
pub struct Shown {
    /// Samples that are shown.
    pub samples: usize,
    /// Samples that were asked for.
    pub of: u64,
    /// Samples that are shown with contours that the audit has left out, out of the sources.
    pub rejected: usize,
    /// Files that were written.
    pub files: usize,
    /// Samples whose image or mask is damaged: their `id`, and what is wrong. They are shown without a picture.
    pub damaged: Vec<(String, StoreError)>,
}

impl Preview {
    /// Opens the file at `path`, selects samples and counts them, without decoding a pixel.
    ///
    /// # Errors
    /// [`PreviewError::Store`] where it cannot be read, [`PreviewError::Select`] where nothing is selected.
    pub fn open(path: &Path, options: PreviewOptions) -> Result<Self, PreviewError> {
        let info = read_info(path)?;
        let file = DatasetFile::open(path)?;
        file.check_shown()?;
        let selection = select(&file, &options.rows)?;
        let mut facts = FactsReader::new(&file)?;
        let mut balance = SampleTallies::default();
        for row in selection.iter() {
            balance.add(&facts.read(row)?);
        }
        let has_findings = facts.has_findings();
        Ok(Self { file, info, options, selection, balance, has_findings, rejected: None })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &DatasetFile {
        &self.file
    }

    /// Shows on the page what the audit has left out of the file, out of `sources`, which are planned with these annotations.
    pub fn show_rejected(&mut self, sources: Sources) {
        self.rejected = Some(sources);
    }

    /// Attributes of the file.
    #[must_use]
    pub fn info(&self) -> &DatasetInfo {
        &self.info
    }

    /// Writes a page of at most `max_bytes` to `to`, as it is made: a portion of samples is in memory, whatever their
    /// number. The page needs nothing but itself.
    ///
    /// # Errors
    /// [`PreviewError::TooSmall`] where no sample fits; [`PreviewError::Store`] where the file cannot be read but for
    /// the pictures of damaged samples; [`PreviewError::Stream`] where `to` refuses; [`PreviewError::Interrupted`].
    pub fn write_page(
        &self,
        to: &mut impl Write,
        bins: Option<&PrepBins>,
        max_bytes: u64,
        control: Control<'_>,
    ) -> Result<Shown, PreviewError> {
        let renderer = SampleRenderer::new(&self.file, self.options.threads, control.cancel)?;
        let intensities = IntensityHistogram::count(
            &self.file,
            &renderer,
            &self.selection,
            &self.balance,
            control.progress,
        )?;
        let summary = Summary {
            info: &self.info,
            bins,
            balance: &self.balance,
            intensities: &intensities,
            has_findings: self.has_findings,
            selected: &self.selected(),
            samples: self.selection.len(),
        };
        let rejected = self.rejected.as_ref();
        let rejected = rejected
            .map(|sources| RejectedSamples::find(sources, &self.file, self.options.max_samples))
            .transpose()?;
        let page = Page {
            rejected: rejected.as_ref(),
            file: &self.file,
            renderer: &renderer,
            name: &self.name(),
            summary: summary.html(),
            rows: &self.chosen_rows()?,
            of: self.selection.len(),
            max_bytes,
            zoom: self.options.zoom,
        };
        let mut shown = Shown { of: self.selection.len(), files: 1, ..Shown::default() };
        let written = page.write(to, control.progress, |sample| shown.damaged.extend(damage(sample)))?;
        (shown.samples, shown.rejected) = (written.samples, written.rejected);
        Ok(shown)
    }

    /// Makes the folder of the sheets and finds what would be overwritten, before any work.
    ///
    /// # Errors
    /// [`StoreError::Exists`], [`StoreError::Io`].
    pub fn check_sheets(folder: &Path, replace: bool) -> Result<(), StoreError> {
        Sheets::check(folder, replace)
    }

    /// Writes `sheet-0001.png` and so on into `folder`, those with the worst findings first and then in the order of the
    /// file.
    ///
    /// # Errors
    /// [`PreviewError`].
    pub fn write_sheets(
        &self,
        folder: &Path,
        replace: bool,
        control: Control<'_>,
    ) -> Result<Shown, PreviewError> {
        Self::check_sheets(folder, replace)?;
        let renderer = SampleRenderer::new(&self.file, self.options.threads, control.cancel)?;
        let rows = self.worst_first()?;
        let sheets =
            Sheets { file: &self.file, renderer: &renderer, folder, zoom: self.options.zoom, replace };
        let mut shown = Shown { samples: rows.len(), of: self.selection.len(), ..Shown::default() };
        shown.files = sheets.write(&rows, control.progress, |sample| shown.damaged.extend(damage(sample)))?;
        Ok(shown)
    }

    /// Draws samples for a terminal of so many columns that shows 24-bit colours.
    ///
    /// # Errors
    /// [`PreviewError::Stream`] where `to` refuses, [`PreviewError::Store`] where the file cannot be read.
    pub fn draw(
        &self,
        to: &mut impl Write,
        columns: usize,
        control: Control<'_>,
    ) -> Result<Shown, PreviewError> {
        let renderer = SampleRenderer::new(&self.file, self.options.threads, control.cancel)?;
        let mut facts = FactsReader::new(&self.file)?;
        let rows = self.worst_first()?;
        let mut shown = Shown { samples: rows.len(), of: self.selection.len(), ..Shown::default() };
        for rows in rows.chunks(renderer.portion_samples()) {
            let draw = |facts: &_, drawn: &_| {
                let mut text = Vec::new();
                half_blocks::draw(&self.file, facts, drawn, columns, &mut text).map(|()| text)
            };
            for SamplePicture { facts, picture } in renderer.draw(&mut facts, rows, draw)? {
                match picture {
                    Ok(text) => to.write_all(&text?)?,
                    Err(error) => {
                        half_blocks::describe(&self.file, &facts, to)?;
                        shown.damaged.push((facts.id, error));
                    }
                }
            }
        }
        to.flush()?;
        Ok(shown)
    }

    /// The rows that are shown, the most important first.
    fn chosen_rows(&self) -> Result<Vec<u64>, PreviewError> {
        let mut facts = FactsReader::new(&self.file)?;
        let mut choice = Choice::new(&self.balance, self.options.max_samples);
        for row in self.selection.iter() {
            choice.add(&facts.read(row)?);
        }
        Ok(choice.into_rows())
    }

    /// The rows that are shown, those with the worst findings first and then in the order of the file.
    fn worst_first(&self) -> Result<Vec<u64>, PreviewError> {
        let mut rows = self.chosen_rows()?;
        rows.sort_unstable();
        let mut facts = FactsReader::new(&self.file)?;
        let findings: Result<Vec<(usize, u64)>, StoreError> =
            rows.into_iter().map(|row| Ok((usize::MAX - facts.read(row)?.badness(), row))).collect();
        let mut findings = findings?;
        findings.sort_unstable();
        Ok(findings.into_iter().map(|(_, row)| row).collect())
    }

    /// The name of the file, without its folder.
    fn name(&self) -> String {
        self.info.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn selected(&self) -> String {
        let rows = &self.options.rows;
        let split = rows.split.iter().map(|split| format!("split = {split}"));
        let conditions = rows.conditions.iter().map(ToString::to_string);
        split.chain(conditions).collect::<Vec<_>>().join(" and ")
    }
}

fn damage(sample: SamplePicture<()>) -> Option<(String, StoreError)> {
    Some((sample.facts.id, sample.picture.err()?))
}
