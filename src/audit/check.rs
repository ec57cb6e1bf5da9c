//! Every check there is.

use crate::model::choice;
use std::fmt;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The annotation is wrong: it is left out unless it is asked for.
    Error,
    /// Something is unlikely and should be looked at.
    Warning,
    /// Worth knowing.
    Note,
}

choice!(Severity {
    Error => "error",
    Warning => "warning",
    Note => "note",
});

macro_rules! checks {
    ($($variant:ident $name:literal $severity:ident $meaning:literal;)*) => {
        /// One kind of thing that can be found. The order is that of the names in a row's list.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Check {
            $(#[doc = $meaning] $variant,)*
        }

        impl Check {
            /// All checks, the worst first.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// As it stands in the report and in the column of findings.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// Severity of its findings.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }

            /// Description of its findings, in one line.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }
        }
    };
}

checks! {
    FewPoints "few-points" Error "a contour with fewer than 3 distinct points";
    NoArea "no-area" Error "a contour that encloses next to nothing";
    MaskArea "mask-area" Error "mask and contour of different areas: loops run against each other";
    OutsideImage "outside-image" Error "a contour of which too much lies beyond its image";
    InnerOutsideOuter "inner-outside-outer" Error "an inner contour that is not inside the outer one of its image";
    CopiedContour "copied-contour" Error "the same contour on different images of two patients";
    Displaced "displaced" Error "a contour far from its neighbouring slices and the others of its slice";
    InnerCrossesOuter "inner-crosses-outer" Warning "an inner contour that reaches beyond the outer one";
    RepeatedContour "repeated-contour" Warning "the same contour twice in one patient";
    PositionJump "position-jump" Warning "a contour away from its neighbours along slices and phases";
    AreaJump "area-jump" Warning "a contour much larger or smaller than in its neighbouring slices";
    WallJump "wall-jump" Warning "a wall much thicker or thinner than in the patient's other images";
    Direction "direction" Warning "a contour that runs the other way round than others: mirrored?";
    LowContrast "low-contrast" Warning "a blood pool that is not brighter than what surrounds it";
    FitsElsewhere "fits-elsewhere" Warning "an inner contour that follows its image better when it is moved";
    SelfCrossing "self-crossing" Warning "a contour that crosses itself";
    Unclosed "unclosed" Warning "a contour whose ends lie apart";
    Spike "spike" Warning "a contour that runs out to a point and back";
    EqualImage "equal-image" Warning "the same image in two patients";
    SharedStudy "shared-study" Warning "images of one study under two patients";
    SharedPerson "shared-person" Warning "one person, by Patient ID and birth date, under two patients";
    OtherSize "other-size" Warning "an image of another size than the patient's others";
    OtherSpacing "other-spacing" Warning "an image with another pixel spacing than the patient's others";
    InstanceNumber "instance-number" Warning "an Instance Number that does not go with the number of the file";
    MissingOuter "missing-outer" Note "an inner contour alone where the patient's others have both";
    MissingImage "missing-image" Note "a gap in a patient's numbers, or a slice with fewer phases";
    TouchesBorder "touches-border" Note "a contour that touches the border of its image";
    NotExamined "not-examined" Note "a contour too long to look for crossings in";
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the checks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CheckSet(u32);

impl CheckSet {
    /// Adds one.
    pub fn insert(&mut self, check: Check) {
        self.0 |= 1 << check as u32;
    }

    /// Adds those of `other`.
    pub fn append(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Takes one away.
    pub fn remove(&mut self, check: Check) {
        self.0 &= !(1 << check as u32);
    }

    /// Takes those of `other` away.
    pub fn remove_all(&mut self, other: Self) {
        self.0 &= !other.0;
    }

    /// Parses the text of [`CheckSet::names`]; `None` if a name is not known.
    #[must_use]
    pub fn parse(names: &str) -> Option<Self> {
        let mut set = Self::default();
        for name in names.split(',').filter(|name| !name.is_empty()) {
            set.insert(Check::ALL.into_iter().find(|check| check.name() == name)?);
        }
        Some(set)
    }

    /// The names in the order of [`Check::ALL`], separated by commas.
    #[must_use]
    pub fn names(self) -> String {
        let set = Check::ALL.into_iter().filter(|check| self.0 & (1 << *check as u32) != 0);
        set.map(Check::name).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_come_first_and_fit_a_set() {
        assert!(Check::ALL.is_sorted_by_key(|check| check.severity()));
        assert!(Check::ALL.len() <= 32);
        let mut names: Vec<_> = Check::ALL.iter().map(|check| check.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Check::ALL.len());
    }

    #[test]
    fn names_of_a_set_have_a_fixed_order() {
        let mut set = CheckSet::default();
        assert!(set.is_empty() && set.names().is_empty());
        set.insert(Check::TouchesBorder);
        set.insert(Check::NoArea);
        set.insert(Check::NoArea);
        assert_eq!(set.names(), "no-area,touches-border");
        assert_eq!(CheckSet::parse(&set.names()), Some(set));
        assert_eq!((CheckSet::parse(""), CheckSet::parse("no-such")), (Some(CheckSet::default()), None));
        set.remove(Check::NoArea);
        assert_eq!(set.names(), "touches-border");
    }
}
