//! Small charts as SVG inside the page.

use std::fmt::Write;

use super::html::{Text, short};
use super::intensities::IntensityHistogram;

/// Pixels of a bar that stands for the largest number.
const BAR: f64 = 120.0;
const ROW: usize = 24;
const LABEL: usize = 80;

/// Colours and strokes for splits; a page's style has a class for each.
pub(super) const SERIES: usize = 4;

/// One bar.
pub(super) struct Bar<'l> {
    pub(super) label: &'l str,
    pub(super) value: f64,
    /// The number for people.
    pub(super) text: String,
}

/// Horizontal bars from 0 with their numbers, below a title.
pub(super) fn bars(title: &str, bars: &[Bar<'_>]) -> String {
    let largest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let spoken: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, bar.text)).collect();
    let (title, spoken) = (Text(title), spoken.join(", "));
    let mut text = format!(
        "<figure class=\"bars\"><figcaption>{title}</figcaption><svg width=\"296\" height=\"{}\" role=\"img\" \
         aria-label=\"{title}: {}\">",
        ROW * bars.len(),
        Text(&spoken)
    );
    for (place, bar) in bars.iter().enumerate() {
        let width = if largest > 0.0 { BAR * bar.value / largest } else { 0.0 };
        let (top, baseline) = (ROW * place + 5, ROW * place + 17);
        let end = LABEL as f64 + width + 6.0;
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "<text x=\"0\" y=\"{baseline}\">{}</text><rect class=\"s{}\" x=\"{LABEL}\" y=\"{top}\" \
             width=\"{width:.1}\" height=\"14\"/><text class=\"number\" x=\"{end:.1}\" y=\"{baseline}\">{}</text>",
            Text(&shortened(bar.label)),
            place % SERIES,
            Text(&bar.text)
        );
    }
    text + "</svg></figure>\n"
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= 11 {
        label.to_owned()
    } else {
        label.chars().take(10).chain(['…']).collect()
    }
}

/// The smallest share of pixels that the chart tells from none, as a power of ten.
const FLOOR: f64 = -4.0;

/// A line for each split over logarithmic shares, a legend, and the percentiles as a table.
pub(super) fn histogram(intensities: &IntensityHistogram, units: &str) -> String {
    let bars = intensities.splits.first().map_or(0, |split| split.shares.len());
    let mut lines = String::new();
    for decade in 1..4 {
        let y = 25 * decade;
        let _ = write!(lines, "<path class=\"grid\" d=\"M0 {y}H{bars}\"/>");
    }
    for (place, split) in intensities.splits.iter().enumerate() {
        let mut path = String::new();
        for (bar, share) in split.shares.iter().enumerate() {
            let y = 100.0 * (share.log10().clamp(FLOOR, 0.0) / FLOOR);
            let _ = write!(path, "{}{bar} {y:.1}H{}", if bar == 0 { 'M' } else { 'L' }, bar + 1);
        }
        let _ = write!(lines, "<path class=\"line s{}\" d=\"{path}\"/>", place % SERIES);
    }
    let middle = intensities.low + (intensities.high() - intensities.low) / 2.0;
    let ticks = [intensities.low, middle, intensities.high()].map(short);
    let [low, middle, high] = ticks.each_ref().map(|tick| Text(tick));
    format!(
        "<div class=\"plot\"><div class=\"shares\" aria-hidden=\"true\"><span>100 %</span><span>10 %</span>\
         <span>1 %</span><span>0.1 %</span><span>0.01 %</span></div><svg viewBox=\"0 0 {bars} 100\" \
         preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Share of pixels by intensity, one line for each \
         split; the table below has percentiles\">{lines}</svg><div class=\"values\" aria-hidden=\"true\">\
         <span>{low}</span><span>{middle}</span><span>{high}</span></div></div>\n{}",
        percentiles(intensities, units)
    )
}

fn percentiles(intensities: &IntensityHistogram, units: &str) -> String {
    let mut text = format!(
        "<table><caption>Percentiles ({})</caption><thead><tr><th scope=\"col\">split</th><th scope=\"col\">images\
         </th><th scope=\"col\">0.5 %</th><th scope=\"col\">50 %</th><th scope=\"col\">99.5 %</th>\
         <th scope=\"col\">not drawn</th></tr></thead><tbody>",
        Text(units)
    );
    for (place, split) in intensities.splits.iter().enumerate() {
        let name = if split.name.is_empty() { "no split" } else { &split.name };
        let _ = write!(
            text,
            "<tr><th scope=\"row\"><svg class=\"key\" width=\"22\" height=\"10\" aria-hidden=\"true\"><path \
             class=\"line s{}\" d=\"M0 5H22\"/></svg>{}</th><td>{}</td>",
            place % SERIES,
            Text(name),
            split.images
        );
        for value in split.percentiles {
            let _ = write!(text, "<td>{}</td>", short(value));
        }
        let _ = write!(text, "<td>{} %</td></tr>", short((split.beyond * 1e4).round() / 100.0));
    }
    text + "</tbody></table>\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::intensities::SplitIntensities;

    #[test]
    fn bars_are_as_long_as_their_numbers() {
        let bar = |label, value: f64| Bar { label, value, text: value.to_string() };
        let text = bars("A <b>", &[bar("train", 4.0), bar("a-long-splits", 1.0), bar("", 0.0)]);
        for part in ["width=\"120.0\"", "width=\"30.0\"", "width=\"0.0\"", ">a-long-spl…<", "A &lt;b&gt;"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(bars("none", &[bar("train", 0.0)]).contains("width=\"0.0\""));
    }

    #[test]
    fn lines_are_logarithmic() {
        let split = SplitIntensities {
            name: String::new(),
            images: 3,
            shares: vec![1.0, 0.01, 0.0],
            beyond: 0.0123,
            percentiles: [0.0, 1.0, f64::NAN],
        };
        let all =
            IntensityHistogram { low: -1.0, step: 2.0, splits: vec![split], images: 3, taken: 3, of: 3 };
        let text = histogram(&all, "HU");
        assert!(
            text.contains("M0 -0.0H1L1 50.0H2L2 100.0H3") || text.contains("M0 0.0H1L1 50.0H2L2 100.0H3"),
            "{text}"
        );
        assert!(
            text.contains("<span>5</span>") && text.contains("<td>1.23 %</td>") && text.contains("no split")
        );
    }
}
