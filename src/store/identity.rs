//! Attributes of a file as a whole: its identity, and the statistics of its pixels.

use std::fmt;

use super::attributes;
use super::schema::{PERCENTILE_LEVELS, attribute};

/// The statistics of one channel of the train split.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ChannelFigures {
    /// Of attribute `train_channel_mean`.
    pub mean: Option<f64>,
    /// Of attribute `train_channel_std`, of the population.
    pub std: Option<f64>,
    /// Of attribute `train_channel_min`.
    pub min: Option<f64>,
    /// Of attribute `train_channel_max`.
    pub max: Option<f64>,
    /// The first and the last of the channel in `train_channel_percentiles`; in files older than format 1.5, which have
    /// none, those of all channels together.
    pub outer_percentiles: Option<[f64; 2]>,
}

/// The statistics of the pixels of the train split, as far as the file has them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrainFigures {
    /// Attribute `train_mean`.
    pub mean: Option<f64>,
    /// Attribute `train_std`, of the population.
    pub std: Option<f64>,
    /// Attribute `train_min`.
    pub min: Option<f64>,
    /// Attribute `train_max`.
    pub max: Option<f64>,
    /// The first and the last of `train_percentiles`: 0.5 and 99.5 per cent.
    pub outer_percentiles: Option<[f64; 2]>,
    /// Those of red, green and blue; `None` where the file has none, as of images of one channel.
    pub channels: Option<[ChannelFigures; 3]>,
}

/// Values that tell a data set from others: its sources, its options and its statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct DatasetIdentity {
    /// Attribute `source_digest`.
    pub source_digest: String,
    /// Attribute `config`.
    pub config: String,
    /// Rows, columns and channels of the images.
    pub shape: [usize; 3],
    /// [`TrainFigures::mean`].
    pub train_mean: Option<f64>,
    /// [`TrainFigures::std`].
    pub train_std: Option<f64>,
}

/// The attributes that the rows do not decide.
#[derive(Debug, Clone)]
pub struct RootAttributes {
    /// Name of the mask rule.
    pub mask_rule: String,
    /// Number of patients in the rows.
    pub patients: usize,
    /// Rule of the splits, in words.
    pub split_rule: String,
    /// The seed of the splits.
    pub split_seed: u64,
    /// Patients that stand in one split because they share equal images: one entry for each group, the ids
    /// separated by commas.
    pub split_joined: Vec<String>,
    /// `id` of every sample that was left out because its image equals one in another split.
    pub split_left_out: Vec<String>,
    /// The options that decide the content, as JSON.
    pub config: String,
    /// SHA-256 over the paths and digests of all inputs, in hexadecimal.
    pub source_digest: String,
    /// Unit of the pixels.
    pub units: String,
    /// True if no two splits share an equal image; that they share no patient is certain.
    pub images_disjoint: bool,
}

impl DatasetIdentity {
    /// The first difference of `other`, `None` if there is none.
    pub(super) fn difference(&self, other: &Self) -> Option<String> {
        let differs = |what: &str, a: &dyn fmt::Debug, b: &dyn fmt::Debug| {
            let (a, b) = (format!("{a:?}"), format!("{b:?}"));
            (a != b).then(|| format!("its {what} is {a}, not {b}"))
        };
        differs("shape of images", &self.shape, &other.shape)
            .or_else(|| differs("source_digest", &self.source_digest, &other.source_digest))
            .or_else(|| differs("config", &self.config, &other.config))
            .or_else(|| differs("train_mean", &self.train_mean, &other.train_mean))
            .or_else(|| differs("train_std", &self.train_std, &other.train_std))
    }
}

impl TrainFigures {
    /// Those of `/images`, or of a fold: the attributes of `at`.
    pub(super) fn read(at: &hdf5::Location) -> Self {
        let figure =
            |name: &str| attributes::read_number::<f64>(at, name).filter(|figure| figure.is_finite());
        let percentiles = |name: &str| attributes::read_numbers::<f64>(at, name);
        let outer = |levels: &[f64]| {
            let outer = [*levels.first()?, *levels.last()?];
            outer.iter().all(|figure| figure.is_finite()).then_some(outer)
        };
        let outer_percentiles = percentiles(attribute::TRAIN_PERCENTILES).and_then(|levels| outer(&levels));
        let outer_of_channels = match percentiles(attribute::TRAIN_CHANNEL_PERCENTILES) {
            Some(all) => {
                let mut channels = all.chunks(PERCENTILE_LEVELS.len());
                [(); 3].map(|()| channels.next().and_then(outer))
            }
            None => [outer_percentiles; 3],
        };
        let by_channel = |name: &str| {
            attributes::read_numbers::<f64>(at, name).and_then(|all| <[f64; 3]>::try_from(all).ok())
        };
        let of_channels = || {
            let [mean, std, min, max] = attribute::TRAIN_CHANNELS.map(by_channel);
            let (mean, std, min, max) = (mean?, std?, min?, max?);
            let known = |figure: f64| Some(figure).filter(|figure| figure.is_finite());
            Some([0, 1, 2].map(|channel: usize| ChannelFigures {
                mean: known(mean[channel]),
                std: known(std[channel]),
                min: known(min[channel]),
                max: known(max[channel]),
                outer_percentiles: outer_of_channels[channel],
            }))
        };
        Self {
            mean: figure(attribute::TRAIN_MEAN),
            std: figure(attribute::TRAIN_STD),
            min: figure(attribute::TRAIN_MIN),
            max: figure(attribute::TRAIN_MAX),
            channels: of_channels(),
            outer_percentiles,
        }
    }
}
