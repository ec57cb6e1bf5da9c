//! One page with everything in it, written as it is made.

use std::io::{self, Write};
use std::num::NonZeroUsize;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::PreviewError;
use super::draw::{RenderedSample, SamplePicture, SampleRenderer};
use super::facts::{FactsReader, ShownSample, badness};
use super::html::{Text, grouped, script_json};
use super::overlay::{COLOURS, write_png};
use super::rejected::{RejectedPlane, RejectedSample, RejectedSamples};
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
    /// Samples with annotations that the audit has left out, where they are shown.
    pub(super) rejected: Option<&'p RejectedSamples<'p>>,
    pub(super) file: &'p DatasetFile,
    pub(super) renderer: &'p SampleRenderer<'p>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<LeftOut<'e>>,
}

/// Annotations of a sample that the audit has left out.
#[derive(Serialize)]
struct LeftOut<'e> {
    /// The row of the file that has the other annotations of the sample.
    file_row: Option<u64>,
    /// For each of them, the plane, and the checks that found an error.
    planes: Vec<(usize, &'e [&'static str])>,
}

/// Samples that a page shows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PageSamples {
    /// Of the file.
    pub(super) samples: usize,
    /// With annotations that the audit has left out, beside these.
    pub(super) rejected: usize,
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
    ) -> Result<PageSamples, PreviewError> {
        let mut shown = PageSamples::default();
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
                "samples" => {
                    shown.rejected = self.write_rejected(&mut to, fixed)?;
                    shown.samples = self.write_samples(&mut to, fixed, progress, &mut damaged)?;
                }
                "shown" => {
                    write!(to, "{} {}", Text(&self.statement(shown.samples)), Text(&self.left_out(shown)))?
                }
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

    /// What is shown of the annotations that the audit has left out.
    fn left_out(&self, shown: PageSamples) -> String {
        let Some(all) = self.rejected.map(RejectedSamples::len) else { return String::new() };
        match (all, shown.rejected) {
            (0, _) => "The audit has left out no contour of the data.".to_owned(),
            (_, rejected) => format!(
                "Before them, {} of {} samples of the data whose contours the audit has left out: these are dashed, and \
                 no part of the file.",
                grouped(rejected as u64),
                grouped(all as u64)
            ),
        }
    }

    /// Writes the samples with annotations that were left out, portion by portion, as [`write_samples`](Self::write_samples)
    /// does. Their numbers go on where the rows of the file end.
    fn write_rejected(&self, to: &mut Counted<&mut impl Write>, fixed: u64) -> Result<usize, PreviewError> {
        let Some(rejected) = self.rejected else { return Ok(0) };
        let mut shown = 0;
        let mut start = 0;
        while start < rejected.len() {
            self.renderer.check()?;
            let end = rejected.len().min(start + self.renderer.portion_samples());
            let mut portion = Portion::new(to.bytes + fixed, self.max_bytes);
            for sample in rejected.render(self.file, self.renderer, start..end) {
                let pixels = encode_rejected(self.file, &sample);
                let row = (self.file.rows() + shown + portion.entries.len()) as u64;
                if !portion.add(rejected_entry(&sample, row, &pixels)?, &pixels.pixels) {
                    break;
                }
            }
            shown += portion.write(to)?;
            start = if portion.is_full { rejected.len() } else { end };
        }
        Ok(shown)
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
        for rows in self.rows.chunks(self.renderer.portion_samples()) {
            let samples = self.renderer.draw(&mut facts, rows, |_, drawn| encode(self.file, drawn))?;
            let mut portion = Portion::new(to.bytes + fixed, self.max_bytes);
            for SamplePicture { facts, picture } in samples {
                let encoded = picture.as_ref().ok();
                if !portion.add(entry(&facts, encoded)?, encoded.map_or("", |encoded| &encoded.pixels)) {
                    break;
                }
                if let Err(error) = picture {
                    damaged(SamplePicture { facts, picture: Err(error) });
                }
            }
            progress.advance(portion.entries.len());
            shown += portion.write(to)?;
            if portion.is_full {
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

/// Samples that are written together: their entries, and their pixels in the same order.
struct Portion {
    entries: Vec<String>,
    pixels: String,
    /// Bytes of the page with this portion.
    bytes: u64,
    max_bytes: u64,
    /// True once a sample had no room.
    is_full: bool,
}

impl Portion {
    /// A portion of a page that has so many bytes and its end.
    fn new(bytes: u64, max_bytes: u64) -> Self {
        Self { entries: Vec::new(), pixels: String::new(), bytes, max_bytes, is_full: false }
    }

    /// Adds a sample; false where there is no room for it.
    fn add(&mut self, entry: String, pixels: &str) -> bool {
        self.bytes += (entry.len() + pixels.len() + 128) as u64;
        self.is_full = self.bytes > self.max_bytes;
        if !self.is_full {
            self.entries.push(entry);
            self.pixels += pixels;
        }
        !self.is_full
    }

    /// Writes it, and returns the number of its samples.
    fn write(&self, to: &mut impl Write) -> io::Result<usize> {
        if !self.entries.is_empty() {
            let entries = self.entries.join(",\n");
            writeln!(to, "<script type=\"application/json\" class=\"facts\">[\n{entries}\n]</script>")?;
            writeln!(to, "<script type=\"text/plain\" class=\"pixels\">{}</script>", self.pixels)?;
        }
        Ok(self.entries.len())
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
        left_out: None,
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

/// The split under which the page shows samples with annotations that were left out.
const LEFT_OUT: &str = "left out";

/// The entry of a sample with annotations that were left out, as number `row` of the page.
fn rejected_entry(sample: &RejectedSample, row: u64, encoded: &Encoded) -> Result<String, PreviewError> {
    let mut findings: Vec<String> = Vec::new();
    for check in sample.rejected.iter().flat_map(|plane| &plane.checks) {
        if findings.iter().all(|name| name != check) {
            findings.push((*check).to_owned());
        }
    }
    let planes = sample.rejected.iter().map(|RejectedPlane { plane, checks, .. }| (*plane, &**checks));
    let entry = Entry {
        row,
        id: &sample.id,
        patient: &sample.patient,
        split: LEFT_OUT,
        badness: badness(&findings),
        findings: &findings,
        planes: sample.planes.clone(),
        shades: Some(encoded.shades),
        length: encoded.pixels.len(),
        left_out: Some(LeftOut { file_row: sample.file_row, planes: planes.collect() }),
    };
    Ok(script_json(&entry).map_err(io::Error::from)?)
}

/// [`encode`] of a sample, and behind it the contours that were left out, each as `|plane:x,y x,y ...`, in pixels of the
/// image, an integer being the centre of one.
fn encode_rejected(file: &DatasetFile, sample: &RejectedSample) -> Encoded {
    let mut encoded = encode(file, &sample.picture);
    for RejectedPlane { plane, contours, .. } in &sample.rejected {
        for contour in contours {
            let points: Vec<String> = contour.iter().map(|[x, y]| format!("{x:.2},{y:.2}")).collect();
            encoded.pixels += &format!("|{plane}:{}", points.join(" "));
        }
    }
    encoded
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
