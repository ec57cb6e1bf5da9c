//! The shards of one plan: all of them, each once, and none of another plan.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::model::{GridShape, PixelType};
use crate::prep::recorded_options::RecordedOptions;
use crate::prep::{Control, MergeError, PrepError};
use crate::store::{DatasetFile, RootAttributes, ShardBond, ShardSpec, TextWidths};

/// Missing shards that are listed.
const LISTED: usize = 20;

/// All shards of one plan.
pub(super) struct ShardSet {
    /// The files, in the order of their shares.
    pub(super) paths: Vec<PathBuf>,
    /// Their common properties; the index is that of the first.
    pub(super) common: Common,
}

/// Properties common to all shards of a plan.
pub(super) struct Common {
    pub(super) shard: ShardSpec,
    pub(super) bonds: Vec<ShardBond>,
    pub(super) root: RootAttributes,
    pub(super) recorded: RecordedOptions,
    pub(super) shape: GridShape,
    pub(super) channels: usize,
    pub(super) pixel_type: PixelType,
    pub(super) widths: TextWidths,
}

/// One shard, before it is known whether it belongs to the others.
struct Candidate {
    path: PathBuf,
    shard: ShardSpec,
    /// Properties that must be the same in all, each with its name.
    traits: Vec<(&'static str, String)>,
}

impl ShardSet {
    /// Opens the files at `paths`, in any order, and checks that they are all shards of one plan, and sound but for
    /// their images and masks.
    ///
    /// # Errors
    /// [`MergeError`], which names the file, or what is missing.
    pub(super) fn open(paths: &[PathBuf], control: &Control<'_>) -> Result<Self, MergeError> {
        control.progress.begin("checking shards", paths.len());
        let mut candidates = Vec::with_capacity(paths.len());
        for path in paths {
            if control.cancel.load(Ordering::Relaxed) {
                return Err(PrepError::Interrupted.into());
            }
            candidates.push(Candidate::read(path)?);
            control.progress.advance(1);
        }
        control.progress.end();
        candidates.sort_by_key(|candidate| candidate.shard.index);
        agree(&candidates)?;
        are_complete(&candidates)?;
        let first = DatasetFile::open(&candidates[0].path)?;
        let root = first.recorded_root();
        let recorded = RecordedOptions::parse(&root.config)?;
        let common = Common {
            shard: candidates[0].shard,
            bonds: first.shard_bonds()?,
            recorded,
            root,
            shape: first.shape(),
            channels: first.channels(),
            pixel_type: first.pixel_type(),
            widths: first.text_widths()?,
        };
        Ok(Self { paths: candidates.into_iter().map(|candidate| candidate.path).collect(), common })
    }
}

impl Candidate {
    fn read(path: &Path) -> Result<Self, MergeError> {
        let file = DatasetFile::open(path)?;
        let shard = file.shard()?.filter(|_| !file.is_virtual());
        let shard = shard.ok_or_else(|| MergeError::NotAShard { path: path.to_owned() })?;
        let structure = file.check_structure()?;
        if let Some(flaw) = structure.flaws.first() {
            let what = format!("{}: {}", flaw.place, flaw.what);
            return Err(MergeError::Damaged { path: path.to_owned(), what });
        }
        let root = file.recorded_root();
        let traits = vec![
            ("generator", file.generator()),
            ("config", root.config),
            ("number of shards", shard.count.to_string()),
            ("shape of images", format!("{} of {}", file.shape(), file.pixel_type().name())),
            ("number of channels", file.channels().to_string()),
            ("structures", file.structures().join(",")),
            ("units", root.units),
            ("number of rows", shard.plan_rows.to_string()),
            ("number of patients", format!("{} of {}", shard.planned_patients, shard.patients)),
            ("split_rule", format!("{} {}", root.split_rule, root.split_seed)),
            ("width of texts", format!("{:?}", file.text_widths()?)),
            ("plan", format!("{:x?}", shard.plan_digest)),
        ];
        Ok(Self { path: path.to_owned(), shard, traits })
    }
}

/// True if all are of one plan.
fn agree(candidates: &[Candidate]) -> Result<(), MergeError> {
    let Some(first) = candidates.first() else { return Err(MergeError::Nothing) };
    for other in &candidates[1..] {
        let different = first.traits.iter().zip(&other.traits).find(|(a, b)| a != b);
        if let Some(((name, theirs), (_, own))) = different {
            let what = match *name {
                "config" => difference_of_options(own, theirs),
                "plan" => "their plans differ: the data directories were not the same, in names, headers or \
                           contours, or have changed in between"
                    .to_owned(),
                name => format!("its {name} is {own}, not {theirs}"),
            };
            return Err(MergeError::Differs { path: other.path.clone(), first: first.path.clone(), what });
        }
    }
    Ok(())
}

/// Options that differ.
fn difference_of_options(own: &str, theirs: &str) -> String {
    let [own, theirs] = [own, theirs].map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
    let names = own.as_object().into_iter().flatten().map(|(name, _)| name);
    let different = names.filter(|name| own[&**name] != theirs[&**name]);
    let texts: Vec<String> =
        different.map(|name| format!("its option {name} is {}, not {}", own[name], theirs[name])).collect();
    if texts.is_empty() { "its options are others".to_owned() } else { texts.join("; ") }
}

/// True if every share is there once.
fn are_complete(candidates: &[Candidate]) -> Result<(), MergeError> {
    for pair in candidates.windows(2) {
        if pair[0].shard.index == pair[1].shard.index {
            let ShardSpec { index, count, .. } = pair[0].shard;
            let [first, second] = [0, 1].map(|place: usize| pair[place].path.clone());
            return Err(MergeError::Double { index, count, first, second });
        }
    }
    let count = candidates[0].shard.count;
    let mut present = candidates.iter().map(|candidate| candidate.shard.index).peekable();
    let missing = (0..count).filter(|index| present.next_if_eq(index).is_none());
    let total = count as usize - candidates.len();
    let listed: Vec<String> = missing.take(LISTED).map(|index| index.to_string()).collect();
    let more = if total > LISTED { format!(" and {} more", total - LISTED) } else { String::new() };
    match total {
        0 => Ok(()),
        1 => Err(MergeError::Missing { list: format!("shard {} of {count} is", listed[0]) }),
        _ => Err(MergeError::Missing { list: format!("shards {}{more} of {count} are", listed.join(", ")) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(index: u32, count: u32, config: &str) -> Candidate {
        let shard =
            ShardSpec { index, count, plan_rows: 9, patients: 3, planned_patients: 3, plan_digest: [0; 32] };
        Candidate { path: format!("{index}.h5").into(), shard, traits: vec![("config", config.to_owned())] }
    }

    #[test]
    fn what_is_missing_or_double_is_named() {
        let set = |indices: &[u32], count: u32| -> String {
            let all: Vec<_> = indices.iter().map(|&index| candidate(index, count, "")).collect();
            are_complete(&all).map_or_else(|error| error.to_string(), |()| "complete".to_owned())
        };
        assert_eq!(set(&[0, 1, 2], 3), "complete");
        assert_eq!(set(&[0, 2], 3), "shard 1 of 3 is missing");
        assert_eq!(set(&[1], 4), "shards 0, 2, 3 of 4 are missing");
        assert!(set(&[7], 100).ends_with("20 and 79 more of 100 are missing"), "{}", set(&[7], 100));
        assert!(set(&[0, 1, 1], 3).starts_with("shard 1 of 3 is there twice"));
    }

    #[test]
    fn options_that_differ_are_named() {
        let own = candidate(1, 2, r#"{"fit":"pad","size":"8x8"}"#);
        let error = agree(&[candidate(0, 2, r#"{"fit":"crop","size":"8x8"}"#), own]).unwrap_err().to_string();
        assert_eq!(error, r#"1.h5 does not go with 0.h5: its option fit is "pad", not "crop""#);
    }
}
