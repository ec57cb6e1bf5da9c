//! The plan as a table, for people and programs.

use std::io::{self, Write};

use super::plan::PrepPlan;
use crate::model::Plain;

impl PrepPlan {
    /// Writes the plan as a table: for each row its id, split, image and contours, separated by tabs, under a line
    /// of headings, control characters in names escaped. It does not depend on the order of folders, on threads
    /// or on the clock.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn write_tsv(&self, to: &mut impl Write) -> io::Result<()> {
        let structures = self.pairs.structures();
        let fold = self.splits.has_folds().then_some("fold");
        let headings = ["id", "split"].into_iter().chain(fold).chain(["source"]).chain(structures.names());
        writeln!(to, "{}", headings.collect::<Vec<_>>().join("\t"))?;
        for sample in &self.samples[self.share()] {
            let split = self.splits.of(sample.patient).name().to_owned();
            let mut cells = vec![sample.id.to_string(), split];
            cells.extend(
                fold.map(|_| self.splits.fold(sample.patient).map_or(String::new(), |n| n.to_string())),
            );
            cells.push(self.pairs.image_name(sample));
            let contours = 0..structures.len();
            cells.extend(contours.map(|k| self.pairs.annotation_name(sample, k).unwrap_or_default()));
            let cells: Vec<String> = cells.iter().map(|cell| spreadsheet_cell(cell)).collect();
            writeln!(to, "{}", cells.join("\t"))?;
        }
        Ok(())
    }
}

/// `text` as the cell of a table: without control characters, and with an apostrophe before what a spreadsheet would take
/// for a formula.
fn spreadsheet_cell(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    format!("{apostrophe}{}", Plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (text, cell) in
            [("P1/1", "P1/1"), ("=1+1", "'=1+1"), ("@x", "'@x"), ("-1", "'-1"), ("+1", "'+1"), ("a=1", "a=1")]
        {
            assert_eq!(spreadsheet_cell(text), cell);
        }
    }
}
