//! Files that are given in place of one of ours, known by their first bytes.

use std::fs::File;
use std::io::{self, Read};

/// Bytes that are looked at.
const LOOKED_AT: u64 = 512;

/// First bytes of files, and what they are.
const SIGNATURES: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "it is a zip archive, such as an npz file"),
    (b"\x93NUMPY", "it is an npy file"),
    (b"\x1f\x8b", "it is compressed with gzip"),
    (b"\xff\xff\xff\xff", "it is an Arrow stream"),
    (b"ARROW1", "it is an Arrow file"),
    (b"\x89PNG", "it is a PNG image"),
];

/// Says what a file is that does not begin as an HDF5 file without a user block; `None` where it does.
pub(super) fn other_kind(file: &File) -> io::Result<Option<&'static str>> {
    const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";
    let mut start = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut start)?;
    let is_text = || std::str::from_utf8(&start).is_ok_and(|text| !text.chars().any(is_binary));
    let known = SIGNATURES.iter().find(|(signature, _)| start.starts_with(signature));
    Ok(match known {
        _ if start.starts_with(HDF5) => None,
        Some((_, kind)) => Some(kind),
        None if start.is_empty() => Some("it is empty"),
        // PS3.10 7.1: a preamble of 128 bytes, then the prefix.
        None if start.get(128..132) == Some(b"DICM") => Some("it is a DICOM file"),
        None if start.get(257..262) == Some(b"ustar") => Some("it is a tar archive"),
        None if is_text() => {
            Some("it is a text file, such as a table; give the file that `dicomprep prep` has made")
        }
        None => Some("it is not an HDF5 file without a user block"),
    })
}

/// True for characters that no text file has.
fn is_binary(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\r' | '\t' | '\u{c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let kind = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            other_kind(&File::open(&path).unwrap()).unwrap()
        };
        assert_eq!(kind(b"\x89HDF\r\n\x1a\n\x02"), None);
        assert!(
            kind(b"patient_id,original_id\nP1,O1\n")
                .is_some_and(|kind| kind.starts_with("it is a text file"))
        );
        assert_eq!(kind(&[&[0; 128][..], b"DICM"].concat()), Some("it is a DICOM file"));
        assert_eq!(kind(b"PK\x03\x04"), Some("it is a zip archive, such as an npz file"));
        assert_eq!(kind(b""), Some("it is empty"));
        assert_eq!(kind(&[7; 600]), Some("it is not an HDF5 file without a user block"));
    }
}
