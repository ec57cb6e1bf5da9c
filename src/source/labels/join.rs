//! The planes of a label volume, and the images of the series that they belong to.

mod by_geometry;
mod by_order;
mod error;
mod extent;

use crate::model::choice;
use crate::series::SeriesFrame;

use super::plane::VolumePlane;
use super::volume::LabelVolume;

pub use error::JoinError;
pub use extent::SeriesExtent;

/// Join of a label volume to the images of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JoinBy {
    /// By position in the patient, to 0.01 of a pixel.
    #[default]
    Geometry,
    /// The planes in their order to the images in theirs along the normal: for volumes whose geometry is lost or wrong.
    Order,
}

choice!(JoinBy {
    Geometry => "geometry",
    Order => "order",
});

/// A label volume laid over images: the plane of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinedVolume {
    planes: Vec<Option<VolumePlane>>,
}

impl JoinedVolume {
    /// The plane of the image with this index in the list that was joined; `None` where the volume does not reach it.
    #[must_use]
    pub fn plane(&self, image: usize) -> Option<&VolumePlane> {
        self.planes.get(image)?.as_ref()
    }

    /// Number of images that the volume does not reach.
    #[must_use]
    pub fn unreached(&self) -> usize {
        self.planes.iter().filter(|plane| plane.is_none()).count()
    }
}

/// Lays `volume` over `images`.
///
/// # Errors
/// [`JoinError`] where the volume or an image does not say where it lies, where they are two different grids, where a plane
/// lies on no image or an image between planes, and where the images of one plane cannot be told apart.
pub fn join_volume(
    volume: &LabelVolume,
    images: &[SeriesFrame],
    extent: SeriesExtent,
    by: JoinBy,
) -> Result<JoinedVolume, JoinError> {
    let planes = match by {
        JoinBy::Geometry => by_geometry::join(volume, images, extent)?,
        JoinBy::Order => by_order::join(volume, images)?,
    };
    Ok(JoinedVolume { planes })
}

#[cfg(test)]
mod tests;
