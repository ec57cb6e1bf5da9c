//! Rebuilds the damaged rows of a file, in a copy.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::CheckError;
use super::against::{SourceOptions, changed_sources, sources_of};
use super::problem::ProblemKind;
use super::verify::{lossy, verify_file};
use crate::prep::{Control, RecordedOptions, SourceRows, Sources};
use crate::store::{
    ChunkEncoder, ChunkReplacer, DatasetFile, EncodedChunk, Encoder, RowReader, SampleRow, SampleRows, Target,
};

/// Result of a repair.
#[derive(Debug, Clone, Serialize)]
pub struct RepairSummary {
    /// The new file; `None` where none was made, because no damaged row could be rebuilt.
    #[serde(serialize_with = "lossy_or_none")]
    pub output: Option<PathBuf>,
    /// Rows of the file.
    pub rows: usize,
    /// `id` of the rows that were rebuilt.
    pub repaired: Vec<String>,
    /// The rows that are as damaged as they were.
    pub unrepaired: Vec<Unrepaired>,
    /// True if every byte outside of the chunks rebuilt was compared and is the same. If a chunk has come out with
    /// another length, the file is written again as a whole, and only the checksums of all rows and columns were compared.
    pub bytes_untouched: bool,
}

/// A row that cannot be rebuilt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unrepaired {
    /// The row, counted from 0.
    pub row: usize,
    /// Its `id`.
    pub id: String,
    /// Why not.
    pub why: String,
}

fn lossy_or_none<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => lossy(path, serializer),
        None => serializer.serialize_none(),
    }
}

/// Copies the file at `path` to the place that `target` has claimed, with the damaged images and masks rebuilt from
/// their sources. A row is rebuilt only from files that have the recorded digests, and only where the image or mask
/// that comes out has the recorded checksum; everything else is copied byte for byte. The copy is verified before it
/// gets its name.
///
/// # Errors
/// [`CheckError::BeyondRepair`] where more than images and masks is damaged, [`CheckError::BadCopy`] where the copy
/// turns out to be wrong, and those of [`verify`](super::verify()).
pub fn repair(
    path: &Path,
    options: &SourceOptions<'_>,
    target: Target,
    threads: usize,
    control: Control<'_>,
) -> Result<RepairSummary, CheckError> {
    let file = DatasetFile::open(path)?;
    if file.is_virtual() {
        let what = "it is virtual and holds no images; repair the shards that it refers to".to_owned();
        return Err(CheckError::BeyondRepair { path: path.to_owned(), what });
    }
    let found = verify_file(&file, None, threads, control)?;
    let is_chunk = |kind| matches!(kind, ProblemKind::ImageDamaged | ProblemKind::MaskDamaged);
    if let Some(problem) = found.problems.list.iter().find(|problem| !is_chunk(problem.kind)) {
        let what = format!("{}: {}", problem.place, problem.detail);
        return Err(CheckError::BeyondRepair { path: path.to_owned(), what });
    }
    let mut summary = RepairSummary {
        output: None,
        rows: file.rows(),
        repaired: Vec::new(),
        unrepaired: Vec::new(),
        bytes_untouched: false,
    };
    let sources = sources_of(&file, options, threads, &control)?;
    copy_bytes(path, target.partial())
        .map_err(|source| CheckError::Copy { path: target.path().to_owned(), source })?;
    let changed = replace_rows(&file, &sources, &found.damaged, target.partial(), &mut summary)?;
    if summary.repaired.is_empty() && !summary.unrepaired.is_empty() {
        return Ok(summary);
    }
    let copy = DatasetFile::open(target.partial())?;
    let proof = verify_file(&copy, None, threads, control)?;
    let left: Vec<usize> = summary.unrepaired.iter().map(|row| row.row).collect();
    let bad = |what: String| CheckError::BadCopy { path: path.to_owned(), what };
    if proof.damaged != left || proof.problems.list.iter().any(|problem| !is_chunk(problem.kind)) {
        let first = proof.problems.list.first();
        return Err(
            bad(first.map_or_else(String::new, |first| format!("{}: {}", first.place, first.detail))),
        );
    }
    drop(copy);
    if let Some(changed) = changed {
        if let Some(byte) = difference_outside(path, target.partial(), &changed)? {
            return Err(bad(format!("byte {byte} is another, outside of the chunks rebuilt")));
        }
        summary.bytes_untouched = true;
    }
    let output = target.path().to_owned();
    target.commit()?;
    summary.output = Some(output);
    Ok(summary)
}

/// Copies the bytes alone: the copy of a file that is read-only is written to.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    let mut to = File::options().write(true).truncate(true).open(to)?;
    io::copy(&mut File::open(from)?, &mut to).map(|_| ())
}

/// Rebuilds the `damaged` rows of `file` in its copy at `copy`. Returns which bytes of the copy may have changed,
/// ascending; `None` where chunks have other lengths now.
fn replace_rows(
    file: &DatasetFile,
    sources: &Sources,
    damaged: &[usize],
    copy: &Path,
    summary: &mut RepairSummary,
) -> Result<Option<Vec<Range<u64>>>, CheckError> {
    let mut maker = RowMaker::new(file, sources)?;
    let mut changed = Some(Vec::new());
    if damaged.is_empty() {
        return Ok(changed);
    }
    let replacer = ChunkReplacer::open(copy)?;
    for &row in damaged {
        let cells = maker.columns.read(row)?;
        let chunks = match maker.make(row, &cells) {
            Ok(chunks) => chunks,
            Err(why) => {
                summary.unrepaired.push(Unrepaired { row, id: cells.id, why });
                continue;
            }
        };
        let places = [file.image_place(row), file.mask_place(row)];
        for (component, (chunk, place)) in chunks.iter().zip(places).enumerate() {
            let Some(chunk) = chunk else { continue };
            match component {
                0 => replacer.replace_image(row, chunk)?,
                _ => replacer.replace_mask(row, chunk)?,
            }
            let place = place.unwrap_or_default();
            match &mut changed {
                Some(all) if place.end - place.start == chunk.bytes().len() as u64 => all.push(place),
                changed => *changed = None,
            }
        }
        summary.repaired.push(cells.id);
    }
    replacer.finish()?;
    if let Some(changed) = &mut changed {
        changed.sort_unstable_by_key(|place| place.start);
    }
    Ok(changed)
}

/// Rebuilds chunks of rows.
struct RowMaker<'f> {
    file: &'f DatasetFile,
    sources: &'f Sources,
    columns: SampleRows<'f>,
    reader: RowReader<'f>,
    rows: SourceRows<'f>,
    images: ChunkEncoder,
    masks: ChunkEncoder,
}

impl<'f> RowMaker<'f> {
    fn new(file: &'f DatasetFile, sources: &'f Sources) -> Result<Self, CheckError> {
        let RecordedOptions { options, .. } = RecordedOptions::parse(&file.identity().config)?;
        Ok(Self {
            file,
            sources,
            columns: SampleRows::new(file)?,
            reader: RowReader::strict(file, None),
            rows: sources.rows(),
            images: ChunkEncoder::new(options.compression, options.encoder.unwrap_or(Encoder::Planes)),
            masks: ChunkEncoder::new(options.compression, Encoder::Planes),
        })
    }

    /// The chunks of the image and of the mask of `row`, each where it is damaged; or why they cannot be made.
    fn make(&mut self, row: usize, cells: &SampleRow) -> Result<[Option<EncodedChunk>; 2], String> {
        let (mut image, mut mask) = (vec![0; self.file.image_bytes()], vec![0; self.file.mask_bytes()]);
        let read = [self.reader.read_image(row, &mut image), self.reader.read_mask(row, &mut mask)];
        let sound = [(&image, cells.checksum[0]), (&mask, cells.checksum[1])];
        let is_sound = |part: usize| read[part].is_ok() && crc32c::crc32c(sound[part].0) == sound[part].1;
        let is_sound = [is_sound(0), is_sound(1)];
        let number = self.sources.find(&cells.id);
        let number = number.ok_or_else(|| format!("{} is no longer among the sources", cells.source))?;
        let fresh = self.rows.make(number)?;
        if let Some(changed) = changed_sources(self.file.structures(), cells, &fresh.cells).first() {
            return Err(changed.clone());
        }
        let mut chunks = [None, None];
        for (part, name) in ["image", "mask"].into_iter().enumerate().filter(|(part, _)| !is_sound[*part]) {
            if fresh.cells.checksum[part] != cells.checksum[part] {
                return Err(format!("its sources give another {name} than the one that was stored"));
            }
            let mut chunk = EncodedChunk::default();
            match part {
                0 => self.images.encode(&fresh.image, self.file.pixel_type().size(), &mut chunk),
                _ => self.masks.encode(fresh.mask, 1, &mut chunk),
            }
            chunks[part] = Some(chunk);
        }
        Ok(chunks)
    }
}

/// The first byte outside of `changed` (ascending) in which two files differ.
fn difference_outside(a: &Path, b: &Path, changed: &[Range<u64>]) -> Result<Option<u64>, CheckError> {
    const PIECE: u64 = 1 << 16;
    let failed = |source| CheckError::Copy { path: b.to_owned(), source };
    let open = |path| Ok::<_, CheckError>(BufReader::new(File::open(path).map_err(failed)?));
    let (mut a, mut b) = (open(a)?, open(b)?);
    let (mut left, mut right, mut at) = (Vec::new(), Vec::new(), 0);
    let mut changed = changed.iter().peekable();
    loop {
        left.clear();
        right.clear();
        a.by_ref().take(PIECE).read_to_end(&mut left).map_err(failed)?;
        b.by_ref().take(PIECE).read_to_end(&mut right).map_err(failed)?;
        if left.len() != right.len() {
            return Ok(Some(at + left.len().min(right.len()) as u64));
        }
        if left.is_empty() {
            return Ok(None);
        }
        for (offset, _) in left.iter().zip(&right).enumerate().filter(|(_, (l, r))| l != r) {
            let byte = at + offset as u64;
            while changed.next_if(|place| place.end <= byte).is_some() {}
            if !changed.peek().is_some_and(|place| place.contains(&byte)) {
                return Ok(Some(byte));
            }
        }
        at += left.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_allowed_in_their_places_only() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let mut bytes = vec![7; 200_000];
        std::fs::write(&a, &bytes).unwrap();
        for place in [10, 70_000, 70_009, 199_999] {
            bytes[place] = 8;
        }
        std::fs::write(&b, &bytes).unwrap();
        let outside = |changed: &[Range<u64>]| difference_outside(&a, &b, changed).unwrap();
        assert_eq!(outside(&[10..11, 70_000..70_010, 199_000..200_000]), None);
        assert_eq!(outside(&[]), Some(10));
        assert_eq!(outside(&[0..70_000, 70_001..200_000]), Some(70_000));
        assert_eq!(outside(&[0..5, 6..70_010]), Some(199_999));
        std::fs::write(&b, &bytes[..199_000]).unwrap();
        assert_eq!(outside(&[0..5, 5..200_000]), Some(199_000));
    }
}
