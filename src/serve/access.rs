//! Access: bearer tokens, or everyone.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::RwLock;

use sha2::{Digest, Sha256};

use super::ServeError;

/// The shortest token that is taken, in bytes.
const MIN_TOKEN_BYTES: usize = 16;
/// The largest file of tokens, in bytes.
const MAX_TOKENS_BYTES: u64 = 1 << 20;

/// The source of the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessOptions {
    /// No token is asked for.
    Open,
    /// A file with a line `name token` for each reader; it is read again on a hangup (SIGHUP).
    TokenFile(PathBuf),
    /// The lines of such a file.
    Tokens(String),
}

/// Checks the token of each request.
pub(super) struct Access {
    options: AccessOptions,
    /// Names and SHA-256 of tokens; `None` where no token is asked for.
    tokens: RwLock<Option<Vec<Token>>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Token {
    name: String,
    digest: [u8; 32],
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    /// Reads the tokens.
    ///
    /// # Errors
    /// [`ServeError::Tokens`] where the file cannot be read, a line is not `name token`, a token is shorter than 16
    /// bytes, or there is none.
    pub(super) fn new(options: AccessOptions) -> Result<Self, ServeError> {
        let tokens = options.read()?;
        Ok(Self { options, tokens: RwLock::new(tokens) })
    }

    /// Reads the tokens again. Where they cannot be read, the ones of before stay.
    ///
    /// # Errors
    /// As [`Access::new`].
    pub(super) fn reload(&self) -> Result<(), ServeError> {
        let tokens = self.options.read()?;
        *self.tokens.write().unwrap_or_else(std::sync::PoisonError::into_inner) = tokens;
        Ok(())
    }

    /// The name of the reader with this value of the header `Authorization`; `None` if it may not read. Without
    /// tokens everyone is `-`.
    pub(super) fn reader(&self, authorization: Option<&[u8]>) -> Option<String> {
        let tokens = self.tokens.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(tokens) = &*tokens else { return Some("-".to_owned()) };
        let (scheme, token) = authorization?.split_at_checked(7)?;
        if !scheme.eq_ignore_ascii_case(b"bearer ") {
            return None;
        }
        let digest: [u8; 32] = Sha256::digest(token.trim_ascii()).into();
        // All digests are compared whole, so that the time does not depend on which one fits.
        let mut found = None;
        for token in tokens {
            let difference = token.digest.iter().zip(&digest).fold(0, |sum, (a, b)| sum | (a ^ b));
            if std::hint::black_box(difference) == 0 {
                found = Some(token.name.clone());
            }
        }
        found
    }
}

impl AccessOptions {
    /// Checks that an address that others reach is not open by accident.
    ///
    /// # Errors
    /// [`ServeError::NotLoopback`] where no token is asked for, `public` is not set and `address` is not of loopback.
    pub fn check_address(&self, address: SocketAddr, public: bool) -> Result<(), ServeError> {
        let loopback = match address.ip() {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip.is_loopback() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_loopback()),
        };
        if loopback || public || *self != Self::Open {
            return Ok(());
        }
        Err(ServeError::NotLoopback { address })
    }

    fn read(&self) -> Result<Option<Vec<Token>>, ServeError> {
        let (place, text) = match self {
            Self::Open => return Ok(None),
            Self::Tokens(text) => ("DICOMPREP_TOKENS".to_owned(), text.clone()),
            Self::TokenFile(path) => {
                let place = path.display().to_string();
                let error = |why: String| ServeError::Tokens { place: place.clone(), line: None, why };
                let bytes = fs::metadata(path).map_err(|source| error(source.to_string()))?.len();
                if bytes > MAX_TOKENS_BYTES {
                    return Err(error(format!("it has {bytes} bytes, more than {MAX_TOKENS_BYTES}")));
                }
                let text = fs::read_to_string(path).map_err(|source| error(source.to_string()))?;
                (place, text)
            }
        };
        parse(&place, &text).map(Some)
    }
}

/// Lines `name token`; blank ones and those that begin with `#` are left out.
fn parse(place: &str, text: &str) -> Result<Vec<Token>, ServeError> {
    let mut tokens = Vec::new();
    for (number, line) in text.lines().enumerate().map(|(number, line)| (number + 1, line.trim())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let error = |why: &str| ServeError::Tokens {
            place: place.to_owned(),
            line: Some(number),
            why: why.to_owned(),
        };
        let (name, token) =
            line.split_once(char::is_whitespace).ok_or_else(|| error("a line is `name token`"))?;
        let token = token.trim();
        if token.len() < MIN_TOKEN_BYTES {
            return Err(error("the token is shorter than 16 bytes; `openssl rand -hex 32` makes a good one"));
        }
        if name.contains(|c: char| !c.is_ascii_graphic()) || token.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(error("name and token are printable ASCII without spaces"));
        }
        tokens.push(Token { name: name.to_owned(), digest: Sha256::digest(token).into() });
    }
    if tokens.is_empty() {
        return Err(ServeError::Tokens {
            place: place.to_owned(),
            line: None,
            why: "it has no token".to_owned(),
        });
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    #[test]
    fn a_token_names_its_reader() {
        let lines = format!("# readers\n\nanna {TOKEN}\nben  {TOKEN}x\n");
        let access = Access::new(AccessOptions::Tokens(lines)).unwrap();
        let reader = |header: &str| access.reader(Some(header.as_bytes()));
        assert_eq!(reader(&format!("Bearer {TOKEN}")), Some("anna".to_owned()));
        assert_eq!(reader(&format!("bearer {TOKEN}x")), Some("ben".to_owned()));
        for wrong in ["", "Bearer ", "Bearer 0123456789abcde", &format!("Basic {TOKEN}"), TOKEN] {
            assert_eq!(reader(wrong), None, "{wrong}");
        }
        assert_eq!(access.reader(None), None);
        let open = Access::new(AccessOptions::Open).unwrap();
        assert_eq!(open.reader(None), Some("-".to_owned()));
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, expected) in [
            ("", "x: it has no token"),
            ("anna\n", "x:1: a line is `name token`"),
            (
                "\nanna short\n",
                "x:2: the token is shorter than 16 bytes; `openssl rand -hex 32` makes a good one",
            ),
        ] {
            assert_eq!(parse("x", text).err().map(|error| error.to_string()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn only_loopback_is_open() {
        let check = |address: &str| AccessOptions::Open.check_address(address.parse().unwrap(), false);
        assert!(check("127.0.0.1:80").is_ok() && check("[::1]:80").is_ok());
        assert!(check("0.0.0.0:80").is_err() && check("10.0.0.1:80").is_err() && check("[::]:80").is_err());
        let any = "0.0.0.0:80".parse().unwrap();
        assert!(AccessOptions::Open.check_address(any, true).is_ok());
        assert!(AccessOptions::Tokens(String::new()).check_address(any, false).is_ok());
    }
}
