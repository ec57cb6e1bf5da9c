//! Cursors in text.

use std::str::FromStr;

use super::cursor::Cursor;
use super::error::OrderError;

impl FromStr for Cursor {
    type Err = OrderError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once(':').and_then(|(epoch, batch)| {
            Some(Self { epoch: whole_number(epoch)?, batch: whole_number(batch)? })
        });
        parsed.ok_or_else(|| OrderError::NotACursor { text: text.to_owned() })
    }
}

/// Digits only: no sign, no space.
fn whole_number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for cursor in [
            Cursor::default(),
            Cursor { epoch: 7, batch: 123_456 },
            Cursor { epoch: u64::MAX, batch: u64::MAX },
        ] {
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        assert_eq!("007:01".parse(), Ok(Cursor { epoch: 7, batch: 1 }));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            ":",
            "7",
            "7:",
            ":7",
            "1:2:3",
            "+1:2",
            "1:-2",
            " 1:2",
            "1:2\n",
            "1.0:2",
            "18446744073709551616:0",
            "٣:1",
        ] {
            let error = text.parse::<Cursor>().unwrap_err();
            assert_eq!(error, OrderError::NotACursor { text: text.to_owned() });
        }
        assert_eq!(
            "7".parse::<Cursor>().unwrap_err().to_string(),
            "`7` is not EPOCH:BATCH, two whole numbers from 0; write for example 7:1200"
        );
    }
}
