//! The records of a CSV text, with the lines they really stand on.

use super::table_error::{MAX_TABLE_ROWS, TableError};
use crate::model::Place;

/// A value without the spaces around it, and without quotes that spaces kept the reader from seeing.
pub(super) fn clean(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).map_or(value, str::trim)
}

/// `\n`, `\r\n` and a `\r` alone, counted.
pub(super) fn line_breaks(bytes: &[u8]) -> u64 {
    let ends = bytes.iter().enumerate().filter(|&(i, &b)| match b {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    });
    ends.count() as u64
}

/// The lines a record stands on, from 1.
pub(super) struct Lines {
    pub(super) line: u64,
    pub(super) last_line: u64,
}

/// The records of a text with the lines they really stand on.
///
/// The csv reader's own line is where it began to look, before the blank lines it passed over, so lines
/// are counted here, from its byte positions.
pub(super) struct Records<'a> {
    reader: csv::Reader<&'a [u8]>,
    bytes: &'a [u8],
    file: &'a str,
    counted: usize,
    line: u64,
    /// The records given so far, with the header, and the most there may be.
    given: usize,
    limit: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        let delimiter = [b',', b';', b'\t'].into_iter().find(|&d| header.contains(char::from(d)));
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.unwrap_or(b','))
            .from_reader(text.as_bytes());
        Self {
            reader,
            bytes: text.as_bytes(),
            file,
            counted: 0,
            line: 1,
            given: 0,
            limit: MAX_TABLE_ROWS + 1,
        }
    }

    /// Refuses the text when it has more than `rows` rows below the header.
    #[cfg(test)]
    fn at_most(mut self, rows: usize) -> Self {
        self.limit = rows + 1;
        self
    }

    /// The next record that holds anything; a row of nothing but delimiters, as spreadsheets leave them
    /// at the end, is blank too.
    pub(super) fn next_into(&mut self, record: &mut csv::StringRecord) -> Result<Option<Lines>, TableError> {
        loop {
            let mut start = self.offset();
            while matches!(self.bytes.get(start), Some(b'\r' | b'\n')) {
                start += 1;
            }
            let line = self.line_at(start);
            let read = self.reader.read_record(record).map_err(|source| {
                let place = Place::file(self.file).at_line(line);
                TableError::Row { place, source }
            })?;
            if !read {
                return Ok(None);
            }
            if record.iter().any(|value| !clean(value).is_empty()) {
                if self.given == self.limit {
                    let place = Place::file(self.file).at_line(line);
                    return Err(TableError::TooManyRows { place, limit: self.limit - 1 });
                }
                self.given += 1;
                let end = self.bytes[..self.offset()].trim_ascii_end().len().max(start);
                return Ok(Some(Lines { line, last_line: self.line_at(end) }));
            }
        }
    }

    fn offset(&self) -> usize {
        let byte = self.reader.position().byte();
        usize::try_from(byte).map_or(self.bytes.len(), |byte| byte.min(self.bytes.len()))
    }

    /// The line of `offset`, which never goes back.
    fn line_at(&mut self, offset: usize) -> u64 {
        if offset > self.counted {
            self.line += line_breaks(&self.bytes[self.counted..offset]);
            // A `\r\n` cut in two would count twice.
            let cut = self.bytes[offset - 1] == b'\r' && self.bytes.get(offset) == Some(&b'\n');
            self.line -= u64::from(cut);
            self.counted = offset;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_those_of_the_file() {
        let text = "a,b\r\n\r\n\r\n1,\"x\r\ny\"\r\n\r\n3,4\r\n\n\n5,6";
        let mut records = Records::new(text, "t.csv");
        let mut record = csv::StringRecord::new();
        let mut lines = Vec::new();
        while let Some(found) = records.next_into(&mut record).unwrap() {
            lines.push((found.line, found.last_line));
        }
        assert_eq!(lines, [(1, 1), (4, 5), (7, 7), (10, 10)]);
    }

    #[test]
    fn rows_are_counted() {
        let mut records = Records::new("a,b\n1,2\n\n3,4\n\n5,6\n", "t.csv").at_most(2);
        let mut record = csv::StringRecord::new();
        for _ in 0..3 {
            assert!(records.next_into(&mut record).unwrap().is_some());
        }
        let error = records.next_into(&mut record).err().unwrap();
        assert_eq!(error.to_string(), "t.csv:6: more than 2 rows; split the data set");
    }

    proptest! {
        #[test]
        fn any_mix_of_line_ends_is_counted(gaps in prop::collection::vec("(\r\n|\n|\r|\n\n| \n){1,4}", 1..12)) {
            let mut text = String::from("a,b");
            let mut expected = vec![1];
            for gap in &gaps {
                text += gap;
                // Two ends in a row may grow together into one, so the text so far is counted.
                expected.push(1 + text.replace("\r\n", "\n").matches(['\r', '\n']).count() as u64);
                text += "1,2";
            }
            let mut records = Records::new(&text, "t.csv");
            let mut record = csv::StringRecord::new();
            for line in expected {
                prop_assert_eq!(records.next_into(&mut record).unwrap().map(|found| found.line), Some(line));
            }
            prop_assert!(records.next_into(&mut record).unwrap().is_none());
        }
    }
}
