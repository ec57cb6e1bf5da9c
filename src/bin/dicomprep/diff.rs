//! `dicomprep diff`: what is different between two files.

use dicomprep::check::{self, ChangedRow, Diff, DiffOptions};
use dicomprep::model::Plain;
use dicomprep::prep::Control;

use crate::args::{DiffArgs, OutputArgs};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::report;
use crate::verify::limit;

pub(crate) fn run(args: &DiffArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    report::check(&args.result.report, args.result.force)?;
    let cancel = interrupt::stop_on_signals()?;
    let progress = progress(output);
    let options = DiffOptions {
        threads: args.threads.count(),
        quick: args.quick,
        control: Control { progress: &*progress, cancel: &cancel },
    };
    let found = check::diff(&args.a, &args.b, options)?;
    report::write("diff", &found, &args.result.report, args.result.force)?;
    if !args.result.report.to_stdout() {
        exit::print(describe(&found, output.verbose).as_bytes())?;
    }
    Ok(match (found.is_whole(), found.is_equal()) {
        (false, _) => Exit::Failed,
        (true, true) => Exit::Done,
        (true, false) => Exit::LeftOut,
    })
}

fn describe(found: &Diff, verbose: bool) -> String {
    let mut text = String::new();
    for (what, [a, b]) in &found.form {
        text += &format!("{what}: {a} -> {b}\n");
    }
    for (option, [a, b]) in &found.options {
        text +=
            &format!("option {}: {} -> {}\n", Plain(option), Plain(&a.to_string()), Plain(&b.to_string()));
    }
    for (sign, rows, total) in
        [("removed", &found.removed_rows, found.removed), ("added", &found.added_rows, found.added)]
    {
        let (shown, _) = limit(rows.len(), verbose);
        for id in &rows[..shown] {
            text += &format!("{sign}: {}\n", Plain(id));
        }
        text += &more(sign, total - shown);
    }
    let (shown, _) = limit(found.changed_rows.len(), verbose);
    for row in &found.changed_rows[..shown] {
        text += &change(row);
    }
    text += &more("changed", found.changed - shown);
    let (shown, _) = limit(found.damaged_rows.len(), verbose);
    for row in &found.damaged_rows[..shown] {
        text += &format!("damaged: {}: {}\n", Plain(&row.id), Plain(&row.what));
    }
    text += &more("damaged", found.damaged - shown);
    if !found.same_order {
        text += "the rows that both have stand in another order\n";
    }
    let Diff { equal, changed, added, removed, damaged, .. } = found;
    text += &format!("{equal} rows equal, {changed} changed, {added} added, {removed} removed");
    if *damaged > 0 {
        text += &format!(", {damaged} damaged");
    }
    text + if found.compared == "data" { "\n" } else { "; by recorded checksums, the data was not read\n" }
}

fn more(what: &str, more: usize) -> String {
    if more == 0 { String::new() } else { format!("{what}: {more} more; --verbose or --json lists them\n") }
}

fn change(row: &ChangedRow) -> String {
    let mut parts = Vec::new();
    if let Some(image) = &row.image {
        parts.push(match (image.pixels, image.largest_difference) {
            (Some(pixels), Some(largest)) => format!("image: {pixels} pixels, by up to {largest}"),
            _ => "image: another shape".to_owned(),
        });
    }
    for mask in &row.masks {
        let [a, b] = mask.pixels;
        let dice = mask.dice.map(|dice| format!(", Dice {dice:.4}")).unwrap_or_default();
        parts.push(format!("{}: {a} -> {b} pixels{dice}", Plain(&mask.structure)));
    }
    if let Some([a, b]) = &row.split {
        parts.push(format!("split {} -> {}", Plain(a), Plain(b)));
    }
    let causes = Plain(&row.causes.join(", "));
    let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join("; ")) };
    format!("changed: {} ({causes}){parts}\n", Plain(&row.id))
}
