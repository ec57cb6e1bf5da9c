//! Batches as bytes: the formats that frameworks read, and where they go.
