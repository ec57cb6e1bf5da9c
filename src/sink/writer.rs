//! Batches into an output.

use super::arrow_ipc::ArrowEncoder;
use super::error::SinkError;
use super::format::Format;
use super::npy::NpyEncoder;
use super::output::Output;
use super::webdataset_tar::TarEncoder;
use crate::stream::{Batch, StreamSchema};

/// Writes the batches of one stream. The tensors go from the memory of the batch to the system, not copied before.
///
/// The stream is complete with [`BatchWriter::finish`]; without it, it has no end marker, and a file does not
/// appear at all. After an error the stream is broken: the writer can only be dropped.
#[derive(Debug)]
pub struct BatchWriter {
    format: Format,
    schema: StreamSchema,
    encoder: Encoder,
    output: Output,
}

#[derive(Debug)]
enum Encoder {
    Npy(NpyEncoder),
    WebDataset(TarEncoder),
    Arrow(ArrowEncoder),
}

impl BatchWriter {
    /// Begins a stream: writes what stands before the first batch.
    ///
    /// # Errors
    /// [`SinkError::Write`]; [`SinkError::SampleTooLarge`] where the format cannot hold such samples.
    pub fn new(format: Format, schema: &StreamSchema, mut output: Output) -> Result<Self, SinkError> {
        let encoder = match format {
            Format::Npy => Encoder::Npy(NpyEncoder::new(schema)),
            Format::WebDataset => Encoder::WebDataset(TarEncoder::new(schema)),
            Format::Arrow => {
                let (encoder, start) = ArrowEncoder::new(schema)?;
                output.write_all(&[&start])?;
                Encoder::Arrow(encoder)
            }
        };
        Ok(Self { format, schema: schema.clone(), encoder, output })
    }

    /// Writes a batch completely. Returns one whose memory can be used again, this or an earlier one.
    ///
    /// # Errors
    /// [`SinkError::BatchDoesNotFit`], before anything of it is written; [`SinkError::Write`].
    pub fn write(&mut self, batch: Batch) -> Result<Option<Batch>, SinkError> {
        self.check(&batch)?;
        let pieces = match &mut self.encoder {
            Encoder::Npy(encoder) => encoder.encode(&batch),
            Encoder::WebDataset(encoder) => encoder.encode(&batch),
            Encoder::Arrow(encoder) => encoder.encode(&batch),
        };
        self.output.write_batch(&batch, &pieces)?;
        Ok(self.output.release(batch))
    }

    /// How many bytes were written until now.
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
        let end = match self.encoder {
            Encoder::Npy(_) => &[],
            Encoder::WebDataset(_) => TarEncoder::end(),
            Encoder::Arrow(_) => ArrowEncoder::end(),
        };
        self.output.write_all(&[end])?;
        self.output.finish()
    }

    /// Breaks the stream off, so that no reader takes it for complete: as if the next batch was cut short after its
    /// first bytes. Whoever does not take them any more is not told.
    pub fn abort(mut self) {
        let cut = match self.encoder {
            Encoder::Npy(_) => NpyEncoder::cut(),
            Encoder::WebDataset(_) => TarEncoder::cut(),
            Encoder::Arrow(_) => ArrowEncoder::cut(),
        };
        // The reason why the stream ends is told already.
        let _ = self.output.write_all(&[&cut]);
    }

    fn check(&self, batch: &Batch) -> Result<(), SinkError> {
        let samples = batch.samples.len();
        let texts = |texts: usize| !self.format.needs_texts() || texts == samples;
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

    use super::super::npy::npy_head;
    use super::super::samples::{a_batch, a_schema};
    use super::*;
    use crate::stream::Texts;

    /// The bytes of a stream of batches of these numbers of samples.
    fn stream(format: Format, batches: &[usize]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stream");
        let output = Output::create(&path, false).unwrap();
        let mut writer = BatchWriter::new(format, &a_schema(), output).unwrap();
        for samples in batches {
            writer.write(a_batch(*samples)).unwrap();
        }
        let before_end = writer.bytes_written();
        let bytes = writer.finish().unwrap();
        let written = fs::read(path).unwrap();
        assert!(before_end <= bytes && bytes == written.len() as u64);
        written
    }

    #[test]
    fn no_batches_are_a_complete_stream() {
        assert!(stream(Format::Npy, &[]).is_empty());
        assert_eq!(stream(Format::WebDataset, &[]), [0; 1024]);
        let arrow = stream(Format::Arrow, &[]);
        assert!(arrow.starts_with(&[0xff; 4]) && arrow.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    }

    #[test]
    fn a_stream_is_what_its_encoder_says() {
        let mut npy = NpyEncoder::new(&a_schema());
        let first = npy.encode(&a_batch(4)).concat();
        assert_eq!(stream(Format::Npy, &[4, 1]), [first, npy.encode(&a_batch(1)).concat()].concat());
        let mut tar = TarEncoder::new(&a_schema());
        let body = tar.encode(&a_batch(2)).concat();
        assert_eq!(stream(Format::WebDataset, &[2]), [&body, TarEncoder::end()].concat());
        let (mut arrow, start) = ArrowEncoder::new(&a_schema()).unwrap();
        let body = arrow.encode(&a_batch(2)).concat();
        assert_eq!(stream(Format::Arrow, &[2]), [&start, &body, ArrowEncoder::end()].concat());
    }

    #[test]
    fn a_stream_that_is_broken_off_is_no_complete_one() {
        let schema = a_schema();
        let npy = [NpyEncoder::new(&schema).encode(&a_batch(2)).concat(), NpyEncoder::cut()].concat();
        let whole = [NpyEncoder::new(&schema).encode(&a_batch(2)).concat(), npy_head(&schema.image, Some(2))];
        assert!(whole.concat().starts_with(&npy) && npy.len() > whole[0].len());
        let archive = [TarEncoder::new(&schema).encode(&a_batch(2)).concat(), TarEncoder::cut()].concat();
        let mut archive = tar::Archive::new(&archive[..]);
        let read =
            |entry: std::io::Result<tar::Entry<'_, _>>| std::io::copy(&mut entry?, &mut std::io::sink());
        let entries: Vec<_> = archive.entries().unwrap().map(read).collect();
        assert!(entries[..6].iter().all(Result::is_ok) && entries.last().unwrap().is_err(), "{entries:?}");
        let (mut encoder, start) = ArrowEncoder::new(&schema).unwrap();
        let stream = [start, encoder.encode(&a_batch(2)).concat(), ArrowEncoder::cut()].concat();
        let batches: Vec<_> = arrow_ipc::reader::StreamReader::try_new(&stream[..], None).unwrap().collect();
        assert!(batches[0].is_ok() && batches[1].is_err());
    }

    #[test]
    fn a_dropped_writer_leaves_nothing() {
        for format in Format::ALL {
            let folder = tempfile::tempdir().unwrap();
            let output = Output::create(&folder.path().join("stream"), false).unwrap();
            let mut writer = BatchWriter::new(format, &a_schema(), output).unwrap();
            writer.write(a_batch(2)).unwrap();
            drop(writer);
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{format}");
        }
    }

    #[test]
    fn a_batch_that_does_not_fit_is_not_written() {
        let null = || Output::create(Path::new("/dev/null"), false).unwrap();
        for format in Format::ALL {
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
            assert_eq!(writer.write(no_texts).is_err(), format.needs_texts());
            assert_eq!(writer.bytes_written() == before, format.needs_texts());
        }
    }
}
