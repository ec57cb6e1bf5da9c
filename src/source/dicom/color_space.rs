//! The colour of an image: Photometric Interpretation (0028,0004) of more than one channel.

use std::sync::Arc;

use super::palette::Palette;

/// Meaning of the samples of a colour image (PS3.3 C.7.6.3.1.2).
///
/// Pixels are always given as red, green and blue: see [`StoredPixels`](super::StoredPixels) and
/// [`convert`](super::convert).
#[derive(Debug, Clone, PartialEq)]
pub enum ColorSpace {
    /// RGB.
    Rgb,
    /// YBR_FULL: luma and two colour differences of all values.
    YbrFull,
    /// YBR_FULL_422: as YBR_FULL, the colour differences of two neighbouring columns in common.
    YbrFull422,
    /// YBR_RCT, the reversible component transform of JPEG 2000, which its decoder undoes.
    YbrRct,
    /// YBR_ICT, the irreversible one.
    YbrIct,
    /// XYB of JPEG XL, which its decoder undoes.
    Xyb,
    /// PALETTE COLOR: one sample a pixel, an index into three tables.
    Palette(Arc<Palette>),
}

impl ColorSpace {
    /// Its name in Photometric Interpretation (0028,0004).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrRct => "YBR_RCT",
            Self::YbrIct => "YBR_ICT",
            Self::Xyb => "XYB",
            Self::Palette(_) => "PALETTE COLOR",
        }
    }

    /// The colour space of true colour with this name; palettes are no true colour.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Rgb, Self::YbrFull, Self::YbrFull422, Self::YbrRct, Self::YbrIct, Self::Xyb]
            .into_iter()
            .find(|space| space.name() == name)
    }

    /// True for luma and colour differences that decoders leave as they are.
    pub(super) fn is_ybr_full(&self) -> bool {
        matches!(self, Self::YbrFull | Self::YbrFull422)
    }
}
