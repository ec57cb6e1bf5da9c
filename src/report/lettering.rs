//! Letters on a canvas of pixels.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts};

/// Pixels of a letter, to the right and down.
pub(super) const LETTER: usize = 8;

/// An RGB image, row-major.
pub(super) struct Canvas {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<[u8; 3]>,
}

impl Canvas {
    /// A canvas of one colour.
    pub(super) fn new([width, height]: [usize; 2], colour: [u8; 3]) -> Self {
        Self { width, height, pixels: vec![colour; width * height] }
    }

    /// Writes `text` with its upper left corner at (`left`, `top`), in at most `width` pixels. What has no letter in
    /// Latin-1 is a question mark, and a text that is too long is cut in its middle.
    pub(super) fn write(&mut self, text: &str, [left, top]: [usize; 2], width: usize, colour: [u8; 3]) {
        for (place, letter) in fitted(text, width / LETTER).into_iter().enumerate() {
            let shape = BASIC_FONTS.get(letter).or_else(|| LATIN_FONTS.get(letter)).unwrap_or(UNKNOWN);
            for (down, line) in shape.into_iter().enumerate() {
                for right in (0..LETTER).filter(|right| line >> right & 1 == 1) {
                    let (column, row) = (left + place * LETTER + right, top + down);
                    if column < self.width && row < self.height {
                        self.pixels[row * self.width + column] = colour;
                    }
                }
            }
        }
    }
}

/// A box.
const UNKNOWN: [u8; 8] = [0x00, 0x7e, 0x42, 0x42, 0x42, 0x42, 0x7e, 0x00];

/// `text` in at most `most` letters: its beginning and its end where it is longer.
fn fitted(text: &str, most: usize) -> Vec<char> {
    const DOTS: &str = "..";
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= most {
        return letters;
    }
    let kept = most.saturating_sub(DOTS.len());
    let (start, end) = (kept / 2, kept - kept / 2);
    let dots = DOTS.chars().take(most);
    letters[..start]
        .iter()
        .copied()
        .chain(dots)
        .chain(letters[letters.len() - end..].iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_in_the_middle() {
        let cut = |text: &str, most| fitted(text, most).into_iter().collect::<String>();
        assert_eq!([cut("abc", 3), cut("abcdefgh", 6), cut("abcdefgh", 5)], ["abc", "ab..gh", "a..gh"]);
        assert_eq!([cut("abc", 2), cut("abc", 1), cut("abc", 0)], ["..", ".", ""]);
    }

    #[test]
    fn letters_stay_in_their_place() {
        let mut canvas = Canvas::new([20, 10], [0; 3]);
        canvas.write("L\u{1f600}", [1, 1], 16, [9; 3]);
        let drawn = |columns: std::ops::Range<usize>| {
            columns
                .flat_map(|column| (0..10).map(move |row| row * 20 + column))
                .filter(|at| canvas.pixels[*at] == [9; 3])
                .count()
        };
        assert!(drawn(1..9) > 10 && drawn(9..17) == 20 && drawn(0..1) == 0 && drawn(17..20) == 0);
        // Nothing outside of the canvas, and nothing wider than asked for.
        canvas.write("WWW", [15, 6], 100, [9; 3]);
        let mut narrow = Canvas::new([40, 8], [0; 3]);
        narrow.write("WWWW", [0, 0], 17, [9; 3]);
        assert!(narrow.pixels.iter().enumerate().all(|(at, pixel)| *pixel == [0; 3] || at % 40 < 16));
    }
}
