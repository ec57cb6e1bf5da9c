//! Findings of an audit, as people read them.

use dicomprep::model::Plain;
use dicomprep::prep::FindingEntry;

/// Findings of one check that are shown without `--verbose`.
const SHOWN: usize = 3;

/// `findings`, which are sorted by check: the first ones of each check, under a line with their number.
pub(crate) fn describe(findings: &[&FindingEntry], verbose: bool) -> String {
    let limit = if verbose { usize::MAX } else { SHOWN };
    let mut text = String::new();
    for group in findings.chunk_by(|a, b| a.check == b.check) {
        let first = group[0];
        text += &format!("{}: {} {}: {}\n", first.severity, group.len(), first.check, first.meaning());
        for finding in group.iter().take(limit) {
            text += &format!("  {}\n", Plain(&format!("{}: {}", finding.place(), finding.text)));
        }
        if group.len() > limit {
            let more = group.len() - limit;
            text += &format!("  {more} more; --verbose or --report FILE lists them all\n");
        }
    }
    text
}
