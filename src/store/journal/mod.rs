//! The journal of a file that is being written: it tells a run that continues which rows of the partial file are whole, and
//! where they stand.
//!
//! A partial file has no index that could be believed, and the library is never asked to read one. The journal names, for
//! each row, the address, length and CRC-32C of its chunks. It is appended to after the chunks are durable, for a run of
//! rows at a time.
//!
//! | bytes | |
//! |---|---|
//! | 20 | `dicomprep journal 2` and a line feed |
//! | 4 | length of the header |
//! | | the header: JSON, what the rows are and which options made them |
//! | 4 | CRC-32C of the header |
//! | | for each run: the number of rows, the CRC-32C of the rows, and the CRC-32C of these 8 bytes, 4 bytes each; the rows |
//!
//! Numbers are little endian. All rows take the same number of bytes.

mod chunk_finder;
mod header;
mod kept_rows;
mod reader;
mod row;
mod run_of_rows;
mod writer;

pub use header::JournalHeader;
pub use kept_rows::KeptRows;
pub use reader::Journal;
pub use row::{JournalRow, KeptAnnotation, KeptChunk};

pub(super) use run_of_rows::{EncodedRun, RunOfRows};
pub(super) use writer::JournalWriter;
