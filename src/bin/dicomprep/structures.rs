//! `dicomprep structures`: what there is to choose from.

use dicomprep::layout::shell_word;
use dicomprep::model::Plain;
use dicomprep::prep::{self, Control, StructureEntry, StructuresRequest, StructuresSummary, VariantEntry};

use crate::args::{OutputArgs, StructuresArgs};
use crate::exit::{self, Exit};
use crate::inputs;
use crate::progress::progress;
use crate::{interrupt, report, table};

/// Characters of a cell that are shown.
const WIDEST: usize = 40;

pub(crate) fn run(args: &StructuresArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let cancel = interrupt::stop_on_signals()?;
    let inputs = inputs::open(&args.input.places, "structures", &args.data_dirs)?;
    if args.result.report.file().is_some_and(|path| inputs.is_input(path)) {
        let text = "--report names a place among the inputs; nothing is ever written there";
        exit::wrong_usage("structures", text);
    }
    // What would make the end fail is found before the work.
    report::check(&args.result.report, args.result.force)?;
    let request = StructuresRequest {
        annotation: args.annotation.options(),
        limits: args.input.limits(),
        threads: args.threads.count(),
    };
    let progress = progress(output);
    let summary = prep::structures(&*inputs, &request, &Control { progress: &*progress, cancel: &cancel })?;
    report::write("structures", &summary, &args.result.report, args.result.force)?;
    if !args.result.report.to_stdout() {
        exit::print(describe(&summary).as_bytes())?;
    }
    if !output.quiet {
        exit::tell(&problems(&summary, output.verbose));
    }
    Ok(if summary.problems.is_empty() { Exit::Done } else { Exit::LeftOut })
}

/// The structures as a table.
fn describe(summary: &StructuresSummary) -> String {
    let images = table::count(summary.images, "image");
    let mut text = format!(
        "{} on {images} of {}, layout {}\n",
        table::count(summary.structures.len(), "structure"),
        table::count(summary.patients, "patient"),
        summary.layout
    );
    let heading = ["NAME", "IMAGES", "PATIENTS", "KIND", "INSTANCES", "--structures"].map(str::to_owned);
    let rows: Vec<[String; 6]> =
        std::iter::once(heading).chain(summary.structures.iter().map(cells)).collect();
    let widths: [usize; 6] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        text += &format!("  {}\n", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    for VariantEntry { names, selection } in &summary.variants {
        let names = names.join(", ");
        let [names, selection] = [names, shell_word(selection)].map(|text| Plain(&text).to_string());
        text += &format!("spelling variants: {names}: --structures {selection}\n");
    }
    text
}

fn cells(entry: &StructureEntry) -> [String; 6] {
    let kinds = entry.kinds.iter().map(|(kind, count)| format!("{count} {kind}"));
    let cells = [
        entry.name.clone(),
        entry.images.to_string(),
        entry.patients.to_string(),
        kinds.collect::<Vec<_>>().join(", "),
        shortened(&entry.instances),
        shell_word(&entry.selection),
    ];
    cells.map(|cell| Plain(&cell).to_string())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn problems(summary: &StructuresSummary, verbose: bool) -> String {
    let limit = if verbose { usize::MAX } else { report::LISTED };
    let shown = summary.problems.iter().take(limit).map(|problem| format!("unusable: {}\n", Plain(problem)));
    let more = summary.problems.len().saturating_sub(limit);
    let more =
        if more > 0 { format!("unusable: {more} more; --verbose lists them all\n") } else { String::new() };
    shown.collect::<String>() + &more
}
