//! Colours of a decoded frame: checks against the header, and conversion to red, green and blue.

use super::attribute;
use super::color_space::ColorSpace;
use super::error::{DicomFault, Located};
use super::header::ImageHeader;
use super::native::SampleOrder;
use super::stored_format::StoredFormat;
use super::stored_pixels::StoredPixels;
use super::ybr;

/// Refuses pixels that share colour differences with a neighbour and have none (PS3.3 C.7.6.3.1.2).
pub(super) fn check_halved(header: &ImageHeader) -> Result<(), DicomFault> {
    let is_halved = SampleOrder::of(header) == SampleOrder::Halved;
    if is_halved && !header.shape.columns().is_multiple_of(2) {
        let value = format!("YBR_FULL_422 with {} columns", header.shape.columns());
        let supported = "an even number of columns (PS3.3 C.7.6.3.1.2)";
        return Err(DicomFault::Unsupported { value, supported });
    }
    Ok(())
}

/// Refuses colours that only the decoder of another format gives: YBR_RCT, YBR_ICT and XYB.
pub(super) fn check_components(header: &ImageHeader) -> Result<(), DicomFault> {
    match &header.color {
        Some(color @ (ColorSpace::YbrRct | ColorSpace::YbrIct | ColorSpace::Xyb)) => {
            let value = format!("{} in {}", color.name(), header.transfer_syntax);
            let supported = "YBR_RCT and YBR_ICT in JPEG 2000, and XYB in JPEG XL";
            Err(DicomFault::Unsupported { value, supported })
        }
        _ => Ok(()),
    }
}

/// Converts the values of luma and colour differences in `stored`, if they are such.
pub(super) fn to_rgb(header: &ImageHeader, is_ybr: bool, stored: &mut StoredPixels) -> Result<(), Located> {
    let StoredFormat::Integer { bits_stored, .. } = header.stored else { return Ok(()) };
    if is_ybr && !ybr::to_rgb(&mut stored.values, bits_stored) {
        let (value, supported) = ("YBR_FULL of more than 16 bits".to_owned(), "8 and 16 bits");
        return Err(DicomFault::Unsupported { value, supported }.at(attribute::BITS_ALLOCATED));
    }
    Ok(())
}
