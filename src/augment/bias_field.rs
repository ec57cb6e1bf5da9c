//! The uneven sensitivity of MR receiver coils.

use serde::Serialize;

/// A polynomial of degree 3 without a constant term.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct BiasFieldParams {
    /// Of v, v^2, v^3, u, u v, u v^2, u^2, u^2 v, u^3, in this order; u and v are the pixel's row and column,
    /// scaled so that the image's edges are at -1 and 1.
    pub coefficients: [f64; 9],
}
