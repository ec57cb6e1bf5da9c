//! `dicomprep batches`: decode, write, and say how to go on.

use std::io::{IsTerminal, stdout};
use std::time::{Duration, Instant};

use anyhow::bail;
use dicomprep::order::Cursor;
use dicomprep::sink::{BatchWriter, FileOutput, Format, SinkError, is_pipe_or_device};
use dicomprep::stream::{Batches, Dataset, Stream, StreamError, Times};
use serde_json::{Value, json};

use crate::args::{BatchesArgs, OutputArgs};
use crate::exit::{self, Exit};
use crate::interrupt::Interrupt;
use crate::merge::join_for_reading;
use crate::progress::StreamProgress;
use crate::settings::BatchesSettings;
use crate::stream_totals::StreamTotals;

pub(crate) fn run(args: &BatchesArgs, output: &OutputArgs) -> anyhow::Result<Exit> {
    let settings = BatchesSettings::resolve(args)?;
    refuse_conflicts(args, &settings);
    let dataset = match &args.files[..] {
        [file] => Dataset::open(file)?,
        shards => join_for_reading(shards, output)?,
    };
    let stream = match dataset.stream(&settings.stream) {
        Err(error) if error.is_usage() => exit::wrong_options("batches", &error),
        stream => stream?,
    };
    // A start that the stream does not have is found before anything is written.
    let batches = stream.batches(args.order.start, &settings.work)?;
    if args.describe {
        // A stream does without them; a description that leaves them out would be another one.
        for name in ["split", "mask_pixels"] {
            stream.dataset().column(name)?;
        }
        return exit::print(&exit::json("batches", &describe(&stream, settings.format, args))?);
    }
    if !output.quiet {
        tell_notes(&stream, args);
    }
    let makes_file = settings.output.as_ref().is_some_and(|path| !is_pipe_or_device(path));
    let start = stream.cursor(args.order.start.at);
    let interrupt = Interrupt::watch(start, !makes_file)?;
    let mut sink = match &settings.output {
        Some(path) => FileOutput::create(path, args.force)?,
        None => FileOutput::stdout()?,
    };
    if args.work.vmsplice && !sink.lend_memory() {
        // Takes away what it has begun.
        drop(sink);
        wrong_usage("--vmsplice hands pages to a pipe, and the output is none");
    }
    let writer = BatchWriter::new(settings.format, stream.schema(), sink);
    let progress = StreamProgress::new(output, samples_to_come(&stream, start.at));
    match write_all(batches, writer, progress, &interrupt) {
        Ok(totals) => {
            if !output.quiet {
                exit::tell(&totals.closing_line());
            }
            Ok(Exit::Done)
        }
        Err(Stop::Stream(error)) => Err(error.into()),
        // A signal from the keyboard ends the reader too, and perhaps first.
        Err(Stop::Sink(error)) if !(error.is_closed_pipe() && interrupt.is_set()) => closed_or_failed(error),
        Err(Stop::Interrupted | Stop::Sink(_)) if makes_file => bail!("interrupted; no file was written"),
        Err(Stop::Interrupted | Stop::Sink(_)) => {
            interrupt.tell();
            Ok(Exit::Failed)
        }
    }
}

/// Warnings about options that may not be meant.
fn tell_notes(stream: &Stream, args: &BatchesArgs) {
    if args.order.start.stream.is_none() && args.order.start.at.batch > 0 {
        exit::tell(&format!(
            "note: --start {} does not say of which stream it is, as cursors with @ do; taken for one of the same file, \
             selection and batch size\n",
            args.order.start
        ));
    }
    if stream.plan().batches_per_epoch() == 0 {
        exit::tell("note: an epoch has no batches here: too few rows for the ranks or for a full batch\n");
    }
    if !stream.without_pixels().is_empty() {
        let structures = stream.without_pixels().join(", ");
        exit::tell(&format!("note: no mask of the file has a pixel of {structures}\n"));
    }
    if let Some(splits) = splits_together(stream) {
        exit::tell(&format!("note: without --split, samples of {splits} are streamed together\n"));
    }
    if stream.alone() > 0 {
        let rows = stream.plan().options().rows;
        exit::tell(&format!(
            "note: {} of {rows} rows have no other slice or phase beside them in the file; prep --unlabelled include \
             takes images without annotations in\n",
            stream.alone()
        ));
    }
    if stream.groups() == Some(1) {
        exit::tell("note: all samples are of one group, so --balance only draws with replacement\n");
    }
    let evaluation = stream.evaluation();
    let splits = evaluation.splits.join(" and ");
    if evaluation.unchanged {
        exit::tell(&format!("note: {splits}: not augmented, only train is; --augment-eval does it\n"));
    } else if !splits.is_empty() && stream.augmentation().is_some() && !args.augment_eval {
        exit::tell(&format!(
            "note: samples of {splits} are augmented too; --split train takes train alone\n"
        ));
    }
}

/// The splits of a stream without --split, where they are several.
fn splits_together(stream: &Stream) -> Option<String> {
    let splits = stream.splits();
    (splits.len() > 1 && !stream.names_split()).then(|| splits.join(", "))
}

/// A reader that has closed the pipe has seen enough.
fn closed_or_failed(error: SinkError) -> anyhow::Result<Exit> {
    if error.is_closed_pipe() { Ok(Exit::Done) } else { Err(error.into()) }
}

/// Why a stream was not written to its end.
enum Stop {
    Interrupted,
    Sink(SinkError),
    Stream(StreamError),
}

fn write_all(
    mut batches: Batches,
    writer: Result<BatchWriter, SinkError>,
    mut progress: StreamProgress,
    interrupt: &Interrupt,
) -> Result<StreamTotals, Stop> {
    let began = Instant::now();
    let mut writer = writer.map_err(Stop::Sink)?;
    let mut totals = StreamTotals {
        samples: 0,
        batches: 0,
        bytes: 0,
        next: batches.next_cursor(),
        times: Times::default(),
        elapsed: Duration::ZERO,
    };
    while let Some(batch) = batches.next() {
        let batch = match batch {
            Ok(batch) => batch,
            Err(error) => {
                progress.end();
                writer.abort();
                return Err(Stop::Stream(error));
            }
        };
        // What an interrupted stream has, goes on with what comes from its cursor.
        if interrupt.is_set() {
            progress.end();
            return Err(Stop::Interrupted);
        }
        totals.samples += batch.samples.len() as u64;
        match writer.write(batch) {
            Ok(spare) => spare.into_iter().for_each(|spare| batches.recycle(spare)),
            Err(error) => {
                progress.end();
                return Err(Stop::Sink(error));
            }
        }
        totals.batches += 1;
        totals.bytes = writer.bytes_written();
        totals.next = batches.next_cursor();
        totals.times = batches.times();
        totals.elapsed = began.elapsed();
        interrupt.passed(totals.next);
        progress.update(&totals);
    }
    progress.end();
    totals.bytes = writer.finish().map_err(Stop::Sink)?;
    totals.elapsed = began.elapsed();
    Ok(totals)
}

/// Number of samples from `start` to the end of the stream, `None` without end.
fn samples_to_come(stream: &Stream, start: Cursor) -> Option<u64> {
    let plan = stream.plan();
    let options = plan.options();
    let epochs = options.epochs?.get();
    let before = start.batch.saturating_mul(options.batch_size.get());
    Some(epochs.saturating_sub(start.epoch).saturating_mul(plan.samples_per_epoch()).saturating_sub(before))
}

fn wrong_usage(text: &str) -> ! {
    exit::wrong_usage("batches", text)
}

/// Ends the program where its output could not be read.
fn refuse_conflicts(args: &BatchesArgs, settings: &BatchesSettings) {
    match settings.output.as_deref() {
        _ if args.describe => {}
        Some(path) if args.order.epochs == 0 && !is_pipe_or_device(path) => {
            wrong_usage(
                "--epochs 0 has no end, and so never makes a file; write to a pipe, or say how many epochs",
            );
        }
        None if stdout().is_terminal() => {
            wrong_usage(
                "batches are binary, and standard output is a terminal: pipe them into a program, write them to a \
                 file with -o FILE, or ask for --describe",
            );
        }
        _ => {}
    }
}

/// Description of the stream for its reader.
fn describe(stream: &Stream, format: &Format, args: &BatchesArgs) -> Value {
    let mut description = dicomprep::sink::describe(stream, format);
    let conditions: Vec<String> = args.selection.conditions.iter().map(ToString::to_string).collect();
    description["file"] = match &args.files[..] {
        [file] => json!(file),
        files => json!(files),
    };
    description["where"] = json!(conditions);
    description["balance"] = json!(args.selection.balance);
    description["start"] = json!(args.order.start.to_string());
    description
}
