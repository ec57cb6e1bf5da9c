//! The part of the page that stands below the pictures: what the file holds, in numbers.

use std::fmt::Write;

use super::balance::{PlaneTally, SampleTallies};
use super::bins::PrepBins;
use super::chart::{Bar, bars, histogram};
use super::html::{Text, grouped, short};
use super::intensities::IntensityHistogram;
use crate::store::DatasetInfo;

/// Input of the summary.
pub(super) struct Summary<'s> {
    pub(super) info: &'s DatasetInfo,
    pub(super) bins: Option<&'s PrepBins>,
    pub(super) balance: &'s SampleTallies,
    pub(super) intensities: &'s IntensityHistogram,
    pub(super) has_findings: bool,
    /// Selection as typed; empty if all samples are selected.
    pub(super) selected: &'s str,
    /// Selected samples.
    pub(super) samples: u64,
}

impl Summary<'_> {
    /// HTML.
    pub(super) fn html(&self) -> String {
        let facts: String = self
            .facts()
            .iter()
            .map(|(name, text)| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", Text(name), Text(text)))
            .collect();
        let bins = self.bins.map(bins).unwrap_or_else(|| NO_BINS.to_owned());
        let note = self.intensities_note();
        format!(
            "<section aria-labelledby=\"about-file\"><h2 id=\"about-file\">File</h2>\n<dl class=\"facts\">\n{facts}</dl>\n\
             </section>\n<section aria-labelledby=\"bins\"><h2 id=\"bins\">Files</h2>\n{bins}\
             </section>\n<section aria-labelledby=\"balance\"><h2 id=\"balance\">Splits</h2>\n<div \
             class=\"charts\">\n{}</div></section>\n<section aria-labelledby=\"intensities\"><h2 \
             id=\"intensities\">Intensities</h2>\n<p>{}</p>\n{}</section>\n",
            self.charts(),
            Text(&note),
            histogram(self.intensities, &self.info.units)
        )
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let info = self.info;
        let mut facts = Vec::new();
        if !self.selected.is_empty() {
            let count = format!("{} of {} samples", grouped(self.samples), grouped(info.samples as u64));
            facts.push(("Selected", format!("{}: {count}", self.selected)));
        }
        let patients = self.balance.patients() as u64;
        let patients =
            if patients == 1 { "1 patient".to_owned() } else { format!("{} patients", grouped(patients)) };
        facts.push(("Samples", format!("{} of {patients}", grouped(self.samples))));
        let sides: Vec<String> = info.images[1..].iter().map(ToString::to_string).collect();
        facts.push(("Images", format!("{}, {}, {}", sides.join(" × "), info.pixel_type, info.units)));
        facts.push(("Structures", self.structures().join(", ")));
        facts.push(("Mask rule", info.mask_rule.clone()));
        facts.push(("Findings", self.findings()));
        let rule = info.split_rule.split(": ").next().unwrap_or_default();
        facts.push(("Split rule", rule.to_owned()));
        if !info.split_left_out.is_empty() {
            let left_out = &info.split_left_out;
            let ids = left_out.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            let more = if left_out.len() > 10 { ", …" } else { "" };
            facts.push(("Left out", format!("{}, equal images in two splits: {ids}{more}", left_out.len())));
        }
        facts.push(("Format", format!("dicomprep {}, written by {}", info.format_version, info.generator)));
        facts.push(("Sources", format!("SHA-256 {}", info.source_digest)));
        facts
    }

    fn structures(&self) -> Vec<String> {
        let planes = self.info.structures.iter().enumerate();
        planes
            .map(|(plane, name)| {
                let splits = self.balance.in_order();
                let annotated = splits.filter_map(|(_, tally)| Some(tally.planes.get(plane)?.annotated));
                format!("{name} (annotated in {})", grouped(annotated.sum::<usize>() as u64))
            })
            .collect()
    }

    fn findings(&self) -> String {
        if !self.has_findings {
            return "the file has no column of findings".to_owned();
        }
        if self.balance.findings.is_empty() {
            return "none".to_owned();
        }
        let mut names: Vec<(&String, &usize)> = self.balance.findings.iter().collect();
        names.sort_by_key(|(name, count)| (usize::MAX - *count, *name));
        let names: Vec<String> =
            names.iter().take(20).map(|(name, count)| format!("{name} {count}")).collect();
        format!("in {} samples: {}", grouped(self.balance.with_findings as u64), names.join(", "))
    }

    fn charts(&self) -> String {
        let splits = self.balance.in_order();
        let count = |title: &str, number: &dyn Fn(&super::balance::SplitTally) -> usize| {
            let bar = splits.clone().map(|(split, tally)| {
                let number = number(tally);
                Bar { label: split.label(), value: number as f64, text: grouped(number as u64) }
            });
            bars(title, &bar.collect::<Vec<_>>())
        };
        let mut text = count("Patients", &|tally| tally.patients) + &count("Images", &|tally| tally.images);
        for (plane, name) in self.info.structures.iter().enumerate() {
            let tallies: Vec<(&str, PlaneTally)> = splits
                .clone()
                .map(|(split, tally)| (split.label(), tally.planes.get(plane).copied().unwrap_or_default()))
                .collect();
            let in_mm = tallies.iter().all(|(_, tally)| tally.without_area == 0);
            let unit = if in_mm { "mm²" } else { "pixels" };
            let bar = |(label, tally): &(&'_ str, PlaneTally)| {
                let sum = if in_mm { tally.area } else { tally.pixels as f64 };
                let mean = if tally.annotated > 0 { sum / tally.annotated as f64 } else { 0.0 };
                let text = format!("{} ({})", grouped(mean.round() as u64), grouped(tally.annotated as u64));
                (label.to_string(), mean, text)
            };
            let made: Vec<_> = tallies.iter().map(bar).collect();
            let made: Vec<Bar<'_>> = made
                .iter()
                .map(|(label, value, text)| Bar { label, value: *value, text: text.clone() })
                .collect();
            text += &bars(&format!("Mean area of {name} in {unit} (images)"), &made);
        }
        text
    }

    fn intensities_note(&self) -> String {
        let IntensityHistogram { images, taken, of, .. } = self.intensities;
        let mut counted = if taken == of {
            format!("All pixels of {} images", grouped(*images))
        } else {
            format!("All pixels of {} of {} images, taken at equal distances", grouped(*images), grouped(*of))
        };
        if images != taken {
            counted +=
                &format!(" ({} are damaged, or in a split that is not drawn)", grouped(taken - images));
        }
        format!(
            "{counted}; the share of the pixels of a split on a logarithmic axis, between the lowest 0.5 and the \
             highest 99.5 percentile of the splits."
        )
    }
}

const NO_BINS: &str = "<p>The file does not say how many files were rejected, ignored or without a contour. The \
    report of <code>dicomprep prep --report</code> does, and <code>preview --report</code> shows it here.</p>\n";

fn bins(bins: &PrepBins) -> String {
    let mut text =
        format!("<p>{} files were found below the data directory.</p>\n", grouped(bins.files as u64));
    let made: Vec<Bar<'_>> = bins
        .bins
        .iter()
        .map(|(label, count)| Bar { label, value: *count as f64, text: grouped(*count as u64) })
        .collect();
    text += &bars_of_bins(&made);
    if !bins.reasons.is_empty() {
        let reasons = bins.reasons.iter().map(|(reason, count)| format!("{count} {reason}"));
        let reasons = reasons.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "<p>Rejected or ignored because: {}.</p>", Text(&reasons));
    }
    if let Some(rejected) = bins.link_rows.get("rejected").filter(|rejected| **rejected > 0) {
        let _ = writeln!(text, "<p>{} rows of the link table were rejected.</p>", short(*rejected as f64));
    }
    text
}

/// In the order of prep's summary: used first.
fn bars_of_bins(bins: &[Bar<'_>]) -> String {
    const ORDER: [&str; 4] = ["used", "unlabelled", "rejected", "ignored"];
    let rank = |bar: &Bar<'_>| ORDER.iter().position(|name| *name == bar.label).unwrap_or(ORDER.len());
    let mut order: Vec<&Bar<'_>> = bins.iter().collect();
    order.sort_by_key(|bar| rank(bar));
    let made: Vec<Bar<'_>> =
        order.iter().map(|bar| Bar { label: bar.label, value: bar.value, text: bar.text.clone() }).collect();
    bars("Where they ended", &made)
}
