//! Reads a journal that a run has left.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::super::StoreError;
use super::super::error::io_error;
use super::super::parts_folder::KeptRun;
use super::header::JournalHeader;
use super::row::JournalRow;

/// Bytes before the rows of a run: their number, their CRC-32C, and the CRC-32C of both.
const RUN_START: usize = 12;

/// A journal, and the partial file that it tells of.
pub struct Journal {
    path: PathBuf,
    file: File,
    pub(super) partial: File,
    header: JournalHeader,
    row_bytes: usize,
    /// Of each run, the number of its first row, and the byte at which that begins.
    runs: Vec<(usize, u64)>,
    rows: usize,
    flaw: Option<String>,
}

impl Journal {
    /// Opens what a run has left. A run of rows at the end that was not completely written does not count.
    ///
    /// # Errors
    /// [`StoreError::Io`] where one of the files cannot be opened, [`StoreError::NotOurs`] where the journal has no
    /// header.
    pub fn open(run: &KeptRun) -> Result<Self, StoreError> {
        let KeptRun { journal: path, partial, .. } = run;
        let failed = io_error("read", path);
        let open = |path| File::open(path).map_err(io_error("open", path));
        let (file, partial) = (open(path)?, open(partial)?);
        let mut start = Vec::new();
        (&file).take(JournalHeader::LONGEST).read_to_end(&mut start).map_err(&failed)?;
        let not_ours = |why: &str| StoreError::NotOurs { path: path.clone(), why: why.to_owned() };
        let (header, end) = JournalHeader::parse(&start).map_err(not_ours)?;
        let row_bytes = header.row_bytes().and_then(|_| JournalRow::bytes(header.structures));
        let row_bytes = row_bytes.ok_or_else(|| not_ours("its header says what no rows are"))?;
        let (path, runs) = (path.clone(), Vec::new());
        let mut journal = Self { path, file, partial, header, row_bytes, runs, rows: 0, flaw: None };
        journal.read_runs(end)?;
        Ok(journal)
    }

    fn read_runs(&mut self, mut at: u64) -> Result<(), StoreError> {
        let path = self.path.clone();
        let failed = io_error("read", &path);
        let size = self.file.metadata().map_err(&failed)?.len();
        let mut rows = Vec::new();
        while size.saturating_sub(at) >= RUN_START as u64 {
            let mut start = [0; RUN_START];
            self.file.read_exact_at(&mut start, at).map_err(&failed)?;
            // The system may have made room for what it has not written yet.
            if start == [0; RUN_START] {
                break;
            }
            let [count, of_rows, of_start] =
                [0, 4, 8].map(|place| u32::from_le_bytes([0, 1, 2, 3].map(|byte| start[place + byte])));
            if crc32c::crc32c(&start[..8]) != of_start {
                self.flaw = Some(format!("what it says at byte {at} and after that is damaged"));
                break;
            }
            let first = at + RUN_START as u64;
            let Some(bytes) = (count as u64).checked_mul(self.row_bytes as u64) else { break };
            if size - first < bytes {
                break;
            }
            // No more than the file has.
            rows.resize(bytes as usize, 0);
            self.file.read_exact_at(&mut rows, first).map_err(&failed)?;
            if crc32c::crc32c(&rows) == of_rows {
                self.runs.push((self.rows, first));
                self.rows += count as usize;
            } else {
                self.flaw = Some(format!("what it says about the {count} rows at byte {first} is damaged"));
            }
            at = first + bytes;
        }
        Ok(())
    }

    /// Shape of the rows, and the options that made them.
    #[must_use]
    pub fn header(&self) -> &JournalHeader {
        &self.header
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The damaged part of the journal.
    #[must_use]
    pub fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }

    /// The facts about row `row`.
    ///
    /// # Errors
    /// [`StoreError::Io`] where the journal cannot be read, [`StoreError::Flawed`] where it has no such row.
    pub fn row(&self, row: usize) -> Result<JournalRow, StoreError> {
        let run = self.runs.partition_point(|(first, _)| *first <= row).checked_sub(1);
        let absent = || StoreError::Flawed {
            path: self.path.clone(),
            place: format!("row {row}"),
            what: "it is not there".to_owned(),
        };
        let (first, start) = run.and_then(|run| self.runs.get(run)).ok_or_else(absent)?;
        let mut bytes = vec![0; self.row_bytes];
        let address = start + ((row - first) * self.row_bytes) as u64;
        self.file.read_exact_at(&mut bytes, address).map_err(io_error("read", &self.path))?;
        JournalRow::parse(&bytes, self.header.structures).ok_or_else(absent)
    }
}
