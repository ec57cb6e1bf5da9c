//! Joins the regions of interest to the images of the input, and says what a user should know.

use std::collections::HashSet;

use crate::model::{Part, Plain, Polygon, number_of};
use crate::source::annotation::{ContourSpacing, FrameKey, Joined};
use crate::source::references::PresentFrames;

use super::areas::{Effort, areas, overlap_partly};
use super::place::{Distinct, Placed, contours_on, max_spread};
use super::roi::{Contour, Roi};
use super::structure_set::RtStruct;

/// Rejected contours that are named one by one; the others are counted.
const NAMED: usize = 5;

/// Two distances between planes are equal within this share.
const EVEN: f64 = 0.01;

/// Counts over all regions of interest of a file.
#[derive(Debug, Default)]
struct Counts {
    absent_contours: usize,
    absent_images: HashSet<Box<str>>,
    /// Contours on frames that are not in the input, of objects that are.
    absent_frames: usize,
    /// Contours without reference that lie beyond all images.
    beyond: usize,
    /// The largest distance of a contour from the image that it refers to, in mm.
    farthest: f64,
    far: usize,
    spacings_differ: bool,
    effort: Effort,
}

pub(super) fn join(set: &RtStruct, parts: &[Part], frames: &[FrameKey]) -> Joined {
    let mut joined = Joined::default();
    let mut counts = Counts::default();
    let present = PresentFrames::of(frames);
    for &part in parts {
        let Ok(roi) = set.roi(part) else { continue };
        RoiJoin { set, roi, frames, joined: &mut joined, counts: &mut counts }.run(&present);
    }
    counts.note(set, &mut joined);
    joined
}

impl Counts {
    fn note(&self, set: &RtStruct, joined: &mut Joined) {
        if self.absent_contours > 0 {
            joined.notes.push(format!(
                "{} to {} that {} not in the input",
                number_of(self.absent_contours, "contour refers", "contours refer"),
                number_of(self.absent_images.len(), "image", "images"),
                if self.absent_images.len() == 1 { "is" } else { "are" },
            ));
        }
        if self.absent_frames > 0 {
            joined.notes.push(format!(
                "{} by Referenced Frame Number to a frame that is not in the input, though others of its object are",
                number_of(self.absent_frames, "contour refers", "contours refer"),
            ));
        }
        if self.beyond > 0 {
            joined.notes.push(format!(
                "{} without Contour Image Sequence {} beyond the first or the last image of the input",
                number_of(self.beyond, "contour", "contours"),
                lie(self.beyond),
            ));
        }
        if self.far > 0 {
            joined.notes.push(format!(
                "{} off the plane of the image that {} to, by up to {:.2} mm; the reference counts",
                number_of(self.far, "contour lies", "contours lie"),
                if self.far == 1 { "it refers" } else { "they refer" },
                self.farthest
            ));
        }
        if set.is_rt_utils && self.spacings_differ && set.options.contour_spacing == ContourSpacing::AsStored
        {
            joined.notes.push(
                "it was written by rt-utils or a tool made of it, and Pixel Spacing differs between rows and columns: \
                 these tools exchange the two values, so that the contours lie elsewhere than they were drawn; \
                 --contour-spacing swapped undoes it"
                    .to_owned(),
            );
        }
    }
}

/// The work on one region of interest.
struct RoiJoin<'a> {
    set: &'a RtStruct,
    roi: &'a Roi,
    frames: &'a [FrameKey],
    joined: &'a mut Joined,
    counts: &'a mut Counts,
}

/// Counts over the images of one region of interest.
#[derive(Debug, Default)]
struct RoiCounts {
    /// Contours by their index in Contour Sequence that cannot be placed, and why.
    unplaced: Vec<(usize, String)>,
    /// Contours without reference that are on an image.
    by_position: HashSet<usize>,
    /// Contours between images, where the region has others that lie nearer to the image.
    farther: usize,
    duplicates: usize,
    few_points: usize,
    holes: (usize, f64),
    overlaps: (usize, f64, f64),
}

impl RoiJoin<'_> {
    fn run(&mut self, present: &PresentFrames<'_>) {
        self.note_types();
        let mut counts = RoiCounts::default();
        let usable = self.frames_of_reference();
        let made_up = self.positions_look_made_up(&usable);
        for (index, frame) in self.frames.iter().enumerate() {
            let mut placed = contours_on(self.roi, frame, self.set.options.contour_spacing);
            placed.retain(|placed| placed.is_referenced || (usable[index] && !made_up));
            if self.on_frame(frame, placed, &mut counts) {
                self.joined.images.push((Part::Roi(self.roi.number), index));
            }
        }
        self.count_absent(present);
        self.lose_rejected(&counts.unplaced);
        self.lose_unassigned(&counts.by_position, &usable, made_up);
        self.note_contours(&counts);
    }

    fn title(&self) -> String {
        format!("ROI {} {:?}", self.roi.number, Plain(&self.roi.name).to_string())
    }

    fn note_types(&mut self) {
        let roi = self.roi;
        if roi.contours.is_empty() && roi.rejected.is_empty() && roi.types.is_empty() {
            self.joined.notes.push(format!("{} has no contours", self.title()));
        }
        for (kind, count) in roi.types.iter().filter(|(kind, _)| !kind.is_closed()) {
            let what = number_of(*count, "contour", "contours");
            let verbs = if *count == 1 { "encloses nothing and is" } else { "enclose nothing and are" };
            let note = format!("{}: {what} of type {} {verbs} not used", self.title(), kind.name());
            self.joined.notes.push(note);
        }
    }

    /// The frames that position may join to: those with the Frame of Reference of the region of interest, else all.
    fn frames_of_reference(&mut self) -> Vec<bool> {
        let all = vec![true; self.frames.len()];
        let Some(wanted) = &self.roi.frame_of_reference else { return all };
        if self.roi.unreferenced.is_empty() {
            return all;
        }
        let same: Vec<bool> =
            self.frames.iter().map(|frame| frame.frame_of_reference_uid.as_ref() == Some(wanted)).collect();
        if same.contains(&true) {
            return same;
        }
        self.joined.notes.push(format!(
            "{}: no image has its Frame of Reference UID; its contours are joined by position all the same",
            self.title()
        ));
        all
    }

    /// Takes the contours of one image; true if any of them can be used.
    fn on_frame(&mut self, frame: &FrameKey, placed: Vec<Placed>, counts: &mut RoiCounts) -> bool {
        let mut polygons = Distinct::default();
        for Placed { index, polygon, distance, is_referenced, is_farther } in placed {
            if is_farther {
                counts.by_position.insert(index);
                counts.farther += 1;
                continue;
            }
            if let (true, Some(plane)) = (is_referenced, &frame.plane) {
                let [rows, columns] = plane.spacing();
                self.counts.spacings_differ |= (rows - columns).abs() > 1e-6 * rows;
                if distance.abs() > max_spread(plane) {
                    self.counts.far += 1;
                    self.counts.farthest = self.counts.farthest.max(distance.abs());
                }
            }
            if !is_referenced {
                counts.by_position.insert(index);
            }
            match polygon {
                Err(reason) => counts.unplaced.push((index, reason)),
                Ok(polygon) => {
                    let is_short = polygon.points().len() < 3;
                    if polygons.push(polygon) {
                        counts.few_points += usize::from(is_short);
                    } else {
                        counts.duplicates += 1;
                    }
                }
            }
        }
        let polygons = polygons.into_polygons();
        if polygons.len() > 1 {
            counts.compare(&polygons, &mut self.counts.effort);
        }
        !polygons.is_empty()
    }

    fn count_absent(&mut self, present: &PresentFrames<'_>) {
        for contour in self.roi.contours.iter().filter(|contour| !contour.images.is_empty()) {
            let has_object = contour.images.iter().any(|image| present.has_object(&image.uid));
            let has_frame = contour.images.iter().any(|image| image.is_in(present));
            if has_object {
                self.counts.absent_frames += usize::from(!has_frame);
                continue;
            }
            self.counts.absent_contours += 1;
            self.counts.absent_images.extend(contour.images.iter().map(|image| image.uid.clone()));
        }
    }

    fn lose_rejected(&mut self, unplaced: &[(usize, String)]) {
        let read = self.roi.rejected.iter().map(|rejected| (rejected.index, &rejected.reason));
        let placed = unplaced.iter().map(|(index, reason)| (*index, reason));
        let all: Vec<(usize, &String)> = read.chain(placed).collect();
        for (index, reason) in all.iter().take(NAMED) {
            let lost = format!("{}, contour {}: {}; it is not used", self.title(), index + 1, Plain(reason));
            self.joined.lost.push(lost);
        }
        if all.len() > NAMED {
            let more = number_of(all.len() - NAMED, "more contour", "more contours");
            self.joined.lost.push(format!("{}: {more} cannot be used for such reasons", self.title()));
        }
    }

    /// Says why contours without reference are on no image.
    fn lose_unassigned(&mut self, assigned: &HashSet<usize>, usable: &[bool], made_up: bool) {
        let contours = self.roi.unreferenced.iter().map(|&index| &self.roi.contours[index]);
        let left: Vec<&Contour> = contours.filter(|contour| !assigned.contains(&contour.index)).collect();
        if left.is_empty() {
            return;
        }
        let without = number_of(left.len(), "contour", "contours");
        if made_up {
            self.joined.lost.push(format!(
                "{}: {without} without Contour Image Sequence {} evenly spaced where the images do not: their positions \
                 look made up, and none is used",
                self.title(),
                lie(left.len()),
            ));
            return;
        }
        let mut shared = 0;
        let mut between = 0;
        for contour in &left {
            match Nearest::of(contour, self.frames, usable) {
                Nearest::Shared => shared += 1,
                Nearest::Between => between += 1,
                Nearest::Outside => self.counts.beyond += 1,
            }
        }
        if shared > 0 {
            let what = number_of(shared, "contour", "contours");
            self.joined.lost.push(format!(
                "{}: {what} without Contour Image Sequence {} in planes that several images share: nothing tells to \
                 which of them they belong, and none is used",
                self.title(),
                lie(shared),
            ));
        }
        if between > 0 {
            let what = number_of(between, "contour", "contours");
            self.joined.lost.push(format!(
                "{}: {what} without Contour Image Sequence {} on no image: not within half the way to the next slice, \
                 or not in its plane",
                self.title(),
                lie(between),
            ));
        }
    }

    /// True if the contours without reference lie on other planes than the images, evenly spaced where the images are
    /// not: as writers place them that multiply an index with an average distance.
    fn positions_look_made_up(&self, usable: &[bool]) -> bool {
        let planes = self.frames.iter().zip(usable).filter(|(_, usable)| **usable);
        let planes: Vec<_> = planes.filter_map(|(frame, _)| frame.plane).collect();
        let (Some(first), false) = (planes.first(), self.roi.unreferenced.is_empty()) else { return false };
        let point = |index: &usize| first.project(self.roi.contours[*index].points[0]).distance;
        let contours = distinct(self.roi.unreferenced.iter().map(point).collect());
        let parallel = planes.iter().filter(|plane| plane.is_parallel_to(first));
        let images = distinct(parallel.map(|plane| first.project(plane.position()).distance).collect());
        if contours.len() < 3 || images.len() < 3 || is_even(&images) || !is_even(&contours) {
            return false;
        }
        let smallest =
            |values: &[f64]| values.windows(2).map(|two| two[1] - two[0]).fold(f64::INFINITY, f64::min);
        let (gap, step) = (smallest(&images), smallest(&contours));
        // A contour that has its place in a gap of the images is of an image that is not there.
        let off = |contour: &f64| {
            let nearest = images.iter().map(|image| (image - contour).abs()).fold(f64::INFINITY, f64::min);
            nearest > EVEN * gap && nearest < (1.0 - EVEN) * step
        };
        contours.iter().any(off)
    }

    fn note_contours(&mut self, counts: &RoiCounts) {
        let title = self.title();
        let mut note = |text: String| self.joined.notes.push(format!("{title}: {text}"));
        if counts.duplicates > 0 {
            let what = number_of(counts.duplicates, "contour is", "contours are");
            note(format!("{what} there twice on an image; the second is dropped"));
        }
        if counts.few_points > 0 {
            let what = number_of(counts.few_points, "contour has", "contours have");
            note(format!(
                "{what} one or two points: the pixels whose centres lie on it under --mask-rule center-inclusive, none under \
                 the other rules"
            ));
        }
        if counts.farther > 0 {
            let what = number_of(counts.farther, "contour lies", "contours lie");
            note(format!(
                "{what} between the images, farther from the nearest than others of it, in planes of their own: left out"
            ));
        }
        let (images, pixels) = counts.holes;
        if images > 0 {
            note(format!(
                "contours lie within others on {}: holes of {pixels:.0} pixels in all, which stay holes; \
                 --combine union fills them, as some other tools do",
                number_of(images, "image", "images")
            ));
        }
        let (images, even_odd, union) = counts.overlaps;
        if images > 0 {
            note(format!(
                "contours overlap partly on {}: {even_odd:.0} pixels by even-odd, which takes the common part out, \
                 {union:.0} by --combine union",
                number_of(images, "image", "images")
            ));
        }
    }
}

impl RoiCounts {
    /// Compares the contours of one image: whether they lie in each other or overlap.
    fn compare(&mut self, polygons: &[Polygon], left: &mut Effort) {
        let all: Vec<&Polygon> = polygons.iter().collect();
        let Some(areas) = areas(&all, left).filter(|areas| areas.differ()) else { return };
        // Many contours on one image are specks; the first hundreds tell.
        let few = &polygons[..polygons.len().min(200)];
        let mut partly = false;
        for (index, a) in few.iter().enumerate() {
            partly = partly || few[..index].iter().any(|b| overlap_partly(a, b, left));
        }
        if partly {
            self.overlaps.0 += 1;
            self.overlaps.1 += areas.even_odd;
            self.overlaps.2 += areas.union;
        } else {
            self.holes.0 += 1;
            self.holes.1 += areas.union - areas.even_odd;
        }
    }
}

/// The images near a contour that is on none.
enum Nearest {
    /// It lies within reach of an image that shares its plane.
    Shared,
    /// It lies among the images.
    Between,
    /// It lies beyond all images.
    Outside,
}

impl Nearest {
    fn of(contour: &Contour, frames: &[FrameKey], usable: &[bool]) -> Self {
        let (mut below, mut above) = (false, false);
        for (frame, _) in frames.iter().zip(usable).filter(|(_, usable)| **usable) {
            let Some(plane) = &frame.plane else { continue };
            let (low, high) = super::place::distances(contour, plane);
            let middle = (low + high) / 2.0;
            if frame.shares_plane && -frame.reach[0] < middle && middle <= frame.reach[1] {
                return Self::Shared;
            }
            below |= middle <= 0.0;
            above |= middle >= 0.0;
        }
        if below && above { Self::Between } else { Self::Outside }
    }
}

fn lie(count: usize) -> &'static str {
    if count == 1 { "lies" } else { "lie" }
}

/// Sorted, without those that are equal within a micrometre.
fn distinct(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values.dedup_by(|a, b| (*a - *b).abs() < 1e-3);
    values
}

fn is_even(sorted: &[f64]) -> bool {
    let gaps = sorted.windows(2).map(|two| two[1] - two[0]);
    let (low, high) = gaps.fold((f64::INFINITY, 0.0_f64), |(low, high), gap| (low.min(gap), high.max(gap)));
    high - low <= EVEN * high
}
