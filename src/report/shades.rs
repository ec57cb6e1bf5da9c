//! Grey values: the values of an image shown as black and as white.

/// The values that are drawn black and white; what lies between is a shade of grey.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shades {
    /// This and everything below is black.
    pub black: f32,
    /// This and everything above is white.
    pub white: f32,
}

/// Ground of the shades of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShadeGround {
    /// The window of the header.
    Window,
    /// Percentiles, without a window.
    Percentiles,
    /// Percentiles, since a mask cannot be judged in the window of the header.
    PercentilesForMask,
    /// Percentiles around the mask, since it cannot be judged in those of the image.
    AroundMask,
    /// All values of a colour.
    Colors,
}

impl ShadeGround {
    /// For people.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Window => "the window of the header",
            Self::Percentiles => "the percentiles 0.5 and 99.5 of the image",
            Self::PercentilesForMask => {
                "the percentiles 0.5 and 99.5 of the image; in the window of the header the mask cannot be judged"
            }
            Self::AroundMask => {
                "the percentiles 0.5 and 99.5 around the mask; in those of the image, and in the window of the header, it \
                 cannot be judged"
            }
            Self::Colors => "all values of a colour",
        }
    }
}

/// Mean shades between which a mask can be judged.
const JUDGED: std::ops::RangeInclusive<f64> = 40.0..=224.0;

impl Shades {
    /// The window of the header where the pixels around a mask can be judged in it: where their mean shade is no darker than
    /// 40 and no brighter than 224, and at least half of them are neither black nor white. Else the percentiles of the image
    /// where these can, else those of the pixels around the mask.
    pub(super) fn for_mask(window: [f32; 2], image: &[f32], around: &[f32]) -> (Self, ShadeGround) {
        let window = Self::of_window(window);
        if let Some(window) = window.filter(|window| window.shows(around)) {
            return (window, ShadeGround::Window);
        }
        let percentiles = Self::of_percentiles(image);
        let ground =
            if window.is_some() { ShadeGround::PercentilesForMask } else { ShadeGround::Percentiles };
        let of_mask = Self::of_percentiles(around);
        if percentiles.shows(around) || !of_mask.shows(around) {
            (percentiles, ground)
        } else {
            (of_mask, ShadeGround::AroundMask)
        }
    }

    /// True if differences between these values can be seen.
    fn shows(&self, values: &[f32]) -> bool {
        let greys = || values.iter().map(|value| self.grey(*value));
        let mean = greys().map(f64::from).sum::<f64>() / values.len().max(1) as f64;
        let clipped = greys().filter(|grey| matches!(grey, 0 | 255)).count();
        JUDGED.contains(&mean) && 2 * clipped <= values.len()
    }

    /// The percentiles 0.5 and 99.5 of the finite values of an image.
    #[must_use]
    pub fn of_percentiles(image: &[f32]) -> Self {
        let mut values: Vec<f32> = image.iter().copied().filter(|value| value.is_finite()).collect();
        let mut at = |share: f64| {
            let place = ((share * values.len() as f64) as usize).min(values.len().checked_sub(1)?);
            Some(*values.select_nth_unstable_by(place, f32::total_cmp).1)
        };
        Self { black: at(0.005).unwrap_or(0.0), white: at(0.995).unwrap_or(1.0) }
    }

    /// Black and white of a colour image: all values of 8 bits, or of 16 where there are larger ones.
    #[must_use]
    pub fn of_colors(image: &[f32]) -> Self {
        let is_deep = image.iter().any(|&value| value > 255.0);
        Self { black: 0.0, white: if is_deep { 65_535.0 } else { 255.0 } }
    }

    /// The shades of an image with so many channels: [`Shades::of_colors`] of three, else [`Shades::of_percentiles`].
    #[must_use]
    pub fn of_image(image: &[f32], channels: usize) -> Self {
        if channels == 3 { Self::of_colors(image) } else { Self::of_percentiles(image) }
    }

    /// A window of the header, center and width (PS3.3 C.11.2.1.2.1); `None` for what is none: a number that is not
    /// finite, or a width below 1.
    #[must_use]
    pub fn of_window([center, width]: [f32; 2]) -> Option<Self> {
        let is_window = center.is_finite() && width.is_finite() && width >= 1.0;
        let (middle, half) = (center - 0.5, (width - 1.0) / 2.0);
        is_window.then_some(Self { black: middle - half, white: middle + half })
    }

    /// The shade of `value`, from 0 (black) to 255. NaN is black.
    #[must_use]
    pub fn grey(&self, value: f32) -> u8 {
        let share = (value - self.black) / (self.white - self.black).max(f32::MIN_POSITIVE);
        (255.0 * share).clamp(0.0, 255.0).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_leave_out_what_is_not_finite() {
        let mut image: Vec<f32> = (0..1000u16).rev().map(f32::from).collect();
        image.extend([f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
        assert_eq!(Shades::of_percentiles(&image), Shades { black: 5.0, white: 995.0 });
        assert_eq!(Shades::of_percentiles(&[f32::NAN]), Shades { black: 0.0, white: 1.0 });
        let flat = Shades::of_percentiles(&[7.0; 10]);
        assert_eq!([6.0, 7.0, 8.0, f32::NAN].map(|value| flat.grey(value)), [0, 0, 255, 0]);
    }

    #[test]
    fn a_window_that_hides_the_mask_is_not_taken() {
        let image: Vec<f32> = (0..1000u16).map(f32::from).collect();
        let dark = &image[..100];
        let (shades, ground) = Shades::for_mask([50.0, 100.0], &image, dark);
        assert_eq!((shades, ground), (Shades::of_window([50.0, 100.0]).unwrap(), ShadeGround::Window));
        // All black in the window, and too dark in the percentiles of the image.
        let (shades, ground) = Shades::for_mask([800.0, 100.0], &image, dark);
        assert_eq!((shades, ground), (Shades::of_percentiles(dark), ShadeGround::AroundMask));
        let (shades, ground) = Shades::for_mask([50.0, 100.0], &image, &image[400..600]);
        assert_eq!((shades, ground), (Shades::of_percentiles(&image), ShadeGround::PercentilesForMask));
        assert_eq!(Shades::for_mask([f32::NAN; 2], &image, &image).1, ShadeGround::Percentiles);
    }

    #[test]
    fn colours_are_shown_as_they_are() {
        assert_eq!(Shades::of_image(&[1.0, 9.0, 3.0], 3), Shades { black: 0.0, white: 255.0 });
        assert_eq!(Shades::of_colors(&[1.0, 256.0, 3.0]).grey(65_535.0), 255);
    }

    #[test]
    fn a_window_is_that_of_the_standard() {
        let window = Shades::of_window([128.0, 256.0]).unwrap();
        assert_eq!(window, Shades { black: 0.0, white: 255.0 });
        assert_eq!([-1.0, 0.0, 100.0, 255.0, 300.0].map(|value| window.grey(value)), [0, 0, 100, 255, 255]);
        // A width of 1 is a threshold.
        let threshold = Shades::of_window([10.0, 1.0]).unwrap();
        assert_eq!([9.0, 9.5, 10.0].map(|value| threshold.grey(value)), [0, 0, 255]);
        for window in [[f32::NAN, 5.0], [5.0, f32::NAN], [5.0, 0.5], [f32::INFINITY, 2.0]] {
            assert_eq!(Shades::of_window(window), None);
        }
    }
}
