//! Batches into an output.

use super::error::SinkError;
use super::format::{BatchFormat, Format, Piece};
use super::output::Output;
use crate::order::Cursor;
use crate::stream::{Batch, BatchStart, StreamSchema};

/// Writes the batches of one stream. The tensors go from the memory of the batch to the system, not copied before.
///
/// The stream is complete with [`BatchWriter::finish`]. As long as another batch follows, the first bytes of its record are
/// written along with each batch: whatever ends the writer, its reader finds a record that does not go on. A file does not
/// appear at all without the end. After an error the stream is broken: the writer can only be dropped.
pub struct BatchWriter {
    needs_texts: bool,
    schema: StreamSchema,
    encoder: Box<dyn BatchFormat>,
    output: Box<dyn Output>,
    /// The opening of the next batch, which is written already.
    ahead: Vec<u8>,
}

impl BatchWriter {
    /// Begins a stream: writes what stands before the first batch.
    ///
    /// # Errors
    /// [`SinkError::Write`]; [`SinkError::SampleTooLarge`] where the format cannot hold such samples.
    pub fn new(
        format: &Format,
        schema: &StreamSchema,
        output: impl Output + 'static,
    ) -> Result<Self, SinkError> {
        let (mut encoder, mut output) = ((format.encoder)(schema)?, Box::new(output));
        output.write_bytes(&encoder.start())?;
        let (needs_texts, schema) = (format.needs_texts, schema.clone());
        Ok(Self { needs_texts, schema, encoder, output, ahead: Vec::new() })
    }

    /// Writes a batch completely, and the opening of the one after it. Returns one whose memory can be used again, this or
    /// an earlier one.
    ///
    /// # Errors
    /// [`SinkError::BatchDoesNotFit`] and [`SinkError::NotTheNext`], before anything of it is written;
    /// [`SinkError::Write`].
    pub fn write(&mut self, batch: Batch) -> Result<Option<Batch>, SinkError> {
        self.check(&batch)?;
        let next = batch.next.map_or_else(Vec::new, |next| self.encoder.opening(next));
        let mut pieces = self.encoder.encode(&batch);
        if !self.ahead.is_empty() {
            // The rest of a record that was opened.
            let not_next = SinkError::NotTheNext { cursor: batch.cursor };
            let Some(first) = pieces.first_mut() else { return Err(not_next) };
            let Some(rest) = first.bytes.strip_prefix(&self.ahead[..]) else { return Err(not_next) };
            *first = Piece::from(rest);
        }
        pieces.push(Piece { bytes: &next, opening: next.len() });
        self.output.write_batch(&batch, &pieces)?;
        self.ahead = next;
        Ok(self.output.release(batch))
    }

    /// Number of bytes written until now.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.output.bytes_written()
    }

    /// Ends the stream: writes what stands after the last batch and finishes the output. Returns the bytes of
    /// the whole stream.
    ///
    /// # Errors
    /// [`SinkError::Write`], [`SinkError::Store`].
    pub fn finish(mut self) -> Result<u64, SinkError> {
        self.output.write_bytes(&self.encoder.end())?;
        self.output.finish()
    }

    /// Breaks the stream off, so that no reader takes it for complete: as if the next batch was cut short after its
    /// first bytes. Errors are of no interest any more.
    pub fn abort(mut self) {
        if self.ahead.is_empty() {
            let opening = self.encoder.opening(BatchStart { cursor: Cursor::default(), position: 0 });
            // The reason why the stream ends is already reported.
            let _ = self.output.write_bytes(&opening);
        }
    }

    fn check(&self, batch: &Batch) -> Result<(), SinkError> {
        let samples = batch.samples.len();
        let texts = |texts: usize| !self.needs_texts || texts == samples;
        let parts = [
            ("images", batch.images.len() == samples * self.schema.image.sample_bytes()),
            ("masks", batch.masks.len() == samples * self.schema.mask.sample_bytes()),
            ("ids", texts(batch.ids.len())),
            ("patient ids", texts(batch.patient_ids.len())),
            ("splits", texts(batch.splits.len())),
            ("augmentations", self.schema.augmentation.is_none() || texts(batch.augmentations.len())),
        ];
        match parts.iter().find(|(_, fits)| !fits) {
            Some((part, _)) => Err(SinkError::BatchDoesNotFit { cursor: batch.cursor, part }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::output::FileOutput;
    use super::super::registry::FORMATS;
    use super::super::samples::{a_batch, a_schema, bytes_of};
    use super::*;
    use crate::stream::Texts;

    /// A writer to a new file at `path`.
    fn writer(format: &Format, path: &Path) -> BatchWriter {
        BatchWriter::new(format, &a_schema(), FileOutput::create(path, false).unwrap()).unwrap()
    }

    /// A batch that another one follows.
    fn followed(samples: usize) -> Batch {
        let batch = a_batch(samples);
        let next = BatchStart { cursor: batch.cursor, position: 40 };
        Batch { next: Some(next), ..batch }
    }

    /// The bytes of a stream of `batches`.
    fn stream(format: &Format, batches: Vec<Batch>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let mut writer = writer(format, &path);
        batches.into_iter().for_each(|batch| drop(writer.write(batch).unwrap()));
        let before_end = writer.bytes_written();
        let bytes = writer.finish().unwrap();
        let written = fs::read(path).unwrap();
        assert!(before_end <= bytes && bytes == written.len() as u64);
        written
    }

    #[test]
    fn no_batches_are_a_complete_stream() {
        let [npy, tar, arrow] = FORMATS.map(|format| stream(format, Vec::new()));
        assert!(npy.is_empty() && tar == [0; 1024]);
        assert!(arrow.starts_with(&[0xff; 4]) && arrow.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    }

    #[test]
    fn a_stream_is_what_its_encoder_says_and_openings_do_not_change_it() {
        for format in FORMATS {
            let mut encoder = (format.encoder)(&a_schema()).unwrap();
            let mut expected = encoder.start();
            for samples in [4, 1] {
                expected.extend(bytes_of(&encoder.encode(&a_batch(samples))));
            }
            expected.extend(encoder.end());
            assert_eq!(stream(format, vec![a_batch(4), a_batch(1)]), expected, "{format}");
            assert_eq!(stream(format, vec![followed(4), a_batch(1)]), expected, "{format}");
        }
    }

    #[test]
    fn a_batch_opens_the_one_that_follows() {
        for format in FORMATS {
            let null = FileOutput::create(Path::new("/dev/null"), false).unwrap();
            let mut writer = BatchWriter::new(format, &a_schema(), null).unwrap();
            writer.write(followed(2)).unwrap();
            let mut encoder = (format.encoder)(&a_schema()).unwrap();
            let next = bytes_of(&encoder.encode(&a_batch(3)));
            assert!(!writer.ahead.is_empty() && next.starts_with(&writer.ahead), "{format}");
            let mut other = a_batch(1);
            other.samples[0].position = 41;
            // Only the header of a tar says which sample it is of.
            assert_eq!(writer.write(other).is_err(), format.name == "webdataset");
        }
    }

    #[test]
    fn a_stream_that_is_broken_off_is_no_complete_one() {
        let broken = |format: &Format, batch: Batch| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("stream");
            let mut writer = writer(format, &path);
            writer.write(batch).unwrap();
            let partial = folder.path().join(".stream.partial");
            let mut written = fs::File::open(&partial).unwrap();
            writer.abort();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut written, &mut bytes).unwrap();
            bytes
        };
        for batch in [a_batch(2), followed(2)] {
            let again = || Batch { next: batch.next, ..a_batch(2) };
            let [npy, tar, arrow] = FORMATS.map(|format| broken(format, again()));
            assert!(npy.ends_with(b"\x93NUMPY\x01\x00"));
            let mut archive = tar::Archive::new(&tar[..]);
            let read =
                |entry: std::io::Result<tar::Entry<'_, _>>| std::io::copy(&mut entry?, &mut std::io::sink());
            let entries: Vec<_> = archive.entries().unwrap().map(read).collect();
            assert!(
                entries[..6].iter().all(Result::is_ok) && entries.last().unwrap().is_err(),
                "{entries:?}"
            );
            let batches: Vec<_> =
                arrow_ipc::reader::StreamReader::try_new(&arrow[..], None).unwrap().collect();
            assert!(batches[0].is_ok() && arrow.ends_with(&[0xff; 4]));
        }
    }

    #[test]
    fn a_dropped_writer_leaves_nothing() {
        for format in FORMATS {
            let folder = tempfile::tempdir().unwrap();
            let mut writer = writer(format, &folder.path().join("stream"));
            writer.write(a_batch(2)).unwrap();
            drop(writer);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{format}");
        }
    }

    #[test]
    fn a_batch_that_does_not_fit_is_not_written() {
        let null = || FileOutput::create(Path::new("/dev/null"), false).unwrap();
        for format in FORMATS {
            let mut writer = BatchWriter::new(format, &a_schema(), null()).unwrap();
            let before = writer.bytes_written();
            let mut batch = a_batch(2);
            batch.masks.resize(59).unwrap();
            let error = writer.write(batch).unwrap_err();
            assert_eq!(
                error.to_string(),
                "batch 3:20: its masks do not fit its number of samples and the schema of the stream"
            );
            let no_texts = Batch { patient_ids: Texts::default(), ..a_batch(2) };
            assert_eq!(writer.write(no_texts).is_err(), format.needs_texts);
            assert_eq!(writer.bytes_written() == before, format.needs_texts);
        }
    }
}
