//! Facts that a plan assumes or infers from the data, so that people know what to check.

/// Facts that a plan has found out by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Facts that the input says: a layout by its folders, an image by its UID.
    pub decided: Vec<Ground>,
    /// Assumptions, which nothing in the input says: pairs by numbers in names alone, a rule by default.
    pub assumed: Vec<Ground>,
}

/// One thing that is taken for true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Its subject: `layout`, `pairing`, `order`, `spacing`, `mask-rule`, `pixel-type`.
    pub about: &'static str,
    /// The choice and its ground, as one sentence without a full stop.
    pub text: String,
}

impl Evidence {
    /// Adds what the input says.
    pub fn decide(&mut self, about: &'static str, text: impl Into<String>) {
        self.decided.push(Ground { about, text: text.into() });
    }

    /// Adds what nothing in the input says.
    pub fn assume(&mut self, about: &'static str, text: impl Into<String>) {
        self.assumed.push(Ground { about, text: text.into() });
    }

    /// Adds what `other` holds.
    pub fn append(&mut self, mut other: Self) {
        self.decided.append(&mut other.decided);
        self.assumed.append(&mut other.assumed);
    }
}
