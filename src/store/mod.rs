#![doc = include_str!("FORMAT.md")]

mod attributes;
mod chunk_codec;
mod chunk_reader;
mod chunk_span;
mod chunk_table;
mod chunked_dataset;
mod column_reader;
mod columns;
mod dataset_file;
mod deflate;
mod direct_chunk;
mod encoded_rows;
mod error;
mod filters;
mod reader;
mod row_facts;
mod sample_rows;
mod schema;
mod statistics;
mod target;
mod text_checksum;
mod whitening_file;
mod writer;

pub(crate) use schema::column;

pub use chunk_codec::{ChunkDecoder, ChunkEncoder, CodecError, Compression, EncodedChunk, Encoder};
pub use chunk_reader::ChunkReader;
pub use chunk_table::ChunkTable;
pub use column_reader::{Cell, ColumnPage, ColumnReader, ColumnWalk};
pub use columns::{AnnotationCell, SampleRow, TextWidths};
pub use dataset_file::{DatasetFile, DatasetIdentity, RowReader, TrainFigures};
pub use encoded_rows::EncodedRows;
pub use error::StoreError;
pub use filters::Applied;
pub use reader::{DatasetInfo, SplitInfo, read_info};
pub use row_facts::{AnnotationFacts, RowFacts};
pub use sample_rows::SampleRows;
pub use schema::{FORMAT, FORMAT_VERSION, PERCENTILE_LEVELS, SPLIT_DISJOINT};
pub use statistics::{ImageStatistics, Moments, ValueHistogram};
pub use target::Target;
pub use whitening_file::WhiteningFile;
pub use writer::{DatasetSpec, DatasetWriter, EncodedRow, RootAttributes, TrainStatistics};
