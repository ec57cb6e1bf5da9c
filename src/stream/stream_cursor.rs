//! A place in a stream, and which stream it is of.

use std::fmt;
use std::str::FromStr;

use crate::order::Cursor;

/// A place in a stream and the stream that it is of, written `EPOCH:BATCH@STREAM`, as in `7:1200@5f0c91d2`.
///
/// Without a stream, as people write it and earlier versions printed it, the place is taken as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StreamCursor {
    /// The batch.
    pub at: Cursor,
    /// The stream that it is of, where that is known.
    pub stream: Option<StreamDigest>,
}

/// The digest of what decides which rows the batch at a [`Cursor`] has, but for the rank: the file, the rows that are
/// selected, their order, the batch size and the number of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamDigest(u32);

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no cursor: write EPOCH:BATCH, two whole numbers from 0, as in 7:1200, or EPOCH:BATCH@STREAM as it was \
     printed, as in 7:1200@5f0c91d2"
)]
pub struct CursorError {
    /// The text.
    pub text: String,
}

impl StreamDigest {
    /// The digest with these bits.
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl From<Cursor> for StreamCursor {
    fn from(at: Cursor) -> Self {
        Self { at, stream: None }
    }
}

impl fmt::Display for StreamDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Display for StreamCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stream {
            Some(stream) => write!(f, "{}@{stream}", self.at),
            None => self.at.fmt(f),
        }
    }
}

impl FromStr for StreamCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, stream) = match text.split_once('@') {
            Some((at, stream)) => (at, Some(digest(stream))),
            None => (text, None),
        };
        match (at.parse(), stream) {
            (Ok(at), None) => Ok(Self { at, stream: None }),
            (Ok(at), Some(Some(stream))) => Ok(Self { at, stream: Some(stream) }),
            _ => Err(CursorError { text: text.to_owned() }),
        }
    }
}

fn digest(text: &str) -> Option<StreamDigest> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == 8 && text.bytes().all(is_digit);
    fits.then(|| u32::from_str_radix(text, 16).ok()).flatten().map(StreamDigest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in ["0:0", "7:1200@5f0c91d2", "18446744073709551615:1@00000000"] {
            assert_eq!(text.parse::<StreamCursor>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "7",
            "@5f0c91d2",
            "7:1@",
            "7:1@5f0c91d",
            "7:1@5F0C91D2",
            "7:1@+f0c91d2",
            "7:1@5f0c91d2@",
            "7:1 ",
        ] {
            assert_eq!(text.parse::<StreamCursor>(), Err(CursorError { text: text.to_owned() }));
        }
    }
}
