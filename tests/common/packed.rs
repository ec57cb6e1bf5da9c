//! A packed file whose contents follow from the number of the row.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::Path;

use dicomprep::model::{Geometry, GridShape, PaddingRange, PixelType, Pixels, StructureSet};
use dicomprep::store::{
    AnnotationCell, ChunkEncoder, Compression, DatasetSpec, DatasetWriter, EncodedChunk, EncodedRow, Encoder,
    ImageStatistics, LateCells, Moments, NO_FOLD, PixelHistogram, RecordedStatistics, RootAttributes,
    SampleRow, StackPlace, Target, TextWidth, TextWidths, TrainStatistics,
};
use dicomprep::stream::{ImageDtype, StreamOptions, StreamWork};

/// Rows and columns of the images.
pub(crate) const SHAPE: [usize; 2] = [12, 16];
const PIXELS: usize = SHAPE[0] * SHAPE[1];

/// Pixels of row `row`.
pub(crate) fn image(row: usize) -> Vec<i16> {
    (0..PIXELS).map(|pixel| (row * 7 % 30_000 + pixel % 50) as i16 - 100).collect()
}

/// The mask of row `row`, one plane.
pub(crate) fn mask(row: usize) -> Vec<u8> {
    (0..PIXELS).map(|pixel| u8::from(pixel % (row % 9 + 2) == 0)).collect()
}

/// The bytes of the image and the mask of `row` as they are stored.
pub(crate) fn stored(row: usize) -> [Vec<u8>; 2] {
    [image(row).iter().flat_map(|pixel| pixel.to_le_bytes()).collect(), mask(row)]
}

/// Writes a file of `rows` rows, ten of each patient, the first half of them in train, the others in val.
pub(crate) fn write_file(path: &Path, rows: usize, level: u8) {
    let spec = spec(rows, level);
    let compression = spec.compression;
    let mut writer = DatasetWriter::create(Target::claim(path, true).unwrap(), spec).unwrap();
    let mut encoder = ChunkEncoder::new(compression, Encoder::Planes);
    let (mut moments, mut histogram) = (Moments::default(), PixelHistogram::new(PixelType::Int16, 1));
    for row in 0..rows {
        let pixels = Pixels::Int16(image(row));
        let statistics = ImageStatistics::of(&pixels, 1);
        moments.add(&statistics);
        histogram.add(&pixels);
        let [mut image, mut mask] = [EncodedChunk::default(), EncodedChunk::default()];
        let stored = stored(row);
        encoder.encode(&stored[0], 2, &mut image);
        encoder.encode(&stored[1], 1, &mut mask);
        let row = sample_row(row, &stored);
        writer.append(&EncodedRow { row, image, mask, statistics }).unwrap();
    }
    let splits: Vec<&str> =
        (0..rows).map(|row| if row / 10 < rows.div_ceil(20) { "train" } else { "val" }).collect();
    let train = TrainStatistics { moments, percentiles: histogram.percentiles() };
    let statistics = RecordedStatistics { train, without_fold: Vec::new() };
    let cells = LateCells { splits: &splits, folds: &vec![NO_FOLD; rows], findings: &vec![""; rows] };
    writer.finish(&root(rows), &statistics, &cells).unwrap();
}

/// Room of texts of so many bytes of ASCII.
fn width(bytes: usize) -> TextWidth {
    TextWidth { bytes, is_ascii: true }
}

/// What is known of a file of `rows` rows before the first is written.
pub(crate) fn spec(rows: usize, level: u8) -> DatasetSpec {
    DatasetSpec {
        shape: GridShape::new(SHAPE[0], SHAPE[1]).unwrap(),
        channels: 1,
        pixel_type: PixelType::Int16,
        structures: StructureSet::new(["inner"]).unwrap(),
        compression: Compression::new(level).unwrap(),
        encoder: Encoder::Planes,
        capacity: rows,
        text_widths: TextWidths {
            id: width(20),
            patient_id: width(10),
            original_id: width(10),
            source: width(20),
        },
        shard: None,
    }
}

/// The attributes of a file of `rows` rows.
pub(crate) fn root(rows: usize) -> RootAttributes {
    RootAttributes {
        mask_rule: "center".to_owned(),
        patients: rows.div_ceil(10),
        split_rule: "by halves".to_owned(),
        split_seed: 0,
        split_joined: Vec::new(),
        split_left_out: Vec::new(),
        config: "{}".to_owned(),
        source_digest: String::new(),
        units: "stored value".to_owned(),
        images_disjoint: true,
    }
}

fn sample_row(row: usize, stored: &[Vec<u8>; 2]) -> SampleRow {
    let pixels = image(row);
    let (lowest, highest) = (pixels.iter().min().copied().unwrap(), pixels.iter().max().copied().unwrap());
    let mask_pixels = stored[1].iter().map(|pixel| i32::from(*pixel)).sum();
    SampleRow {
        id: format!("P{}/{row}", row / 10),
        patient_id: format!("P{}", row / 10),
        original_id: format!("O{}", row / 10),
        instance: row as i32,
        frame: 0,
        source: format!("dicoms/{row}.dcm"),
        source_sha256: [0; 32],
        annotations: vec![AnnotationCell { sha256: Some([1; 32]), mask_pixels, contour_area: 1.0 }],
        source_shape: GridShape::new(SHAPE[0], SHAPE[1]).unwrap(),
        image_shape: GridShape::new(SHAPE[0], SHAPE[1]).unwrap(),
        geometry: Geometry::ABSENT,
        spacing: [f64::NAN; 2],
        position: [f64::NAN; 3],
        place: StackPlace::UNKNOWN,
        value_range: [f32::from(lowest), f32::from(highest)],
        padding: PaddingRange::NONE,
        padding_pixels: 0,
        checksum: [crc32c::crc32c(&stored[0]), crc32c::crc32c(&stored[1])],
    }
}

/// Options of a stream of stored values in the order of the file.
pub(crate) fn options() -> StreamOptions {
    StreamOptions {
        batch_size: NonZeroU64::new(8).unwrap(),
        image_dtype: ImageDtype::Stored,
        shuffle: false,
        ..StreamOptions::default()
    }
}

/// Work on two threads.
pub(crate) fn work() -> StreamWork {
    StreamWork {
        threads: NonZeroUsize::new(2).unwrap(),
        prefetch: NonZeroUsize::new(4).unwrap(),
        ..StreamWork::default()
    }
}
