//! Pseudonyms: keyed, so that ids cannot be tried out without the key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The ids that a name of a file may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct PathIds<'i> {
    /// The id that the pseudonym is of.
    pub(super) id: &'i str,
    /// The id in its data directory, which names of files hold.
    pub(super) own: &'i str,
}

/// Replaces ids, where a key was given.
#[derive(Debug, Clone)]
pub(super) struct Pseudonyms {
    key: Option<Vec<u8>>,
}

impl Pseudonyms {
    /// With `None`, ids stay as they are.
    pub(super) fn new(key: Option<Vec<u8>>) -> Self {
        Self { key }
    }

    /// HMAC-SHA-256 (RFC 2104) of `id` under the key, in hexadecimal; or the id itself.
    pub(super) fn of(&self, id: &str) -> String {
        match &self.key {
            Some(key) => hex(&keyed(key, id.as_bytes())),
            None => id.to_owned(),
        }
    }

    /// True if ids are replaced.
    pub(super) fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// The digest of a source file as the file stores it: its SHA-256, or HMAC-SHA-256 of that under the key, so that
    /// nobody who has the source and not the key finds its row.
    pub(super) fn of_digest(&self, sha256: &[u8; 32]) -> [u8; 32] {
        match &self.key {
            Some(key) => keyed(key, &[DIGEST_SALT, sha256].concat()),
            None => *sha256,
        }
    }

    /// `name`, a file of the patient or study `ids`, as the file stores it. With a key, its folder is the pseudonym below `part`, the usual
    /// folder of a data directory: how the folders are really called says where the data come from. The name of the file
    /// stays, and the folder of a structure (`i-contours`).
    pub(super) fn in_path(&self, name: &str, ids: PathIds<'_>, part: &str) -> String {
        if self.key.is_none() {
            return name.to_owned();
        }
        let PathIds { id, own } = ids;
        let pseudonym = self.of(id);
        let (folders, file) = name.rsplit_once('/').unwrap_or(("", name));
        let structure =
            folders.rsplit('/').next().filter(|folder| folder.ends_with("-contours") && *folder != own);
        // A number is no secret.
        let names_id = own.chars().any(|character| !character.is_ascii_digit()) && file.contains(own);
        let file = if names_id { file.replace(own, &pseudonym) } else { file.to_owned() };
        let parts = [part, &pseudonym, structure.unwrap_or_default(), &file];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

/// Text that precedes a digest that is keyed: no id is keyed to the same.
const DIGEST_SALT: &[u8] = b"dicomprep source v1";

fn keyed(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha_256() {
        // RFC 4231, test case 2.
        let pseudonyms = Pseudonyms::new(Some(b"Jefe".to_vec()));
        assert_eq!(
            pseudonyms.of("what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_path_keeps_its_file_and_the_usual_folders() {
        let pseudonyms = Pseudonyms::new(Some(b"key".to_vec()));
        let [p, seven] = ["P1", "7"].map(|id| pseudonyms.of(id));
        let of = |id| PathIds { id, own: id };
        let image = pseudonyms.in_path("clinic/dicoms/P1/1.dcm", of("P1"), "dicoms");
        assert_eq!(image, format!("dicoms/{p}/1.dcm"));
        assert_eq!(pseudonyms.in_path("7/7", of("7"), ""), format!("{seven}/7"));
        let at = PathIds { id: "P1@clinic", own: "P1" };
        let image = pseudonyms.in_path("clinic/dicoms/P1/P1-1.dcm", at, "dicoms");
        let q = pseudonyms.of("P1@clinic");
        assert_eq!(image, format!("dicoms/{q}/{q}-1.dcm"));
        let contour = pseudonyms.in_path("x/P1/i-contours/IM-7.txt", of("P1"), "contourfiles");
        assert_eq!(contour, format!("contourfiles/{p}/i-contours/IM-7.txt"));
        let plain = Pseudonyms::new(None);
        assert_eq!(plain.in_path("clinic/P1/1.dcm", of("P1"), "dicoms"), "clinic/P1/1.dcm");
        assert_eq!(plain.of_digest(&[3; 32]), [3; 32]);
        assert_ne!(pseudonyms.of_digest(&[3; 32]), [3; 32]);
        assert_ne!(
            pseudonyms.of_digest(&[3; 32]),
            Pseudonyms::new(Some(b"other".to_vec())).of_digest(&[3; 32])
        );
    }
}
