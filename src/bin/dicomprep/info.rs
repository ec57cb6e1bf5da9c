//! `dicomprep info`: what a file contains.

use std::fmt::Write;

use dicomprep::model::Plain;
use dicomprep::store::{DatasetInfo, read_info};

use crate::args::InfoArgs;
use crate::exit::{self, Exit};
use crate::{report, table};

pub(crate) fn run(args: &InfoArgs) -> anyhow::Result<Exit> {
    let info = read_info(&args.file)?;
    report::write("info", &info, &args.result.report, args.result.force)?;
    if args.result.report.to_stdout() { Ok(Exit::Done) } else { exit::print(describe(&info).as_bytes()) }
}

fn describe(info: &DatasetInfo) -> String {
    let shape = |axes: &[usize]| axes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" x ");
    let mut text = format!("{}: {}\n", Plain(&info.path.to_string_lossy()), table::bytes(info.bytes));
    let structures = info.structures.iter().zip(&info.annotated);
    let structures: Vec<String> =
        structures.map(|(name, annotated)| format!("{name} (annotated in {annotated})")).collect();
    let is_varied = info.config["size"] == "varied";
    let own = if is_varied { ", each image of its own size (image_rows, image_columns)" } else { "" };
    let mut rows = vec![
        ("format", format!("dicomprep {}, written by {}", info.format_version, info.generator)),
        ("samples", format!("{} of {}", info.samples, table::count(info.patients, "patient"))),
        ("/images", format!("{}{own}, {}, {}", shape(&info.images), info.pixel_type, info.units)),
        ("/masks", format!("{}, uint8, rule {}", shape(&info.masks), info.mask_rule)),
        ("structures", structures.join(", ")),
    ];
    if !info.without_pixels.is_empty() {
        rows.push(("empty", format!("no mask has a pixel of {}", info.without_pixels.join(", "))));
    }
    for (name, split) in table::in_order(&info.splits) {
        let name = if name.is_empty() { "no split" } else { name };
        rows.push((name, format!("{} of {}", split.samples, table::count(split.patients, "patient"))));
    }
    let folds = info.folds.iter().map(|fold| (fold.samples, fold.patients));
    rows.extend(table::folds(folds).map(|text| ("folds", text)));
    if let (Some(mean), Some(std)) = (info.train_mean, info.train_std) {
        rows.push(("train pixels", format!("mean {mean:.6}, standard deviation {std:.6}")));
    }
    if let (Some(mean), Some(std)) = (&info.train_channel_mean, &info.train_channel_std) {
        for (name, (mean, std)) in ["red", "green", "blue"].into_iter().zip(mean.iter().zip(std)) {
            rows.push((name, format!("mean {mean:.6}, standard deviation {std:.6}")));
        }
    }
    if !info.split_left_out.is_empty() {
        rows.push(("left out", format!("{}: equal images in two splits", info.split_left_out.join(", "))));
    }
    // The rule in full is for programs.
    let rule = info.split_rule.split(": ").next().unwrap_or_default();
    rows.push(("split rule", rule.to_owned()));
    rows.push(("sources", format!("sha256 {}", info.source_digest)));
    rows.push(("options", info.config.to_string()));
    // Writing to a String cannot fail.
    let _ = write!(text, "{}", table::lines(&rows));
    text
}
