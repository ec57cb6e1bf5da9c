//! `dicomprep preview`: draw, write, and say what was drawn.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write, stdout};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use dicomprep::check::{SourceOptions, sources_with_rejected};
use dicomprep::model::Plain;
use dicomprep::prep::Control;
use dicomprep::report::{PrepBins, Preview, PreviewOptions, Shown};
use dicomprep::store::Target;
use dicomprep::stream::RowOptions;

use crate::args::{OutputArgs, PreviewArgs, When, all_cores};
use crate::exit::{self, Exit};
use crate::interrupt;
use crate::progress::progress;
use crate::settings::{read_key, remark_key};
use crate::{table, verify};

/// Samples that are shown where no number was asked for.
const SAMPLES: usize = 5000;
/// The same, in the terminal.
const SAMPLES_IN_TERMINAL: usize = 4;
/// Columns of a terminal that does not say how many it has.
const COLUMNS: usize = 80;
/// Damaged samples that are named without `--verbose`.
const DAMAGED_LISTED: usize = 20;

pub(crate) fn run(args: &PreviewArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let page = page_path(args);
    refuse_conflicts(args, page.as_deref());
    if args.terminal == Some(When::Auto) {
        check_terminal()?;
    }
    let key = args.sources.pseudonym_key.as_deref().map(read_key).transpose()?;
    remark_key(args.sources.pseudonym_key.as_deref(), output);
    let sources = match &args.against[..] {
        [] => None,
        data_dirs => Some(verify::sources("preview", data_dirs, &args.sources, key.as_deref())?),
    };
    if let (Some(page), Some(sources)) = (&page, &sources)
        && sources.inputs.is_input(page)
    {
        let text = "--output names a place among the inputs; nothing is ever written there";
        exit::wrong_usage("preview", text);
    }
    // What would make the end fail is found before the work.
    if let Some(page) = &page {
        drop(Target::claim(page, args.force)?);
    }
    let cancel = interrupt::stop_on_signals()?;
    let progress = progress(output);
    let control = Control { progress: &*progress, cancel: &cancel };
    let mut preview = Preview::open(&args.file, options(args))?;
    if let Some(sources) = &sources {
        show_rejected(&mut preview, sources, args, control)?;
    }
    let bins = args.report.as_deref().map(|report| PrepBins::read(report, preview.info())).transpose()?;
    if let Some(folder) = &args.png {
        Preview::check_sheets(folder, args.force)?;
    }
    let mut damaged = 0;
    if let Some(page) = &page {
        let (shown, bytes) = write_page(&preview, args, page, bins.as_ref(), control)?;
        let size = table::bytes(bytes);
        damaged += tell(output, &format!("{}: {}, {size}", page.display(), samples(&shown)), &shown);
    }
    if let Some(folder) = &args.png {
        let shown = preview.write_sheets(folder, args.force, control)?;
        let sheets = table::count(shown.files, "sheet");
        damaged += tell(output, &format!("{}: {} on {sheets}", folder.display(), samples(&shown)), &shown);
    }
    if args.terminal.is_some() {
        let mut shown = preview.draw(&mut stdout().lock(), columns(), control)?;
        if page.is_none() && args.png.is_none() {
            damaged += tell(output, &samples(&shown), &shown);
        } else {
            damaged += std::mem::take(&mut shown.damaged).len();
        }
    }
    Ok(if damaged == 0 { Exit::Done } else { Exit::LeftOut })
}

/// Path of the page, if one is made.
pub(crate) fn page_path(args: &PreviewArgs) -> Option<PathBuf> {
    let is_default = args.output.is_none() && args.png.is_none() && args.terminal.is_none();
    args.output.clone().or_else(|| is_default.then(|| args.file.with_extension("html")))
}

fn refuse_conflicts(args: &PreviewArgs, page: Option<&Path>) {
    let usage = |text: &str| exit::wrong_usage("preview", text);
    match page {
        Some(page) if page == Path::new("-") => usage("--output takes a file"),
        None if args.report.is_some() => usage("--report is for the page: give --output too"),
        None if !args.against.is_empty() => usage("--against is for the page: give --output too"),
        _ if args.against.is_empty() && args.sources.is_given() => {
            usage("--link, --dicoms, --contours and --pseudonym-key go with --against DATA_DIR")
        }
        _ => {}
    }
}

/// Adds what the audit has left out of the file, as far as the file leaves out anything.
fn show_rejected(
    preview: &mut Preview,
    sources: &SourceOptions<'_>,
    args: &PreviewArgs,
    control: Control<'_>,
) -> anyhow::Result<()> {
    let threads = args.threads.map_or_else(all_cores, usize::from);
    match sources_with_rejected(preview.file(), sources, threads, &control)? {
        Some(rejected) => preview.show_rejected(rejected),
        None => {
            exit::tell("note: the file was made with --on-finding keep, so the audit has left out nothing\n")
        }
    }
    Ok(())
}

fn options(args: &PreviewArgs) -> PreviewOptions {
    let only_terminal = args.output.is_none() && args.png.is_none() && args.terminal.is_some();
    let samples = if only_terminal { SAMPLES_IN_TERMINAL } else { SAMPLES };
    let threads = args.threads.map_or_else(all_cores, usize::from);
    PreviewOptions {
        rows: RowOptions {
            split: args.split.clone(),
            conditions: args.conditions.clone(),
            ..RowOptions::default()
        },
        max_samples: args.max_samples.map_or(samples, NonZeroUsize::get),
        zoom: args.zoom.and_then(|zoom| NonZeroUsize::new(zoom.into())),
        threads: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
    }
}

/// True if standard output shows colours, as far as the environment tells.
fn check_terminal() -> anyhow::Result<()> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let why = if !stdout().is_terminal() {
        "standard output is not a terminal"
    } else if is_set("NO_COLOR") {
        "NO_COLOR is set, and pictures are made of colours"
    } else if std::env::var_os("TERM").is_some_and(|name| name == "dumb") {
        "the terminal is dumb"
    } else {
        return Ok(());
    };
    bail!("{why}: --terminal=always draws all the same, -o writes a page and --png sheets")
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(stdout()).map(|size| usize::from(size.ws_col));
    let named = || std::env::var("COLUMNS").ok()?.parse().ok();
    size.ok().or_else(named).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

fn write_page(
    preview: &Preview,
    args: &PreviewArgs,
    path: &Path,
    bins: Option<&PrepBins>,
    control: Control<'_>,
) -> anyhow::Result<(Shown, u64)> {
    let target = Target::claim(path, args.force)?;
    let cannot = || format!("cannot write {}", path.display());
    let mut file = BufWriter::new(File::create(target.partial()).with_context(cannot)?);
    let shown = preview.write_page(&mut file, bins, args.max_bytes.0 as u64, control)?;
    file.flush().with_context(cannot)?;
    Ok((shown, target.commit()?))
}

fn samples(shown: &Shown) -> String {
    let all = table::count(usize::try_from(shown.of).unwrap_or(usize::MAX), "sample");
    let all = if shown.samples as u64 == shown.of { all } else { format!("{} of {all}", shown.samples) };
    match shown.rejected {
        0 => all,
        rejected => format!("{all}, {} with contours that were left out", table::count(rejected, "sample")),
    }
}

/// Tells what was done, and names the damaged samples. Returns how many there are.
fn tell(output: &OutputArgs, done: &str, shown: &Shown) -> usize {
    let damaged = shown.damaged.len();
    if !output.quiet {
        exit::tell(&format!("{done}\n"));
    }
    let listed = if output.verbose { damaged } else { DAMAGED_LISTED };
    for (id, error) in shown.damaged.iter().take(listed) {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        exit::tell(&format!("damaged: {}: {error}{cause}\n", Plain(id)));
    }
    if damaged > listed {
        exit::tell(&format!("damaged: and {} more; --verbose lists all\n", damaged - listed));
    }
    damaged
}
