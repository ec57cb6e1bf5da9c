//! Writes a journal.

use std::fs::{self, File};
use std::io::{self, Write};

use super::super::StoreError;
use super::super::error::io_error;
use super::super::partial_file::Keeper;
use super::super::parts_folder::{KeptRun, PartsFolder};
use super::header::JournalHeader;
use super::run_of_rows::EncodedRun;

/// Writes the journal of one partial file. The file of the journal is made with its first rows.
pub(in crate::store) struct JournalWriter {
    folder: PartsFolder,
    number: u64,
    header: JournalHeader,
    keeper: Keeper,
    open: Option<(KeptRun, File)>,
}

impl JournalWriter {
    /// Journal number `number` in `folder`, of the partial file of `keeper`.
    pub(in crate::store) fn new(
        folder: PartsFolder,
        number: u64,
        header: JournalHeader,
        keeper: Keeper,
    ) -> Self {
        Self { folder, number, header, keeper, open: None }
    }

    /// Appends rows, which are durable, and makes the journal durable too.
    pub(in crate::store) fn append(&mut self, run: &EncodedRun) -> Result<(), StoreError> {
        let counts = [run.rows, crc32c::crc32c(&run.bytes)].map(u32::to_le_bytes);
        let counts = counts.as_flattened();
        let bytes = [counts, &crc32c::crc32c(counts).to_le_bytes(), &run.bytes].concat();
        if let Some((KeptRun { journal, .. }, file)) = &mut self.open {
            return write(file, &bytes).map_err(io_error("write", journal));
        }
        let kept = self.folder.make_run(self.number)?;
        let journal = &kept.journal;
        let mut file = File::create_new(journal).map_err(|error| {
            self.folder.remove_empty();
            io_error("create", journal)(error)
        })?;
        let written = write(&mut file, &[self.header.to_bytes(), bytes].concat())
            .and_then(|()| File::open(self.folder.path())?.sync_all());
        if let Err(error) = written {
            // A journal without rows tells nothing; what cannot be removed is removed by the next run.
            let _ = fs::remove_file(journal);
            self.folder.remove_empty();
            return Err(io_error("write", journal)(error));
        }
        self.keeper.keep(kept.partial.clone());
        self.open = Some((kept, file));
        Ok(())
    }
}

fn write(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_data()
}
