//! The address and size of chunks, in memory or in a temporary file.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use hdf5::Dataset;

use super::StoreError;
use super::error::{hdf5_error, io_error};

/// Bytes of spans that are written to the temporary file together.
const SPILLED_TOGETHER: usize = 1 << 16;

/// The spans of a dataset's chunks, by the number of the chunk.
#[derive(Debug)]
pub(super) enum Spans {
    Memory(Vec<Span>),
    /// One [`Span`] after the other, as [`Span::to_bytes`] writes it.
    Spilled(File),
}

/// One chunk. An address of 0, where the file begins, stands for a chunk that was never written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) address: u64,
    pub(super) bytes: u32,
    pub(super) filters_left_out: u32,
}

impl Spans {
    /// The span of chunk `chunk`.
    pub(super) fn get(&self, chunk: usize) -> io::Result<Span> {
        match self {
            Self::Memory(spans) => Ok(spans.get(chunk).copied().unwrap_or_default()),
            Self::Spilled(file) => {
                let mut bytes = [0; Span::BYTES];
                file.read_exact_at(&mut bytes, (chunk * Span::BYTES) as u64)?;
                Ok(Span::from_bytes(bytes))
            }
        }
    }

    /// The spans of the first `chunks` chunks of `dataset`, each of `chunk_rows` rows, in memory where they are
    /// no more than `in_memory`.
    pub(super) fn read(
        in_memory: usize,
        dataset: &Dataset,
        chunks: usize,
        chunk_rows: usize,
        path: &Path,
    ) -> Result<Self, StoreError> {
        let temporary = io_error("make a temporary file for the chunk index of", path);
        let mut gathered = if chunks <= in_memory {
            Gathered::Memory(vec![Span::default(); chunks])
        } else {
            Gathered::Spilled(SpilledSpans::new(chunks).map_err(&temporary)?)
        };
        let mut failed = None;
        let gather = |chunk: hdf5::dataset::ChunkInfoRef<'_>| {
            let number = usize::try_from(chunk.offset[0]).map_or(usize::MAX, |row| row / chunk_rows);
            // HDF5 has no larger chunks; one of 0 bytes is none.
            let span = Span {
                address: chunk.addr,
                bytes: u32::try_from(chunk.size).unwrap_or(0),
                filters_left_out: chunk.filter_mask,
            };
            failed = gathered.put(number, span).err();
            i32::from(failed.is_some())
        };
        let visited = dataset.chunks_visit(gather);
        if let Some(error) = failed {
            return Err(temporary(error));
        }
        visited.map_err(hdf5_error("read the chunk index of", path))?;
        match gathered {
            Gathered::Memory(spans) => Ok(Self::Memory(spans)),
            Gathered::Spilled(spilled) => spilled.finish().map(Self::Spilled).map_err(&temporary),
        }
    }
}

/// Spans that are being gathered.
enum Gathered {
    Memory(Vec<Span>),
    Spilled(SpilledSpans),
}

impl Gathered {
    fn put(&mut self, chunk: usize, span: Span) -> io::Result<()> {
        match self {
            Self::Memory(spans) => {
                if let Some(slot) = spans.get_mut(chunk) {
                    *slot = span;
                }
                Ok(())
            }
            Self::Spilled(spilled) => spilled.put(chunk, span),
        }
    }
}

/// Spans on their way to a temporary file; consecutive ones are written together.
struct SpilledSpans {
    file: File,
    chunks: usize,
    first: usize,
    run: Vec<u8>,
}

impl SpilledSpans {
    fn new(chunks: usize) -> io::Result<Self> {
        let file = tempfile::tempfile()?;
        // What is not written reads as zeros: chunks that do not exist.
        file.set_len(chunks as u64 * Span::BYTES as u64)?;
        Ok(Self { file, chunks, first: 0, run: Vec::with_capacity(SPILLED_TOGETHER) })
    }

    fn put(&mut self, chunk: usize, span: Span) -> io::Result<()> {
        if chunk >= self.chunks {
            return Ok(());
        }
        if chunk != self.first + self.run.len() / Span::BYTES || self.run.len() >= SPILLED_TOGETHER {
            self.flush()?;
            self.first = chunk;
        }
        self.run.extend_from_slice(&span.to_bytes());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.run, (self.first * Span::BYTES) as u64)?;
        self.run.clear();
        Ok(())
    }

    fn finish(mut self) -> io::Result<File> {
        self.flush()?;
        Ok(self.file)
    }
}

impl Span {
    const BYTES: usize = 16;

    fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.address.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[12..].copy_from_slice(&self.filters_left_out.to_le_bytes());
        bytes
    }

    fn from_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]: [u8; Self::BYTES]) -> Self {
        Self {
            address: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            bytes: u32::from_le_bytes([i, j, k, l]),
            filters_left_out: u32::from_le_bytes([m, n, o, p]),
        }
    }
}
