//! One page with everything in it, written as it is made.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::PreviewError;
use super::draw::{RenderedSample, SamplePicture, SampleRenderer};
use super::facts::{FactsReader, ShownSample};
use super::html::{Text, grouped, script_json};
use super::overlay::{COLOURS, write_png};
use super::runs::runs;
use crate::prep::Progress;
use crate::store::DatasetFile;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: [&str; 3] =
    [include_str!("page_samples.js"), include_str!("page_filters.js"), include_str!("page_view.js")];

/// Bytes that the end of the page takes at most, beside its program.
const END_BYTES: u64 = 2048;

/// Input of a page.
pub(super) struct Page<'p> {
    pub(super) file: &'p DatasetFile,
    pub(super) studio: &'p SampleRenderer<'p>,
    /// The name of the file, without its folder.
    pub(super) name: &'p str,
    /// HTML.
    pub(super) summary: String,
    /// Rows to be shown, the most important first.
    pub(super) rows: &'p [u64],
    /// Rows that were selected.
    pub(super) of: u64,
    pub(super) max_bytes: u64,
    pub(super) zoom: Option<NonZeroUsize>,
}

/// Data of the page's script about all samples.
#[derive(Serialize)]
struct About<'a> {
    structures: &'a [String],
    colours: [[u8; 3]; 4],
    rows: usize,
    columns: usize,
    zoom: Option<NonZeroUsize>,
}

/// Data of the page's script about one sample.
#[derive(Serialize)]
struct Entry<'e> {
    row: u64,
    id: &'e str,
    patient: &'e str,
    split: &'e str,
    findings: &'e [String],
    badness: usize,
    /// Pixels and mm2 of each plane.
    planes: Vec<Option<(u64, Option<f64>)>>,
    /// Black, white, and their ground; none where the picture is damaged.
    shades: Option<(f32, f32, &'static str)>,
    /// Characters of its line of pixels.
    length: usize,
}

/// A sample as it stands in the page.
struct Encoded {
    /// The image as PNG in base 64, then the runs of each plane, separated by `|`.
    pixels: String,
    shades: (f32, f32, &'static str),
}

impl Page<'_> {
    /// Writes the page to `to`. `damaged` receives each sample whose picture cannot be read. Returns how many samples
    /// it shows: all, or as many as fit.
    ///
    /// # Errors
    /// [`PreviewError`].
    pub(super) fn write(
        &self,
        to: &mut impl Write,
        progress: &dyn Progress,
        mut damaged: impl FnMut(SamplePicture<()>),
    ) -> Result<usize, PreviewError> {
        let mut shown = 0;
        let mut to = Counted { to, bytes: 0 };
        let fixed = SCRIPT.concat().len() as u64 + END_BYTES;
        for part in PAGE.split("{{") {
            let (name, rest) = part.split_once("}}").unwrap_or(("", part));
            match name {
                "title" => write!(to, "{}", Text(self.name))?,
                "style" => to.write_all(STYLE.as_bytes())?,
                "style-digest" => to.write_all(digest(&[STYLE]).as_bytes())?,
                "script" => to.write_all(SCRIPT.concat().as_bytes())?,
                "script-digest" => to.write_all(digest(&SCRIPT).as_bytes())?,
                "summary" => to.write_all(self.summary.as_bytes())?,
                "about" => to.write_all(script_json(&self.about()).map_err(io::Error::from)?.as_bytes())?,
                "samples" => shown = self.write_samples(&mut to, fixed, progress, &mut damaged)?,
                "shown" => write!(to, "{}", Text(&self.statement(shown)))?,
                _ => {}
            }
            to.write_all(rest.as_bytes())?;
        }
        to.flush()?;
        Ok(shown)
    }

    fn about(&self) -> About<'_> {
        About {
            structures: self.file.structures(),
            colours: COLOURS,
            rows: self.file.shape().rows(),
            columns: self.file.shape().columns(),
            zoom: self.zoom,
        }
    }

    /// Selection of the samples shown, with its reason.
    fn statement(&self, shown: usize) -> String {
        if shown as u64 == self.of {
            return format!("All {} samples.", grouped(self.of));
        }
        format!(
            "Showing {} of {} samples: those with the worst findings first, then one sample of each patient and \
             split. More fit with --max-samples and --max-bytes.",
            grouped(shown as u64),
            grouped(self.of)
        )
    }

    /// Writes the samples portion by portion: what is known about them, and their pixels in a script of their own,
    /// which is not looked at until a picture of it is drawn.
    fn write_samples(
        &self,
        to: &mut Counted<&mut impl Write>,
        fixed: u64,
        progress: &dyn Progress,
        damaged: &mut impl FnMut(SamplePicture<()>),
    ) -> Result<usize, PreviewError> {
        let mut facts = FactsReader::new(self.file)?;
        let mut shown = 0;
        progress.begin("drawing", self.rows.len());
        for rows in self.rows.chunks(self.studio.portion_samples()) {
            let samples = self.studio.draw(&mut facts, rows, |_, drawn| encode(self.file, drawn))?;
            let (mut entries, mut pixels) = (Vec::new(), String::new());
            let mut bytes = to.bytes + fixed;
            for SamplePicture { facts, picture } in samples {
                let encoded = picture.as_ref().ok();
                let entry = entry(&facts, encoded)?;
                bytes += (entry.len() + encoded.map_or(0, |encoded| encoded.pixels.len()) + 128) as u64;
                if bytes > self.max_bytes {
                    break;
                }
                entries.push(entry);
                pixels += encoded.map_or("", |encoded| &encoded.pixels);
                if let Err(error) = picture {
                    damaged(SamplePicture { facts, picture: Err(error) });
                }
            }
            progress.advance(entries.len());
            shown += entries.len();
            if !entries.is_empty() {
                let entries = entries.join(",\n");
                writeln!(to, "<script type=\"application/json\" class=\"facts\">[\n{entries}\n]</script>")?;
                writeln!(to, "<script type=\"text/plain\" class=\"pixels\">{pixels}</script>")?;
            }
            if bytes > self.max_bytes {
                break;
            }
        }
        progress.end();
        if shown == 0 && !self.rows.is_empty() {
            return Err(PreviewError::TooSmall { max_bytes: self.max_bytes });
        }
        Ok(shown)
    }
}

fn entry(facts: &ShownSample, encoded: Option<&Encoded>) -> Result<String, PreviewError> {
    let area = |(plane, pixels): (usize, &Option<u64>)| pixels.map(|pixels| (pixels, facts.area(plane)));
    let entry = Entry {
        row: facts.row,
        id: &facts.id,
        patient: &facts.patient,
        split: &facts.split,
        findings: &facts.findings,
        badness: facts.badness(),
        planes: facts.planes.iter().enumerate().map(area).collect(),
        shades: encoded.map(|encoded| encoded.shades),
        length: encoded.map_or(0, |encoded| encoded.pixels.len()),
    };
    Ok(script_json(&entry).map_err(io::Error::from)?)
}

fn encode(file: &DatasetFile, drawn: &RenderedSample) -> Encoded {
    let RenderedSample { image, mask, shades, ground } = drawn;
    let greys: Vec<u8> = image.iter().map(|value| shades.grey(*value)).collect();
    let (mut png, shape) = (Vec::new(), file.shape());
    let is_color = greys.len() == 3 * shape.pixels();
    let color = if is_color { png::ColorType::Rgb } else { png::ColorType::Grayscale };
    write_png(&mut png, [shape.columns(), shape.rows()], color, &greys)
        .expect("a Vec takes everything, and sides are below 65,536");
    let mut pixels = STANDARD.encode(&png);
    let planes = file.structures().len();
    for plane in 0..planes {
        pixels.push('|');
        pixels += &runs(mask, planes, plane);
    }
    Encoded { pixels, shades: (shades.black, shades.white, ground.text()) }
}

/// Source expression of a style or script for a content security policy.
fn digest(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    parts.iter().for_each(|part| digest.update(part));
    format!("sha256-{}", STANDARD.encode(digest.finalize()))
}

/// Counts what is written.
struct Counted<W> {
    to: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.to.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
