//! From what was typed to what will be done: defaults filled in, files read, contradictions found.

use std::fs::File;
use std::io::{self, Read};
use std::num::{NonZeroU64, NonZeroUsize};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use dicomprep::layout::Inputs;
use dicomprep::prep::{EarlierSplits, Grouping, PlanFile, PlanRun, PrepOptions, Share, Splits};
use dicomprep::sink::{FORMATS, Format, is_pipe_or_device};
use dicomprep::split::{SplitSpec, read_split_file};
use dicomprep::stream::{StreamOptions, StreamWork};

use crate::args::{BatchesArgs, OutputArgs, PrepArgs, SplitArgs, Window, WorkArgs, all_cores};
use crate::{exit, inputs};

/// Everything `prep` needs to know.
#[derive(Debug)]
pub(crate) struct PrepSettings {
    pub(crate) inputs: Box<dyn Inputs>,
    pub(crate) work: PrepWork,
    pub(crate) output: PathBuf,
}

/// The plan that is to be made, or was made.
#[derive(Debug)]
pub(crate) enum PrepWork {
    /// With these options.
    Plan(Box<PrepOptions>),
    /// It is in a file.
    Share(Box<(PlanFile, PlanRun)>),
}

impl PrepSettings {
    /// Resolves what was typed.
    pub(crate) fn resolve(args: &PrepArgs) -> anyhow::Result<Self> {
        let output = prep_output(args)?;
        let places = &args.input.places;
        let (Some(path), Some(share)) = (&args.plan, args.shard) else {
            let inputs = inputs::open(places, "prep", &args.data_dirs)?;
            return Ok(Self { work: PrepWork::Plan(Box::new(options(args)?)), inputs, output });
        };
        let file = PlanFile::open(path)?;
        let inputs = inputs::open_as(file.layout(), places, "prep", &args.data_dirs)?;
        let run = PlanRun {
            share,
            pseudonym_key: args.content.pseudonym_key.as_deref().map(read_key).transpose()?,
            limits: args.input.limits(),
            threads: threads(args),
            strict: args.strict,
        };
        Ok(Self { work: PrepWork::Share(Box::new((file, run))), inputs, output })
    }
}

/// The file that `prep` writes.
pub(crate) fn prep_output(args: &PrepArgs) -> anyhow::Result<PathBuf> {
    match &args.output {
        Some(output) => Ok(output.clone()),
        None => match &args.data_dirs[..] {
            // A dry run writes nothing.
            [data_dir, others @ ..] if others.is_empty() || args.dry_run => {
                default_output(&data_dir.canonicalize().unwrap_or(data_dir.clone()), args)
            }
            _ => Err(anyhow!(
                "of several data directories none gives the file its name; say with -o what to write"
            )),
        },
    }
}

/// Everything `batches` needs to know.
#[derive(Debug)]
pub(crate) struct BatchesSettings {
    pub(crate) stream: StreamOptions,
    pub(crate) work: StreamWork,
    pub(crate) format: &'static Format,
    /// Output of the stream; `None` is standard output.
    pub(crate) output: Option<PathBuf>,
}

impl BatchesSettings {
    /// Resolves what was typed.
    pub(crate) fn resolve(args: &BatchesArgs) -> anyhow::Result<Self> {
        let (selection, order, form) = (&args.selection, &args.order, &args.form);
        let output = args.output.clone().filter(|path| path != Path::new("-"));
        let format = match output.as_deref().filter(|path| !is_pipe_or_device(path)) {
            Some(path) => Format::of_output(path, form.format).unwrap_or_else(|error| {
                exit::wrong_usage("batches", &format!("{error}; --format names another"))
            }),
            None => form.format.unwrap_or(FORMATS[0]),
        };
        let mut stream = StreamOptions {
            split: selection.split.clone(),
            fold: selection.fold,
            held_out: selection.held_out,
            conditions: selection.conditions.clone(),
            balance: selection.balance.clone(),
            allow_leak: selection.allow_leak,
            structures: selection.structures.clone().map(|names| names.0).unwrap_or_default(),
            seed: order.seed,
            shuffle: !order.no_shuffle,
            epochs: NonZeroU64::new(order.epochs),
            rank: order.rank,
            world_size: order.world_size,
            uneven: order.uneven,
            foreign_cursor: order.foreign_cursor,
            batch_size: order.batch_size,
            drop_last: order.drop_last,
            neighbours: args.context.neighbours,
            phases: args.context.phases,
            edges: args.context.edges,
            size: form.size.size,
            crop: form.size.crop,
            layout: form.layout,
            image_dtype: form.image_dtype,
            mask_dtype: form.mask_dtype,
            normalize: form.normalize,
            window: form.window.map(|Window((center, width))| [center, width]),
            augment_eval: args.augment_eval,
            texts: format.needs_texts,
            ..StreamOptions::default()
        };
        args.augment.set(&mut stream);
        args.standardize.set(&mut stream);
        if let Err(error) = stream.check() {
            exit::wrong_options("batches", &error.into());
        }
        Ok(Self { stream, work: work(&args.work), format, output })
    }
}

fn work(args: &WorkArgs) -> StreamWork {
    let usual = StreamWork::for_cores(all_cores());
    let threads = args.threads.and_then(|threads| NonZeroUsize::new(threads.into())).unwrap_or(usual.threads);
    StreamWork {
        threads,
        prefetch: args.prefetch.unwrap_or(threads.saturating_add(3)),
        cache_bytes: args.cache.0,
        verify: !args.no_verify,
        ..usual
    }
}

fn options(args: &PrepArgs) -> anyhow::Result<PrepOptions> {
    let content = &args.content;
    Ok(PrepOptions {
        structures: content.structures.clone(),
        require: content.require,
        unlabelled: content.unlabelled,
        mask_rule: content.mask_rule,
        combine: content.annotation.combine,
        annotation: content.annotation.options(),
        contour_offset: content.contour_offset.0,
        pixel_type: content.dtype.0,
        size: content.size.0,
        fit: content.fit,
        spacing: content.spacing.map(|spacing| spacing.0),
        padding: content.padding,
        monochrome1: content.monochrome1,
        color: content.color,
        splits: splits(&args.splits)?,
        grouping: Grouping {
            group: args.splits.group.clone(),
            stratify: args.splits.stratify.clone(),
            folds: args.splits.folds,
        },
        on_shared: args.splits.on_shared,
        compression: content.compression,
        encoder: content.encoder.0,
        pseudonym_key: content.pseudonym_key.as_deref().map(read_key).transpose()?,
        limits: args.input.limits(),
        threads: threads(args),
        on_finding: args.on_finding,
        thresholds: args.thresholds.0,
        profile: args.checks.profile,
        levels: args.checks.levels(),
        strict: args.strict,
        shard: args.shard,
    })
}

fn threads(args: &PrepArgs) -> usize {
    args.threads.map_or_else(all_cores, usize::from)
}

fn splits(args: &SplitArgs) -> anyhow::Result<Splits> {
    if let Some(path) = &args.split_file {
        return Ok(Splits::Table(read_split_file(path, &path.display().to_string())?));
    }
    let earlier = args.split_from.as_deref().map(EarlierSplits::read).transpose()?;
    let has_folds_alone = earlier.as_ref().is_some_and(EarlierSplits::has_folds_alone);
    if let Some(earlier) = &earlier
        && has_folds_alone
        && (args.split.is_some() || args.folds.is_none())
    {
        return Err(earlier.no_splits().into());
    }
    let usual = match args.folds {
        Some(_) => SplitSpec::NONE,
        None => SplitSpec::USUAL,
    };
    let drawn = earlier.as_ref().and_then(EarlierSplits::drawn);
    let kept_seed = earlier.as_ref().filter(|_| has_folds_alone).map_or(0, EarlierSplits::seed);
    let (spec, seed) = drawn.unwrap_or((usual, kept_seed));
    let (spec, seed) = (args.split.unwrap_or(spec), args.split_seed.unwrap_or(seed));
    Ok(match earlier {
        Some(earlier) => Splits::Kept { earlier, spec, seed },
        None => Splits::Fractions(spec, seed),
    })
}

/// Bytes of the shortest key: fewer can be tried out.
const SHORTEST_KEY: usize = 16;

/// Remarks a key that others may read.
pub(crate) fn remark_key(path: Option<&Path>, output: &OutputArgs) {
    let is_shared = |metadata: &std::fs::Metadata| metadata.is_file() && metadata.mode() & 0o077 != 0;
    let shared = path.filter(|path| std::fs::metadata(path).is_ok_and(|metadata| is_shared(&metadata)));
    if let Some(name) = shared.filter(|_| !output.quiet).map(Path::display) {
        exit::tell(&format!("note: others may use the key {name}; chmod 600 makes it yours alone\n"));
    }
}

/// Reads a key from a file or a pipe.
pub(crate) fn read_key(path: &Path) -> anyhow::Result<Vec<u8>> {
    let name = path.display();
    ensure!(!path.is_dir(), "--pseudonym-key {name} is a folder");
    let key = read_small(path).with_context(|| format!("cannot read --pseudonym-key {name}"))?;
    let bytes = if key.is_empty() { "is empty".to_owned() } else { format!("has {} bytes", key.len()) };
    ensure!(
        key.len() >= SHORTEST_KEY,
        "--pseudonym-key {name} {bytes}, and a key needs at least {SHORTEST_KEY}, so that nobody can try out all keys; \
         this makes a good one: (umask 077; head -c 32 /dev/urandom > {name})"
    );
    Ok(key)
}

/// The largest file that an option can name, beside tables, in bytes.
const MAX_OPTION_FILE_BYTES: u64 = 1 << 20;

/// Reads a file, or a pipe, of at most [`MAX_OPTION_FILE_BYTES`].
fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_OPTION_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_OPTION_FILE_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_OPTION_FILE_BYTES} bytes")));
    }
    Ok(bytes)
}

/// `<name of DATA_DIR>.h5` in the current folder; of a shard, its number comes before `.h5`. A plan is
/// `<name of DATA_DIR>.dicomplan`.
fn default_output(data_dir: &Path, args: &PrepArgs) -> anyhow::Result<PathBuf> {
    let name = data_dir.file_name().context("the data directory has no name; say with -o what to write")?;
    let mut name = name.to_owned();
    if let Some(Share { index, count }) = args.shard {
        name.push(format!(".shard-{index}-of-{count}"));
    }
    name.push(if args.plan_only { ".dicomplan" } else { ".h5" });
    Ok(name.into())
}
