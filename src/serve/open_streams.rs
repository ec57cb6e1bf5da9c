//! Orders in which the rows of a file are read at the moment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Number of open streams of each key: those of one key take the same batches.
#[derive(Debug, Default, Clone)]
pub(super) struct OpenStreams(Arc<Mutex<HashMap<String, usize>>>);

/// A stream that is open until this is dropped.
pub(super) struct OpenStream {
    streams: OpenStreams,
    key: String,
}

impl OpenStreams {
    /// Counts a stream of this key.
    pub(super) fn open(&self, key: &str) -> OpenStream {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *streams.entry(key.to_owned()).or_default() += 1;
        OpenStream { streams: self.clone(), key: key.to_owned() }
    }

    /// True if streams are open whose keys are not this one.
    pub(super) fn are_of_others(&self, key: &str) -> bool {
        let streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.keys().any(|open| open != key)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut streams = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(&self.key) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_key_are_no_others() {
        let streams = OpenStreams::default();
        let (first, second) = (streams.open("a"), streams.open("a"));
        assert_eq!(["a", "b"].map(|key| streams.are_of_others(key)), [false, true]);
        let other = streams.open("b");
        drop(first);
        assert_eq!(["a", "b"].map(|key| streams.are_of_others(key)), [true, true]);
        drop(second);
        assert!(!streams.are_of_others("b"));
        drop(other);
        assert!(!streams.are_of_others("a"));
    }
}
