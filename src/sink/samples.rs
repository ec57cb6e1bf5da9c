//! Small batches for the tests of the formats.

use super::format::Piece;
use crate::order::{Cursor, PlannedSample};
use crate::stream::{Batch, ElementType, StreamSchema, TensorSchema};

/// Images of 5 x 3 x 1 and masks of 5 x 3 x 2.
pub(super) fn a_schema() -> StreamSchema {
    StreamSchema {
        image: TensorSchema {
            element: ElementType::Float32,
            shape: [5, 3, 1],
            axes: ["row", "column", "channel"],
        },
        mask: TensorSchema {
            element: ElementType::UInt8,
            shape: [5, 3, 2],
            axes: ["row", "column", "structure"],
        },
        neighbours: 0,
        phases: 0,
        structures: vec!["inner".to_owned(), "\"outer\"".to_owned()],
        split: Some("train".to_owned()),
        fold: None,
        held_out: false,
        seed: Some(11),
        normalization: "zscore".to_owned(),
        augmentation: None,
    }
}

/// A batch of [`a_schema`] in epoch 3: positions from 40 upwards, rows from 100 downwards.
pub(super) fn a_batch(samples: usize) -> Batch {
    let (mut images, mut masks) = (Vec::new(), Vec::new());
    let mut batch = Batch { cursor: Cursor { epoch: 3, batch: 20 }, ..Batch::default() };
    for index in 0..samples {
        let number = index as u64;
        batch.samples.push(PlannedSample { position: 40 + number, row: 100 - number });
        batch.ids.push(&format!("id/{index}"));
        batch.patient_ids.push(&format!("p{index}"));
        batch.splits.push("train");
        images.extend((0..15).flat_map(|pixel| (pixel as f32 + 100.0 * index as f32).to_le_bytes()));
        masks.extend((0..30).map(|pixel| u8::from((pixel + index) % 3 == 0)));
    }
    for (bytes, values) in [(&mut batch.images, images), (&mut batch.masks, masks)] {
        bytes.resize(values.len()).unwrap();
        bytes.copy_from_slice(&values);
    }
    batch
}

/// The bytes of all pieces.
pub(super) fn bytes_of(pieces: &[Piece<'_>]) -> Vec<u8> {
    pieces.iter().flat_map(|piece| piece.bytes).copied().collect()
}
