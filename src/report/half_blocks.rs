//! Samples in a terminal: two pixels in each letter, in 24-bit colours.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::contact_sheet::area_text;
use super::draw::RenderedSample;
use super::facts::ShownSample;
use super::overlay::Picture;
use crate::model::Plain;
use crate::store::DatasetFile;

/// Lines of letters that a picture takes at most.
const MOST_LINES: usize = 36;

/// Draws the sample, at most `columns` letters wide: reduced by a whole number where it is larger. A reduced pixel is
/// the mean of its pixels, and on an outline where any of them is.
///
/// # Errors
/// What `to` says.
pub(super) fn draw(
    file: &DatasetFile,
    facts: &ShownSample,
    drawn: &RenderedSample,
    columns: usize,
    to: &mut impl Write,
) -> io::Result<()> {
    let picture = drawn.picture(file);
    let (height, width) = (picture.shape.rows(), picture.shape.columns());
    let reduced = width.div_ceil(columns.max(1)).max(height.div_ceil(2 * MOST_LINES)).max(1);
    let mut text = String::new();
    for line in 0..height.div_ceil(2 * reduced) {
        for column in 0..width.div_ceil(reduced) {
            let [upper, lower] =
                [2 * line, 2 * line + 1].map(|row| colour(&picture, drawn, [row, column], reduced));
            let [[r, g, b], [lower_r, lower_g, lower_b]] = [upper, lower];
            // Writing to a String cannot fail.
            let _ = write!(text, "\x1b[38;2;{r};{g};{b};48;2;{lower_r};{lower_g};{lower_b}m\u{2580}");
        }
        text += "\x1b[0m\n";
    }
    to.write_all(text.as_bytes())?;
    describe(file, facts, to)
}

/// Caption of the sample, in lines of text.
///
/// # Errors
/// What `to` says.
pub(super) fn describe(file: &DatasetFile, facts: &ShownSample, to: &mut impl Write) -> io::Result<()> {
    let split = if facts.split.is_empty() { "no split" } else { &facts.split };
    writeln!(to, "{} (row {}, {})", Plain(&facts.id), facts.row, Plain(split))?;
    for (plane, structure) in file.structures().iter().enumerate() {
        writeln!(to, "  {}: {}", Plain(structure), area_text(facts, plane))?;
    }
    if !facts.findings.is_empty() {
        writeln!(to, "  findings: {}", Plain(&facts.findings.join(", ")))?;
    }
    writeln!(to)
}

/// The colour of a block of `reduced` x `reduced` pixels; black outside of the picture.
fn colour(
    picture: &Picture<'_>,
    drawn: &RenderedSample,
    [row, column]: [usize; 2],
    reduced: usize,
) -> [u8; 3] {
    let rows = row * reduced..(row * reduced + reduced).min(picture.shape.rows());
    let columns = column * reduced..(column * reduced + reduced).min(picture.shape.columns());
    let block = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
    if let Some(outline) = block.clone().find_map(|(row, column)| picture.outline(row, column)) {
        return outline;
    }
    let (mut sums, mut pixels) = ([0_u64; 3], 0);
    for (row, column) in block {
        let colour = picture.shade(row, column, drawn.shades);
        sums.iter_mut().zip(colour).for_each(|(sum, part)| *sum += u64::from(part));
        pixels += 1;
    }
    sums.map(|sum| u8::try_from(sum / u64::max(pixels, 1)).unwrap_or(u8::MAX))
}
