//! Every name, type and version of the file format. What it means stands in `docs/format.md`.

/// Root attribute `format`.
pub const FORMAT: &str = "dicomprep";
/// Root attribute `format_version`, `major.minor`. Readers refuse a major part they do not know.
pub const FORMAT_VERSION: &str = "1.5";
/// The major version this code writes and reads.
pub(super) const FORMAT_MAJOR: &str = "1";
/// The minor version this code writes.
pub(super) const FORMAT_MINOR: u32 = 5;

/// Root attribute `format` of a whitening file.
pub(super) const ZCA_FORMAT: &str = "dicomprep zca";
/// Root attribute `format_version` of a whitening file.
pub(super) const ZCA_FORMAT_VERSION: &str = "1.0";

pub(super) const IMAGES: &str = "images";
pub(super) const MASKS: &str = "masks";
pub(super) const SAMPLES: &str = "samples";
/// The group that only shards have.
pub(super) const SHARD: &str = "shard";
/// The group of a file with folds: in it one for each, named by its number, whose attributes are statistics.
pub(super) const FOLDS: &str = "folds";
/// The minor version of the format from which on each fold has statistics.
pub(super) const FOLDS_SINCE: u32 = 4;
/// The minor version of the format from which on each channel of colour images has percentiles.
pub(super) const CHANNEL_PERCENTILES_SINCE: u32 = 5;
/// The dataset of a whitening file.
pub(super) const MATRIX: &str = "matrix";

pub(super) const IMAGE_DIMENSIONS: [&str; 4] = ["sample", "row", "column", "channel"];
pub(super) const MASK_DIMENSIONS: [&str; 4] = ["sample", "row", "column", "structure"];

/// The levels of the attribute `train_percentiles`, in per cent.
pub const PERCENTILE_LEVELS: [f64; 5] = [0.5, 2.0, 50.0, 98.0, 99.5];

/// The attribute `split_disjoint` of a file with splits: what no two of them share.
pub const SPLIT_DISJOINT: [&str; 2] = [column::PATIENT_ID, "image"];

/// Up to so many attributes and links stand in the header of their object, and again once there are fewer than the
/// second number; beyond, HDF5 builds a heap and two trees for them.
pub(super) const COMPACT: (u32, u32) = (64, 48);

pub(super) const ROW_MAJOR_NOTE: &str =
    "Axes are in C (row-major) order, as h5py shows them; MATLAB, Julia and R list them reversed.";

/// Root attribute `documentation`.
pub(super) const DOCUMENTATION: &str = "docs/format.md in the source of dicomprep; each column of /samples and /shard has units and a description";

/// Root and dataset attributes.
pub(super) mod attribute {
    pub(in crate::store) const FORMAT: &str = "format";
    pub(in crate::store) const FORMAT_VERSION: &str = "format_version";
    pub(in crate::store) const GENERATOR: &str = "generator";
    pub(in crate::store) const MASK_RULE: &str = "mask_rule";
    pub(in crate::store) const STRUCTURES: &str = "structures";
    pub(in crate::store) const SAMPLES: &str = "samples";
    pub(in crate::store) const PATIENTS: &str = "patients";
    pub(in crate::store) const SPLIT_RULE: &str = "split_rule";
    pub(in crate::store) const SPLIT_SEED: &str = "split_seed";
    pub(in crate::store) const SPLIT_JOINED: &str = "split_joined";
    pub(in crate::store) const SPLIT_LEFT_OUT: &str = "split_left_out";
    pub(in crate::store) const SPLIT_DISJOINT: &str = "split_disjoint";
    pub(in crate::store) const CONFIG: &str = "config";
    pub(in crate::store) const SOURCE_DIGEST: &str = "source_digest";
    pub(in crate::store) const ROW_MAJOR_NOTE: &str = "row_major_note";
    pub(in crate::store) const TEXT_CHECKSUM: &str = "text_checksum";
    /// Of a column.
    pub(in crate::store) const CHECKSUM: &str = "checksum";
    pub(in crate::store) const UNITS: &str = "units";
    /// Of a column.
    pub(in crate::store) const DESCRIPTION: &str = "description";
    pub(in crate::store) const DOCUMENTATION: &str = "documentation";
    pub(in crate::store) const DIMENSION_LABELS: &str = "DIMENSION_LABELS";
    pub(in crate::store) const TRAIN_MEAN: &str = "train_mean";
    pub(in crate::store) const TRAIN_STD: &str = "train_std";
    pub(in crate::store) const TRAIN_MIN: &str = "train_min";
    pub(in crate::store) const TRAIN_MAX: &str = "train_max";
    /// Those of each channel of colour images: mean, standard deviation, minimum, maximum.
    pub(in crate::store) const TRAIN_CHANNELS: [&str; 4] =
        ["train_channel_mean", "train_channel_std", "train_channel_min", "train_channel_max"];
    pub(in crate::store) const TRAIN_PERCENTILES: &str = "train_percentiles";
    /// Those of each channel of colour images.
    pub(in crate::store) const TRAIN_CHANNEL_PERCENTILES: &str = "train_channel_percentiles";
    pub(in crate::store) const TRAIN_PERCENTILE_LEVELS: &str = "train_percentile_levels";
}

/// Root attributes that only a virtual file has.
pub(super) mod virtual_attribute {
    pub(in crate::store) const FILES: &str = "virtual_files";
    pub(in crate::store) const IDENTITIES: &str = "virtual_identities";
    pub(in crate::store) const RUNS: &str = "virtual_runs";
}

/// Attributes of the group `/shard`.
pub(super) mod shard_attribute {
    pub(in crate::store) const INDEX: &str = "index";
    pub(in crate::store) const COUNT: &str = "count";
    pub(in crate::store) const PLAN_ROWS: &str = "plan_rows";
    pub(in crate::store) const PATIENTS: &str = "patients";
    pub(in crate::store) const PLANNED_PATIENTS: &str = "planned_patients";
    pub(in crate::store) const PLAN_DIGEST: &str = "plan_digest";
    pub(in crate::store) const BONDS: &str = "bonds";
    pub(in crate::store) const HISTOGRAM_BINS: &str = "histogram_bins";
    pub(in crate::store) const HISTOGRAM_COUNTS: &str = "histogram_counts";
    pub(in crate::store) const HISTOGRAM_CHECKSUM: &str = "histogram_checksum";
}

/// Columns of the group `/shard`.
pub(super) mod shard {
    pub(in crate::store) const NUMBER: &str = "number";
    pub(in crate::store) const PATIENT: &str = "patient";
    pub(in crate::store) const SPLIT: &str = "split";
    pub(in crate::store) const STATISTICS: &str = "statistics";
    pub(in crate::store) const ANNOTATION_SOURCE: &str = "annotation_source";
    pub(in crate::store) const CHUNK_CHECKSUM: &str = "chunk_checksum";
}

/// Root attributes that only a whitening file has.
pub(super) mod zca_attribute {
    pub(in crate::store) const SHAPE: &str = "shape";
    pub(in crate::store) const EPSILON: &str = "epsilon";
    pub(in crate::store) const RANK: &str = "rank";
    pub(in crate::store) const RESCALE: &str = "rescale";
    pub(in crate::store) const FEATUREWISE_CENTER: &str = "featurewise_center";
    pub(in crate::store) const FEATUREWISE_STD_NORMALIZATION: &str = "featurewise_std_normalization";
    pub(in crate::store) const MEAN: &str = "mean";
    pub(in crate::store) const STD: &str = "std";
    pub(in crate::store) const CHECKSUM: &str = "checksum";
}

/// Columns of the group `/samples`.
pub(crate) mod column {
    pub(crate) const ID: &str = "id";
    pub(crate) const PATIENT_ID: &str = "patient_id";
    pub(crate) const ORIGINAL_ID: &str = "original_id";
    pub(crate) const INSTANCE: &str = "instance";
    pub(crate) const FRAME: &str = "frame";
    pub(crate) const SOURCE: &str = "source";
    pub(crate) const SOURCE_SHA256: &str = "source_sha256";
    pub(crate) const ANNOTATED: &str = "annotated";
    pub(crate) const ANNOTATION_SHA256: &str = "annotation_sha256";
    pub(crate) const MASK_PIXELS: &str = "mask_pixels";
    pub(crate) const CONTOUR_AREA: &str = "contour_area";
    pub(crate) const SPLIT: &str = "split";
    pub(crate) const FOLD: &str = "fold";
    pub(crate) const FINDINGS: &str = "findings";
    pub(crate) const ROWS: &str = "rows";
    pub(crate) const COLUMNS: &str = "columns";
    pub(crate) const PIXEL_SPACING: &str = "pixel_spacing";
    pub(crate) const IMAGE_POSITION: &str = "image_position";
    pub(crate) const IMAGE_ORIENTATION: &str = "image_orientation";
    pub(crate) const IMAGE_ROWS: &str = "image_rows";
    pub(crate) const IMAGE_COLUMNS: &str = "image_columns";
    pub(crate) const SPACING: &str = "spacing";
    pub(crate) const POSITION: &str = "position";
    pub(crate) const STACK: &str = "stack";
    pub(crate) const STACK_POSITION: &str = "stack_position";
    pub(crate) const TRIGGER_TIME: &str = "trigger_time";
    pub(crate) const WINDOW: &str = "window";
    pub(crate) const WINDOW_FUNCTION: &str = "window_function";
    pub(crate) const PADDING_RANGE: &str = "padding_range";
    pub(crate) const PADDING_PIXELS: &str = "padding_pixels";
    pub(crate) const VALUE_RANGE: &str = "value_range";
    pub(crate) const CHECKSUM: &str = "checksum";
}

/// Version of the HDF5 library that is linked in, as `2.2.0`.
#[must_use]
pub fn hdf5_version() -> String {
    let (major, minor, release) = hdf5::library_version();
    format!("{major}.{minor}.{release}")
}
