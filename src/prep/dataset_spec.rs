//! Properties of the file to write, as the plan decides them.

use super::Share;
use super::names::Namer;
use super::plan::PrepPlan;
use super::plan_digest::plan_digest;
use crate::store::{DatasetSpec, Encoder, ShardSpec};

/// The properties of the file of `plan`, whose images `encoder` compresses.
pub(super) fn dataset_spec(plan: &PrepPlan, namer: &Namer<'_>, encoder: Encoder) -> DatasetSpec {
    DatasetSpec {
        shape: plan.shape,
        channels: plan.channels,
        pixel_type: plan.pixel_type,
        structures: plan.pairs.structures().clone(),
        compression: plan.options.compression,
        encoder,
        // HDF5 knows no chunks of no row.
        capacity: plan.share().len().max(1),
        text_widths: plan.excerpt.as_ref().map_or_else(|| namer.widths(), |excerpt| excerpt.widths),
        shard: plan
            .options
            .shard
            .map(|share| (shard_spec(plan, namer, encoder, share), namer.contour_width(plan.share()))),
    }
}

fn shard_spec(plan: &PrepPlan, namer: &Namer<'_>, encoder: Encoder, share: Share) -> ShardSpec {
    let Share { index, count } = share;
    match &plan.excerpt {
        Some(excerpt) => ShardSpec {
            index,
            count,
            plan_rows: excerpt.plan_rows,
            patients: excerpt.patients,
            planned_patients: plan.splits.patients as u64,
            plan_digest: excerpt.digest,
        },
        None => {
            let ledger = plan.ledger();
            ShardSpec {
                index,
                count,
                plan_rows: plan.samples.len() as u64,
                patients: plan.pairs.patients.len() as u64,
                planned_patients: ledger.planned_patients as u64,
                plan_digest: plan_digest(plan, namer, encoder, &ledger),
            }
        }
    }
}
