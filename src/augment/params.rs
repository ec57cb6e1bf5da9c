//! What happens to one sample: plain numbers, drawn before anything is done.

use serde::Serialize;

/// Where the pixels of one sample come from. Coordinates are (row, column) from the center of the first pixel;
/// the input has h rows and w columns.
///
/// The default moves nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GeometryParams {
    /// Rotation in degrees, with Keras' sign: from the row axis to the column axis as the map from output to
    /// input goes.
    pub theta: f64,
    /// Shift in pixels along the rows' axis (height): what is at row r of the output was at row r + tx.
    pub tx: f64,
    /// Shift in pixels along the columns' axis (width).
    pub ty: f64,
    /// Shear in degrees, as Keras has it.
    pub shear: f64,
    /// Zoom along the rows' axis: above 1, the output shows more of the input, so things become smaller.
    pub zx: f64,
    /// Zoom along the columns' axis.
    pub zy: f64,
    /// Whether left and right are exchanged.
    pub flip_horizontal: bool,
    /// Whether top and bottom are exchanged.
    pub flip_vertical: bool,
    /// Turns by 90 degrees counterclockwise as displayed, as numpy's `rot90`; 0 to 3.
    pub quarter_turns: u8,
    /// Row and column of the output's first pixel in the grid of the transformed input: what lies before it is
    /// cropped. Negative where the output begins outside, and is padded.
    pub offset: [i64; 2],
    /// A displacement of each pixel of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elastic: Option<ElasticParams>,
}

/// A smooth random displacement of each pixel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ElasticParams {
    /// How far pixels move, in pixels.
    pub alpha: f64,
    /// How smooth the displacement is: the standard deviation of a Gaussian, in pixels.
    pub sigma: f64,
    /// What the displacement is drawn from.
    pub seed: u64,
}

impl Default for GeometryParams {
    fn default() -> Self {
        Self {
            theta: 0.0,
            tx: 0.0,
            ty: 0.0,
            shear: 0.0,
            zx: 1.0,
            zy: 1.0,
            flip_horizontal: false,
            flip_vertical: false,
            quarter_turns: 0,
            offset: [0, 0],
            elastic: None,
        }
    }
}
