//! Looks for annotations that are wrong: in the shape of a contour, between the two contours of an image, along
//! the slices and phases of a patient, across patients, and against the pixels.
//!
//! Each check is a pure function that says what it found as a [`Finding`]: a [`Check`] with its [`Severity`], a
//! place, and an explanation with its numbers. [`Check::ALL`] lists them all, worst first. [`Thresholds`] says from
//! where on something is a finding.
//!
//! [`audit`] reads every contour once, on all threads, and keeps a few numbers of each; [`ImageFacts`] come from
//! headers that were read before. Pixels are decoded only where two annotations accuse each other. What needs the
//! pixels of every image, [`against_image`], is called by the code that has decoded it.

mod agreement;
mod audit_profile;
mod border;
mod check;
mod contrast;
mod copies;
mod coverage;
mod crossing;
mod digest;
mod direction;
mod disputes;
mod facts;
mod finding;
mod headers;
mod levels;
mod neighbours;
mod nesting;
mod options;
mod outline;
mod pass;
mod phase_jump;
mod phases;
mod profile;
mod shape;
mod thresholds;
mod wall;

pub use audit_profile::AuditProfile;
pub use check::{Check, CheckSet, Severity};
pub use contrast::{Bright, against_image};
pub use facts::ImageFacts;
pub use finding::Finding;
pub use levels::{CheckLevels, LevelError};
pub use options::AuditOptions;
pub use pass::{Audit, AuditWatch, audit};
pub use phases::missing_images;
pub use profile::ImageView;
pub use thresholds::{Threshold, Thresholds};
