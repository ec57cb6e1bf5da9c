//! The link table and the split file: any bytes give rows that are unique plain folder names, or an error.

use std::collections::HashSet;

use dicomprep::layout::{ColumnNames, parse_link_table};
use dicomprep::split::parse_split_file;

use crate::assert_plain;

pub(crate) fn run(bytes: &[u8]) {
    match parse_link_table(bytes, "link.csv", &ColumnNames::default()) {
        Err(error) => assert_plain(&error.to_string()),
        Ok(table) => {
            let mut originals = HashSet::new();
            for row in &table.rows {
                for id in [&row.patient_id, &row.original_id] {
                    assert!(!id.is_empty() && !id.starts_with('.') && !id.contains(['/', '\\']), "{id:?}");
                    assert!(!id.contains("..") && !id.contains(char::is_control), "{id:?}");
                }
                assert!(originals.insert(&row.original_id));
            }
            assert!(table.rows.is_sorted_by_key(|row| row.line));
            for row in &table.rejected {
                assert_plain(&format!("{}: {}", row.skipped.place, row.skipped.detail));
                assert!(row.skipped.place.line.is_some());
            }
            let breaks = bytes.iter().filter(|&&byte| byte == b'\n' || byte == b'\r').count();
            assert!(table.rows.len() + table.rejected.len() <= breaks, "more rows than lines");
        }
    }
    if let Err(error) = parse_split_file(bytes, "split.csv") {
        assert_plain(&error.to_string());
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 12] = [
        b"patient_id,original_id\nP1,O1\nP2,O2\n",
        b"\xEF\xBB\xBFpatient_id,original_id\r\nP1,O1\r\n\r\n\"P2\",\"O2\"\r\n",
        b"Original ID;x;PATIENT-id\nO1;;P1\n O2 ; 1 ; P2 \n",
        b"patient_id\toriginal_id\rP1\tO1\rP1\tO1\r",
        b"patient_id,original_id\nP1,O1\nP1,O2\nP3,O2\n,O4\n../x,O5\nP6\n\"P7,O7\nP8,O8\n",
        b"patient_id,original_id,patient_id\nP1,O1,P1\n",
        b"patient_id,original_id\nP\x1B[31m,\"O\n1\"\nP\xC2\x85,O2\n.h,a\\b\n",
        b"patient_id,original_id\nP1,\xE9\n",
        b"\xFF\xFEp\0a\0",
        b"patient_id,split\nP1,train\nP2,val\nP3,test\n",
        b"split;patient_id\nTrain;P1\n none ;P2\nother;P3\ntrain;P1\n",
        b"",
    ];
    texts.map(<[u8]>::to_vec).to_vec()
}
