//! `dicomprep merge`: join shards, and say what was done.

use std::path::{Path, PathBuf};

use dicomprep::model::Plain;
use dicomprep::prep::{Control, MergeOptions, MergeSummary, MergedAs, merge};
use dicomprep::store::Target;
use dicomprep::stream::Dataset;

use crate::args::{MergeArgs, OutputArgs, all_cores};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::{report, table};

pub(crate) fn run(args: &MergeArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    if args.output == Path::new("-") {
        exit::wrong_usage("merge", "--output takes a file: HDF5 cannot be written to standard output");
    }
    let cancel = interrupt::stop_on_signals()?;
    report::check(&args.report, args.force)?;
    let target = Target::claim(&args.output, args.force)?;
    let progress = progress(output);
    let control = Control { progress: &*progress, cancel: &cancel };
    let options = MergeOptions {
        merged_as: if args.is_virtual { MergedAs::Virtual } else { MergedAs::Copy },
        threads: args.threads.map_or_else(all_cores, usize::from),
    };
    let summary = merge(&args.shards, target, &options, &control)?;
    report::write("merge", &summary, &args.report, args.force)?;
    if !output.quiet {
        exit::tell(&describe(&summary));
    }
    Ok(if summary.split_left_out.is_empty() { Exit::Done } else { Exit::LeftOut })
}

/// The data set that shards are together.
pub(crate) fn join_for_reading(shards: &[PathBuf], output: &OutputArgs) -> anyhow::Result<Dataset> {
    let running = interrupt::stop_on_signals()?;
    let progress = progress(output);
    Ok(Dataset::join_shards(shards, &Control { progress: &*progress, cancel: &running })?)
}

fn describe(summary: &MergeSummary) -> String {
    let mut text: String = summary
        .split_left_out
        .iter()
        .map(|id| format!("left out: {}: its image stands in another split\n", Plain(id)))
        .collect();
    for note in &summary.notes {
        text += &format!("note: {}\n", Plain(note));
    }
    let path = summary.output.path.to_string_lossy();
    let (samples, patients) =
        (table::count(summary.samples, "sample"), table::count(summary.patients, "patient"));
    let shards = table::count(summary.shards, "shard");
    let how = if summary.is_virtual { " that it refers to" } else { "" };
    let bytes = table::bytes(summary.output.bytes);
    text += &format!("{}: {samples} of {patients} from {shards}{how}, {bytes}\n", Plain(&path));
    let splits = table::in_order(&summary.splits).filter(|(name, _)| !name.is_empty());
    let splits: Vec<String> = splits
        .map(|(name, size)| format!("{name} {} ({})", size.samples, table::count(size.patients, "patient")))
        .collect();
    let mut rows = vec![("splits", if splits.is_empty() { "none".to_owned() } else { splits.join(", ") })];
    let folds = summary.folds.iter().map(|size| (size.samples, size.patients));
    rows.extend(table::folds(folds).map(|text| ("folds", text)));
    if !summary.split_joined.is_empty() {
        let groups = table::count(summary.split_joined.len(), "group");
        rows.push(("joined", format!("{groups} of patients that share equal images, each in one split")));
    }
    rows.push(("time", format!("{:.2} s, {} copied", summary.seconds, table::bytes(summary.bytes_copied))));
    text += &table::lines(&rows);
    text
}
