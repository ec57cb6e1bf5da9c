//! Thresholds of findings.

/// A threshold, for help texts and settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The option without its dashes.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its default.
    pub default: f64,
    /// Description of findings beyond it, in one line.
    pub meaning: &'static str,
}

macro_rules! thresholds {
    ($($(#[$doc:meta])* $field:ident $name:literal $unit:literal $default:literal $meaning:literal;)*) => {
        /// Thresholds of findings. Distances in pixels are those of the contour's image.
        ///
        /// The defaults were chosen on three patients of the Sunnybrook Cardiac Data, 56 inner and 28 outer
        /// contours; "real" below is what these have.
        #[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct Thresholds {
            $($(#[$doc])* #[serde(rename = $name)] pub $field: f64,)*
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Thresholds {
            /// All of them, in the order of the fields.
            pub const ALL: [Threshold; [$($name),*].len()] =
                [$(Threshold { name: $name, unit: $unit, default: $default, meaning: $meaning }),*];

            /// The value of the threshold with this name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<f64> {
                match name { $($name => Some(self.$field),)* _ => None }
            }

            /// Sets the threshold with this name. Whether there is one.
            pub fn set(&mut self, name: &str, value: f64) -> bool {
                match name { $($name => self.$field = value,)* _ => return false }
                true
            }
        }
    };
}

thresholds! {
    /// `no-area` below. Real: 78 square pixels and more.
    min_area "min-area" "square px" 1.0 "no-area: a contour encloses less";
    /// `mask-area` above: the difference of the areas of mask and contour, spread along the contour. Real: at most
    /// 0.08; no rule for the pixels of a border can bring it to 0.5.
    mask_difference "max-mask-difference" "px" 0.5
        "mask-area: mask and contour differ in area by more, spread along the contour";
    /// `outside-image` above, `touches-border` below. Real: 0.
    outside_image "max-outside-image" "%" 10.0 "outside-image: more of a contour's area lies beyond its image";
    /// `inner-outside-outer` above. Real: at most 0.1.
    inner_outside "max-inner-outside" "%" 8.0 "inner-outside-outer: more of the inner area lies outside the outer one";
    /// `inner-crosses-outer` above. Real: at most 0.1, one pixel of 1043.
    inner_crosses "max-inner-crosses" "%" 1.0 "inner-crosses-outer: as above, a warning";
    /// `copied-contour` and `repeated-contour` compare contours of at least as many distinct points: boxes and
    /// triangles are equal by chance. Real: 57 points and more, no two contours equal.
    copied_points "min-copied-points" "points" 10.0 "copied-contour, repeated-contour: contours with fewer are not compared";
    /// `displaced` above, from the neighbouring slices and from the other contours of the slice. Real: see
    /// `position_jump`; the largest of the nearer of the two is 5.7, the 95th percentile 3.2.
    displaced "max-displaced" "mm" 10.0 "displaced: a centre is further from neighbouring slices and from the others of its slice";
    /// `position-jump` above. Real: from neighbouring slices 1.6 (median) to 7.7, from the others of the slice 1.9 to
    /// 6.3, from the nearer of the two 1.1 to 5.7.
    position_jump "max-position-jump" "mm" 7.0 "position-jump: as above, a warning";
    /// `area-jump` above: of the radius of a circle of the same area. Real: 1.8 (median) to 10.7.
    area_jump "max-area-jump" "%" 18.0 "area-jump: the mean radius differs by more from that between the neighbouring slices";
    /// `area-jump` above too: the radius beside that of another phase of the slice, against what the patient's other
    /// slices have, whichever is larger. Real: 4 (median) to 26.
    phase_jump "max-phase-jump" "%" 40.0 "area-jump: beside another phase of its slice the radius differs by more from the other slices";
    /// `wall-jump` above: how far the mean thickness, outer radius less inner, is from the patient's median, in either
    /// direction. Real: 40 % less to 27 % more.
    wall_jump "max-wall-jump" "%" 60.0 "wall-jump: the mean thickness of the wall differs by more from the patient's median";
    /// `direction` from here on. Real: 0, all contours run clockwise.
    direction "min-against-direction" "%" 80.0 "direction: so many of the others, of 4 or more, run the other way round";
    /// `low-contrast` below: how often a point just inside an inner contour is brighter than one just outside. Real:
    /// 78 to 99, median 90.
    contrast "min-contrast" "%" 70.0 "low-contrast: points inside an inner contour are brighter than points outside less often";
    /// `fits-elsewhere` above: by how much more of an inner contour the inside is brighter than the outside, once it
    /// is moved by up to 12 px. Real: 0 (median: 2) to 12.5.
    elsewhere "max-gain-elsewhere" "%" 15.0 "fits-elsewhere: moving the contour makes the inside brighter along so much more of it";
    /// `unclosed` above, and at least twice the longest step between other points. Real: at most 0.71, as long as the
    /// longest step.
    gap "max-gap" "px" 1.0 "unclosed: the ends of a contour lie further apart, and than its points do";
    /// `spike` from this length on: the path runs so far out and comes back, at less than 29 degrees. Real: none.
    spike "min-spike" "px" 3.0 "spike: a contour runs so far out to a point and back";
    /// `other-spacing` above. Real: 0.
    spacing "max-spacing-difference" "%" 1.0 "other-spacing: the spacing differs by more from the patient's other images";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Check;

    #[test]
    fn the_page_of_the_audit_lists_checks_and_thresholds() {
        let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/audit.md")).unwrap();
        let check =
            |check: &Check| format!("| `{check}` | {} | {} |", check.severity().name(), check.meaning());
        let option =
            |t: &Threshold| format!("| `--{} N` | {} {} | {} |", t.name, t.default, t.unit, t.meaning);
        let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
        let checks = Check::ALL.iter().map(check);
        let expected: Vec<String> = checks.chain(Thresholds::ALL.iter().map(option)).collect();
        assert_eq!(listed[..expected.len()], expected, "\n{}", expected.join("\n"));
    }

    #[test]
    fn names_lead_to_values() {
        let mut thresholds = Thresholds::default();
        for (number, threshold) in Thresholds::ALL.iter().enumerate() {
            assert_eq!(thresholds.get(threshold.name), Some(threshold.default));
            assert!(thresholds.set(threshold.name, number as f64));
        }
        assert_eq!(thresholds.min_area, 0.0);
        assert_eq!(thresholds.spacing, (Thresholds::ALL.len() - 1) as f64);
        assert!(!thresholds.set("nothing", 1.0));
    }
}
