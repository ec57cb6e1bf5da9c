//! Knowledge of the images that an audit supposes.

use crate::layout::SampleSet;
use crate::model::{Nesting, Relations, choice};

/// Kind of images, which decides what an audit supposes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AuditProfile {
    /// As the layout has it: cardiac for the layouts of cardiac challenges, else general.
    #[default]
    Auto,
    /// Short-axis images of the heart: blood, `inner`, is brighter than the muscle around it and lies within `outer`; every
    /// slice has as many phases as the others.
    Cardiac,
    /// Nothing is supposed.
    General,
}

choice!(AuditProfile {
    Auto => "auto",
    Cardiac => "cardiac",
    General => "general",
});

impl AuditProfile {
    /// Sets what is known of the structures of `pairs`.
    pub fn apply(self, pairs: &mut SampleSet) {
        match self {
            Self::Cardiac if !pairs.relations.phases => {
                let plane = |wanted: &str| pairs.structures().names().position(|name| name == wanted);
                let (inner, outer) = (plane("inner"), plane("outer"));
                let nested = inner.zip(outer).map(|(inner, outer)| Nesting { inner, outer });
                pairs.relations = Relations { nested, bright: inner, phases: true };
            }
            Self::General => pairs.relations = Relations::NONE,
            Self::Auto | Self::Cardiac => {}
        }
    }
}
