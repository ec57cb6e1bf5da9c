//! The description of a stream for its reader.

use serde_json::{Value, json};

use super::format::Format;
use crate::order::Uneven;
use crate::stream::{Stream, TensorSchema};

/// Shapes, types and numbers of the batches of `stream` in `format`, as `dicomprep batches --describe` prints them.
#[must_use]
pub fn describe(stream: &Stream, format: &Format) -> Value {
    let (schema, plan) = (stream.schema(), stream.plan());
    let options = plan.options();
    let (samples, batch_size) = (plan.samples_per_epoch(), options.batch_size.get());
    let last = match samples % batch_size {
        0 if samples > 0 => batch_size,
        rest => rest,
    };
    // The files of a tar are of one sample each.
    let per_batch = format.has_batch_axis.then_some(("sample", batch_size.min(samples)));
    let tensor = |tensor: &TensorSchema| {
        let sides = tensor.axes.into_iter().zip(tensor.shape.map(|side| side as u64));
        let (axes, shape): (Vec<&str>, Vec<u64>) = per_batch.into_iter().chain(sides).unzip();
        json!({ "dtype": tensor.element.name(), "shape": shape, "axes": axes })
    };
    json!({
        "format": format.name,
        "images": tensor(&schema.image),
        "masks": tensor(&schema.mask),
        "structures": schema.structures,
        "without_pixels": stream.without_pixels(),
        "neighbours": schema.neighbours,
        "phases": schema.phases,
        "normalization": schema.normalization,
        "augmentation": stream.augmentation(),
        "split": schema.split,
        "splits": stream.splits(),
        "fold": schema.fold,
        "held_out": schema.held_out,
        "rows": options.rows,
        "epochs": options.epochs,
        "seed": schema.seed,
        "rank": options.rank.rank(),
        "world_size": options.rank.world_size(),
        "uneven": uneven_name(options.uneven),
        "batch_size": batch_size,
        "drop_last": options.drop_last,
        "samples_per_epoch": samples,
        "batches_per_epoch": plan.batches_per_epoch(),
        "samples_of_last_batch": last,
        "bytes_per_sample": schema.image.sample_bytes() + schema.mask.sample_bytes(),
        "end": plan.end().to_string(),
    })
}

fn uneven_name(uneven: Uneven) -> &'static str {
    match uneven {
        Uneven::Pad => "pad",
        Uneven::Drop => "drop",
        Uneven::Allow => "allow",
    }
}
