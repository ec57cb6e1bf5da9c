//! Samples for people to look at: images with the outlines of their masks, as PNG, as a page, in a terminal.
//!
//! The outline of a mask is its inner border: the pixels of the mask of which one of the four neighbours is not in the
//! mask, or is outside of the image. It is drawn exactly there.

mod balance;
mod bins;
mod chart;
mod choice;
mod contact_sheet;
mod draw;
mod error;
mod facts;
mod half_blocks;
mod html;
mod intensities;
mod lettering;
mod overlay;
mod page;
mod preview;
mod rejected;
mod runs;
mod shades;
mod summary;

pub use bins::PrepBins;
pub use draw::shown_channels;
pub use error::PreviewError;
#[cfg(feature = "serve")]
pub(crate) use html::Text;
pub use overlay::{Picture, side_by_side};
pub use preview::{Preview, PreviewOptions, Shown};
pub use shades::Shades;
