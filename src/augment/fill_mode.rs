//! Pixels outside an image.

use crate::model::choice;

use super::fixed::ONE;

/// Pixels outside an image, with the names and the meaning of Keras' `fill_mode`, which are those of
/// `scipy.ndimage` since its version 1.6. An axis of n pixels has their centers at 0 to n - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum FillMode {
    /// `aaaa|abcd|dddd`: the image goes on with the pixels of its border.
    #[default]
    Nearest,
    /// `kkkk|abcd|kkkk`: every place below 0 or above n - 1 has the fill value, without a transition and
    /// for every order of interpolation, so half of each border pixel is outside.
    Constant,
    /// `dcba|abcd|dcba`: the image is mirrored at the outer edges of its border pixels.
    Reflect,
    /// `dbcdbc|abcd|bcabca`: the image is repeated every n - 1 pixels, so that its last pixel falls on the first
    /// of the next copy. (Numpy's `wrap` and scipy's `grid-wrap` have the period n.)
    Wrap,
}

choice!(FillMode {
    Nearest => "nearest",
    Constant => "constant",
    Reflect => "reflect",
    Wrap => "wrap",
});

impl FillMode {
    /// Position of a fixed-point coordinate on an axis of `side` pixels: from 0 to `side` - 1, or, where it is
    /// reflected, less than a pixel outside, which is still the border pixel. `None` where the place has the
    /// fill value.
    pub(super) fn locate(self, coordinate: i64, side: usize) -> Option<i64> {
        let last = (side as i64 - 1) * ONE;
        if (0..=last).contains(&coordinate) {
            return Some(coordinate);
        }
        match self {
            Self::Nearest => Some(coordinate.clamp(0, last)),
            Self::Constant => None,
            _ if side <= 1 => Some(0),
            Self::Reflect => {
                let within = coordinate.rem_euclid(2 * (last + ONE));
                Some(if within > last { 2 * last + ONE - within } else { within })
            }
            Self::Wrap => {
                let within = coordinate.rem_euclid(last);
                // A whole period below 0 is the last pixel, a whole period above is the first.
                Some(if within == 0 && coordinate < 0 { last } else { within })
            }
        }
    }

    /// The pixel that stands for pixel `index` when a spline is fitted to an axis of `side` pixels. Constant and
    /// wrap mirror the image about the centers of the border pixels, as scipy does.
    pub(super) fn continued(self, index: i64, side: usize) -> usize {
        let last = side as i64 - 1;
        let pixel = match self {
            _ if last == 0 => 0,
            Self::Nearest => index.clamp(0, last),
            Self::Reflect => {
                let within = index.rem_euclid(2 * (last + 1));
                within.min(2 * last + 1 - within)
            }
            Self::Constant | Self::Wrap => {
                let within = index.rem_euclid(2 * last);
                within.min(2 * last - within)
            }
        };
        pixel as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(mode: FillMode, coordinate: f64, side: usize) -> Option<f64> {
        mode.locate((coordinate * ONE as f64) as i64, side).map(|found| found as f64 / ONE as f64)
    }

    /// As `scipy.ndimage.shift` of four pixels by whole pixels has it.
    #[test]
    fn places_come_inside_by_the_rule() {
        let letters = |mode, side: usize| -> String {
            (-6..10)
                .map(|index| match mode {
                    FillMode::Constant if !(0..4).contains(&index) => 'k',
                    _ => {
                        ['a', 'b', 'c', 'd'][located(mode, f64::from(index), side).unwrap().round() as usize]
                    }
                })
                .collect()
        };
        assert_eq!(letters(FillMode::Nearest, 4), "aaaaaaabcddddddd");
        assert_eq!(letters(FillMode::Constant, 4), "kkkkkkabcdkkkkkk");
        assert_eq!(letters(FillMode::Reflect, 4), "cddcbaabcddcbaab");
        assert_eq!(letters(FillMode::Wrap, 4), "dbcdbcabcdbcabca");
    }

    #[test]
    fn fractions_outside() {
        assert_eq!(located(FillMode::Nearest, -0.25, 4), Some(0.0));
        assert_eq!(located(FillMode::Constant, -0.25, 4), None);
        assert_eq!(located(FillMode::Constant, 3.25, 4), None);
        assert_eq!(located(FillMode::Reflect, -1.25, 4), Some(0.25));
        assert_eq!(located(FillMode::Reflect, 4.25, 4), Some(2.75));
        assert_eq!(located(FillMode::Wrap, -0.25, 4), Some(2.75));
        assert_eq!(located(FillMode::Wrap, 3.25, 4), Some(0.25));
    }

    #[test]
    fn one_pixel_is_everywhere() {
        for coordinate in [-7.5, -1.0, 0.5, 100.0] {
            for mode in [FillMode::Nearest, FillMode::Reflect, FillMode::Wrap] {
                assert_eq!(located(mode, coordinate, 1), Some(0.0));
            }
            assert_eq!(located(FillMode::Constant, coordinate, 1), None);
        }
    }

    #[test]
    fn splines_see_the_image_continued() {
        let indices = |mode: FillMode| (-5..9).map(|index| mode.continued(index, 4)).collect::<Vec<_>>();
        assert_eq!(indices(FillMode::Nearest), [0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3]);
        assert_eq!(indices(FillMode::Reflect), [3, 3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0]);
        assert_eq!(indices(FillMode::Wrap), [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!(FillMode::Reflect.continued(-3, 1), 0);
    }

    #[test]
    fn the_names_are_those_of_keras() {
        for mode in FillMode::ALL {
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{}\"", mode.name()));
        }
    }
}
