//! The bytes of a plan file around its blocks.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::PlanFileError;
use super::block::PlanBlock;
use super::head::{BlockEntry, Head};

/// Begins every plan; the version follows.
const MAGIC: &str = "dicomprep plan ";
/// The version of the format.
const VERSION: &str = "1\n";
/// Ends every plan.
const END: &[u8; 16] = b"end of the plan\n";
const TRAILER: usize = 64;
/// The largest head that is read: that of 10^10 rows.
const MAX_HEAD_BYTES: u64 = 1 << 30;
/// The longest line about names.
const MAX_NOTE_BYTES: usize = 256;

/// The first lines of a plan whose ids are true, though its files have pseudonyms, or not.
pub(super) fn preamble(is_keyed: bool) -> String {
    let names = if is_keyed {
        "It names the true ids of patients, although its files have pseudonyms: keep it where the data is kept."
    } else {
        "It names patients and files as the data directory does."
    };
    format!("{MAGIC}{VERSION}{names}\n")
}

/// Writes a plan block by block.
pub(super) struct PlanWriter<W> {
    to: W,
    bytes: u64,
    blocks: Vec<BlockEntry>,
}

impl<W: Write> PlanWriter<W> {
    pub(super) fn new(mut to: W, is_keyed: bool) -> io::Result<Self> {
        let preamble = preamble(is_keyed);
        to.write_all(preamble.as_bytes())?;
        Ok(Self { to, bytes: preamble.len() as u64, blocks: Vec::new() })
    }

    /// Adds the bytes of a block of so many rows.
    pub(super) fn add(&mut self, block: &[u8], rows: usize) -> io::Result<()> {
        let too_large = |_| io::Error::other("a block of rows takes more than 4 GiB");
        let bytes = u32::try_from(block.len()).map_err(too_large)?;
        self.to.write_all(block)?;
        self.bytes += u64::from(bytes);
        self.blocks.push(BlockEntry { bytes, rows: rows as u32, sha256: Sha256::digest(block).into() });
        Ok(())
    }

    /// Adds `head`, whose list of blocks is filled in.
    pub(super) fn finish(mut self, mut head: Head) -> io::Result<()> {
        head.blocks = std::mem::take(&mut self.blocks);
        let head = encode(&head)?;
        self.to.write_all(&head)?;
        self.to.write_all(&self.bytes.to_le_bytes())?;
        self.to.write_all(&(head.len() as u64).to_le_bytes())?;
        self.to.write_all(&Sha256::digest(&head))?;
        self.to.write_all(END)?;
        self.to.flush()
    }
}

/// The bytes of a block or of the head.
pub(super) fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io::Error::other)
}

/// An open plan file whose head is sound.
#[derive(Debug)]
pub(super) struct PlanReader {
    path: PathBuf,
    file: File,
    /// Offset of the first block.
    start: u64,
    pub(super) head: Head,
}

impl PlanReader {
    /// Opens the plan at `path` and reads its head.
    pub(super) fn open(path: &Path) -> Result<Self, PlanFileError> {
        let failed = |source| PlanFileError::Read { path: path.to_owned(), source };
        let damaged = |what: &str| PlanFileError::Damaged { path: path.to_owned(), what: what.to_owned() };
        // A pipe would be waited for.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(PlanFileError::NotAPlan { path: path.to_owned() });
        }
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut first = vec![0; length.min((MAGIC.len() + VERSION.len() + MAX_NOTE_BYTES) as u64) as usize];
        file.read_exact_at(&mut first, 0).map_err(failed)?;
        let start = preamble_bytes(path, &first)?;
        let cut = || damaged("it ends early");
        let at = length.checked_sub(TRAILER as u64).filter(|at| *at >= start).ok_or_else(cut)?;
        let mut trailer = [0; TRAILER];
        file.read_exact_at(&mut trailer, at).map_err(failed)?;
        let (Some(offset), Some(bytes)) = (word(&trailer, 0), word(&trailer, 8)) else { return Err(cut()) };
        if trailer[48..] != END[..] || offset < start || offset.checked_add(bytes) != Some(at) {
            return Err(cut());
        }
        if bytes > MAX_HEAD_BYTES {
            return Err(damaged("its head is larger than any"));
        }
        let mut encoded = vec![0; bytes as usize];
        file.read_exact_at(&mut encoded, offset).map_err(failed)?;
        let head: Head =
            decode(&encoded, &trailer[16..48]).ok_or_else(|| damaged("its head is not as it was written"))?;
        if first[..start as usize] != *preamble(head.key_check.is_some()).as_bytes() {
            return Err(damaged("its second line is not as it was written"));
        }
        let reader = Self { path: path.to_owned(), file, start, head };
        reader.check_blocks(offset)?;
        Ok(reader)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> PlanFileError {
        PlanFileError::Damaged { path: self.path.clone(), what: what.into() }
    }

    /// True if the blocks fill the file up to `end`, and have the rows that the head promises.
    fn check_blocks(&self, end: u64) -> Result<(), PlanFileError> {
        let blocks = || self.head.blocks.iter();
        let bytes = blocks().map(|block| u64::from(block.bytes)).sum::<u64>();
        let rows: u64 = blocks().map(|block| u64::from(block.rows)).sum();
        let limit = u64::from(u32::MAX);
        let is_sound = self.start.checked_add(bytes) == Some(end)
            && rows == self.head.rows
            && rows <= limit
            && self.head.patients <= limit
            && self.head.planned_patients <= self.head.patients;
        if is_sound { Ok(()) } else { Err(self.damaged("its blocks do not fill it")) }
    }

    /// The blocks that have a row of `rows`, each with the number of its first row.
    pub(super) fn blocks(&self, rows: std::ops::Range<u64>) -> Result<Vec<(u64, PlanBlock)>, PlanFileError> {
        let (mut at, mut first, mut found) = (self.start, 0, Vec::new());
        for entry in &self.head.blocks {
            let end = first + u64::from(entry.rows);
            if !rows.is_empty() && first < rows.end && end > rows.start {
                found.push((first, self.block(at, entry)?));
            }
            (at, first) = (at + u64::from(entry.bytes), end);
        }
        Ok(found)
    }

    fn block(&self, at: u64, entry: &BlockEntry) -> Result<PlanBlock, PlanFileError> {
        let mut encoded = vec![0; entry.bytes as usize];
        let failed = |source| PlanFileError::Read { path: self.path.clone(), source };
        self.file.read_exact_at(&mut encoded, at).map_err(failed)?;
        let block: Option<PlanBlock> = decode(&encoded, &entry.sha256);
        block
            .filter(|block| block.rows.len() == entry.rows as usize)
            .ok_or_else(|| self.damaged(format!("the rows at byte {at} are not as they were written")))
    }
}

/// The value that `bytes` with this SHA-256 encode; `None` where they have another one, or say nothing.
fn decode<T: DeserializeOwned>(bytes: &[u8], sha256: &[u8]) -> Option<T> {
    if Sha256::digest(bytes)[..] != *sha256 {
        return None;
    }
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Bytes of the first two lines.
fn preamble_bytes(path: &Path, first: &[u8]) -> Result<u64, PlanFileError> {
    let Some(rest) = first.strip_prefix(MAGIC.as_bytes()) else {
        return Err(PlanFileError::NotAPlan { path: path.to_owned() });
    };
    let Some(note) = rest.strip_prefix(VERSION.as_bytes()) else {
        let version: Vec<u8> =
            rest.iter().take_while(|byte| byte.is_ascii_digit()).take(9).copied().collect();
        let found = format!("format {}", String::from_utf8_lossy(&version));
        return Err(PlanFileError::Version { path: path.to_owned(), found });
    };
    let end = note.iter().position(|byte| *byte == b'\n');
    let what = || "its second line does not end".to_owned();
    let end = end.ok_or_else(|| PlanFileError::Damaged { path: path.to_owned(), what: what() })?;
    Ok((MAGIC.len() + VERSION.len() + end + 1) as u64)
}

#[cfg(test)]
mod tests {
    use crate::store::StackPlace;
    use std::fs;

    use super::*;
    use crate::assemble::FileMark;
    use crate::prep::plan_file::block::BlockRow;

    fn block(ids: &[&str]) -> PlanBlock {
        let row = |id: &&str| BlockRow {
            id: (*id).to_owned(),
            patient: 0,
            study: 0,
            file: 0,
            frame: 0,
            mark: FileMark { bytes: 10, start: 3 },
            place: StackPlace::UNKNOWN,
            number: None,
            annotations: Vec::new(),
            audited: Vec::new(),
            findings: String::new(),
        };
        PlanBlock { rows: ids.iter().map(row).collect(), ..PlanBlock::default() }
    }

    /// A plan of two blocks, as bytes.
    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = PlanWriter::new(&mut bytes, false).unwrap();
        writer.add(&encode(&block(&["a", "b"])).unwrap(), 2).unwrap();
        writer.add(&encode(&block(&["c"])).unwrap(), 1).unwrap();
        writer.finish(Head::sample(3)).unwrap();
        bytes
    }

    /// The ids of all rows of a plan of these bytes.
    fn read(bytes: &[u8]) -> Result<Vec<String>, PlanFileError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        let reader = PlanReader::open(file.path())?;
        let blocks = reader.blocks(0..reader.head.rows)?;
        Ok(blocks.into_iter().flat_map(|(_, block)| block.rows).map(|row| row.id).collect())
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        assert_eq!(read(&written()).unwrap(), ["a", "b", "c"]);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), written()).unwrap();
        let reader = PlanReader::open(file.path()).unwrap();
        for (rows, first) in [(0..1, vec![0]), (1..3, vec![0, 2]), (2..3, vec![2]), (1..1, vec![])] {
            let found = reader.blocks(rows).unwrap().into_iter().map(|(first, _)| first);
            assert_eq!(found.collect::<Vec<u64>>(), first);
        }
    }

    #[test]
    fn a_plan_that_ends_early_or_goes_on_is_refused() {
        let bytes = written();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{length} bytes");
        }
        let longer = [&bytes[..], b"\n"].concat();
        assert!(matches!(read(&longer), Err(PlanFileError::Damaged { .. })));
    }

    #[test]
    fn a_plan_with_any_changed_byte_is_refused() {
        let bytes = written();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "byte {at}");
        }
    }

    #[test]
    fn blocks_without_the_promised_rows_are_refused() {
        let mut bytes = Vec::new();
        let mut writer = PlanWriter::new(&mut bytes, false).unwrap();
        writer.add(&encode(&block(&["a", "b"])).unwrap(), 3).unwrap();
        writer.finish(Head::sample(3)).unwrap();
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("the rows at byte"), "{error}");
        let mut bytes = Vec::new();
        PlanWriter::new(&mut bytes, false).unwrap().finish(Head::sample(3)).unwrap();
        let error = read(&bytes).unwrap_err().to_string();
        assert!(error.contains("do not fill it"), "{error}");
    }
}
