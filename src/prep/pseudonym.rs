//! Pseudonyms: keyed, so that nobody without the key can try out ids.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

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

    /// `name` with `id` replaced by its pseudonym wherever it is a folder. The last part is a number, and
    /// stays as it is for a patient who is called by a number too.
    pub(super) fn in_path(&self, name: &str, id: &str) -> String {
        match (&self.key, name.rsplit_once('/')) {
            (Some(_), Some((folders, last))) => {
                let replaced =
                    folders.split('/').map(|part| if part == id { self.of(id) } else { part.to_owned() });
                format!("{}/{last}", replaced.collect::<Vec<_>>().join("/"))
            }
            _ => name.to_owned(),
        }
    }
}

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
    fn replaces_the_id_in_a_path_only() {
        let pseudonyms = Pseudonyms::new(Some(b"key".to_vec()));
        let name = pseudonyms.in_path("dicoms/P1/1.dcm", "P1");
        assert_eq!(name, format!("dicoms/{}/1.dcm", pseudonyms.of("P1")));
        assert_eq!(pseudonyms.in_path("7/7", "7"), format!("{}/7", pseudonyms.of("7")));
        assert_eq!(Pseudonyms::new(None).in_path("dicoms/P1/1.dcm", "P1"), "dicoms/P1/1.dcm");
    }
}
