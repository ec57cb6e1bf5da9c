//! Sheets of many samples, as PNG.

use std::fs;
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::PreviewError;
use super::draw::{RenderedSample, SamplePicture, SampleRenderer};
use super::facts::{FactsReader, ShownSample};
use super::lettering::{Canvas, LETTER};
use super::overlay::{COLOURS, write_png};
use crate::prep::Progress;
use crate::store::{DatasetFile, StoreError, Target};

/// Pixels up to which a sheet is wide and high, unless a single sample is larger.
const SHEET: [usize; 2] = [1600, 1200];
/// Pixels of a side to which an image is enlarged at most.
const MOST_SIDE: usize = 8192;
/// Pixels of a side up to which a small one is enlarged by itself.
const SMALL_SIDE: usize = 264;
const GAP: usize = 12;
const LINE: usize = LETTER + 3;

const BACKGROUND: [u8; 3] = [24; 3];
const TEXT: [u8; 3] = [235; 3];
const FINDING: [u8; 3] = [255, 176, 120];

/// Grid of samples on a sheet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    zoom: usize,
    /// Samples beside and below each other.
    across: usize,
    down: usize,
    /// Width and height of an enlarged image.
    image: [usize; 2],
    /// Lines of text below an image.
    lines: usize,
}

/// Writes sheets `sheet-0001.png` and so on into a folder.
pub(super) struct Sheets<'s> {
    pub(super) file: &'s DatasetFile,
    pub(super) renderer: &'s SampleRenderer<'s>,
    pub(super) folder: &'s Path,
    pub(super) zoom: Option<NonZeroUsize>,
    /// Replaces the sheets that are in the folder.
    pub(super) replace: bool,
}

/// A sample of a sheet, enlarged and without its text.
type Tile = Vec<[u8; 3]>;

impl Grid {
    pub(super) fn new(file: &DatasetFile, zoom: Option<NonZeroUsize>) -> Self {
        let shape = file.shape();
        let sides = [shape.columns(), shape.rows()];
        let largest = sides[0].max(sides[1]);
        let zoom = zoom.map_or_else(|| (SMALL_SIDE / largest).max(1), NonZeroUsize::get);
        let zoom = zoom.min((MOST_SIDE / largest).max(1));
        let image = sides.map(|side| side * zoom);
        // Id, structures, split and findings.
        let lines = 2 + file.structures().len();
        let [across, down] = [(SHEET[0], image[0]), (SHEET[1], image[1] + lines * LINE + 4)]
            .map(|(room, side)| ((room.saturating_sub(GAP)) / (side + GAP)).max(1));
        Self { zoom, across, down, image, lines }
    }

    fn samples(&self) -> usize {
        self.across * self.down
    }

    fn tile_height(&self) -> usize {
        self.image[1] + self.lines * LINE + 4
    }

    /// Top left corner of sample `number` of the sheet.
    fn corner(&self, number: usize) -> [usize; 2] {
        let (right, down) = (number % self.across, number / self.across);
        [GAP + right * (self.image[0] + GAP), GAP + down * (self.tile_height() + GAP)]
    }
}

impl Sheets<'_> {
    /// Makes the folder, unless it is there, and finds what would be overwritten.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for a sheet that is there and is not to be replaced, [`StoreError::Io`].
    pub(super) fn check(folder: &Path, replace: bool) -> Result<(), StoreError> {
        let io = |source| StoreError::Io { action: "make the folder", path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        match sheets_in(folder)?.into_iter().next() {
            Some((_, sheet)) if !replace => Err(StoreError::Exists(sheet)),
            _ => Ok(()),
        }
    }

    /// Writes sheets of `rows`, and returns how many; those that an earlier run left beyond are removed.
    ///
    /// # Errors
    /// [`PreviewError`].
    pub(super) fn write(
        &self,
        rows: &[u64],
        progress: &dyn Progress,
        mut damaged: impl FnMut(SamplePicture<()>),
    ) -> Result<usize, PreviewError> {
        let grid = Grid::new(self.file, self.zoom);
        let mut facts = FactsReader::new(self.file)?;
        let structures = self.file.structures();
        progress.begin("drawing", rows.len());
        let mut sheets = 0;
        for rows in rows.chunks(grid.samples()) {
            let down = rows.len().div_ceil(grid.across);
            let across = if down == 1 { rows.len() } else { grid.across };
            let size = [GAP + across * (grid.image[0] + GAP), GAP + down * (grid.tile_height() + GAP)];
            let mut canvas = Canvas::new(size, BACKGROUND);
            let mut place = 0;
            for rows in rows.chunks(self.renderer.portion_samples()) {
                let tiles = self.renderer.draw(&mut facts, rows, |_, drawn| self.tile(drawn, grid.zoom))?;
                for SamplePicture { facts, picture } in tiles {
                    let corner = grid.corner(place);
                    grid.describe(&mut canvas, corner, &facts, structures);
                    match picture {
                        Ok(tile) => grid.put(&mut canvas, corner, &tile),
                        Err(error) => {
                            canvas.write("damaged", corner.map(|at| at + GAP), grid.image[0], FINDING);
                            damaged(SamplePicture { facts, picture: Err(error) });
                        }
                    }
                    place += 1;
                    progress.advance(1);
                }
            }
            sheets += 1;
            self.save(sheets, &canvas)?;
        }
        progress.end();
        for (number, left_over) in sheets_in(self.folder)? {
            if number > sheets as u64 {
                fs::remove_file(&left_over)
                    .map_err(|source| PreviewError::Write { path: left_over, source })?;
            }
        }
        Ok(sheets)
    }

    fn tile(&self, drawn: &RenderedSample, zoom: usize) -> Tile {
        let picture = drawn.picture(self.file);
        let (rows, columns) = (picture.shape.rows(), picture.shape.columns());
        let mut tile = Vec::with_capacity(rows * columns * zoom * zoom);
        for row in 0..rows {
            let line: Vec<[u8; 3]> = (0..columns)
                .flat_map(|column| std::iter::repeat_n(picture.colour(row, column, drawn.shades), zoom))
                .collect();
            (0..zoom).for_each(|_| tile.extend_from_slice(&line));
        }
        tile
    }

    fn save(&self, number: usize, canvas: &Canvas) -> Result<(), PreviewError> {
        let path = self.folder.join(format!("sheet-{number:04}.png"));
        let target = Target::claim(&path, self.replace)?;
        let write = || {
            let mut file = io::BufWriter::new(fs::File::create(target.partial())?);
            let size = [canvas.width, canvas.height];
            write_png(&mut file, size, png::ColorType::Rgb, canvas.pixels.as_flattened())?;
            file.flush()
        };
        write().map_err(|source| PreviewError::Write { path: path.clone(), source })?;
        target.commit()?;
        Ok(())
    }
}

impl Grid {
    fn put(&self, canvas: &mut Canvas, [left, top]: [usize; 2], tile: &Tile) {
        for (down, line) in tile.chunks(self.image[0]).enumerate() {
            canvas.pixels[(top + down) * canvas.width + left..][..line.len()].copy_from_slice(line);
        }
    }

    fn describe(&self, canvas: &mut Canvas, corner: [usize; 2], facts: &ShownSample, structures: &[String]) {
        let [left, mut top] = [corner[0], corner[1] + self.image[1] + 4];
        let mut write = |text: &str, colour| {
            canvas.write(text, [left, top], self.image[0], colour);
            top += LINE;
        };
        write(&facts.id, TEXT);
        for (plane, structure) in structures.iter().enumerate() {
            let text = format!("{structure} {}", area_text(facts, plane));
            write(&text, COLOURS[plane % COLOURS.len()].map(|part| part.max(90)));
        }
        let split = if facts.split.is_empty() { "no split" } else { &facts.split };
        if facts.findings.is_empty() {
            write(split, TEXT.map(|part| part / 2));
        } else {
            write(&format!("{split}: {}", facts.findings.join(", ")), FINDING);
        }
    }
}

/// The area of a plane for people: `512 px, 957 mm2`.
pub(super) fn area_text(facts: &ShownSample, plane: usize) -> String {
    match (facts.planes.get(plane).copied().flatten(), facts.area(plane)) {
        (None, _) => "not annotated".to_owned(),
        (Some(pixels), None) => format!("{pixels} px"),
        (Some(pixels), Some(area)) => format!("{pixels} px, {area:.0} mm2"),
    }
}

/// The sheets in `folder` with their numbers.
fn sheets_in(folder: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let io = |source| StoreError::Io { action: "read the folder", path: folder.to_owned(), source };
    let mut sheets = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("sheet-")?.strip_suffix(".png"));
        let digits =
            digits.filter(|digits| digits.len() >= 4 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some(number) = digits.and_then(|digits| digits.parse().ok()) {
            sheets.push((number, entry.path()));
        }
    }
    sheets.sort();
    Ok(sheets)
}
