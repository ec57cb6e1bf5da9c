//! Errors of the service.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::stream::StreamError;

/// An error that keeps the service from starting.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A data set cannot be opened.
    #[error(transparent)]
    Dataset(#[from] StreamError),
    /// Two data sets have one name.
    #[error("{} and {} would both be /datasets/{name}; rename one, or serve it with another service", first.display(),
        second.display())]
    SameName {
        /// The name.
        name: String,
        /// A file of this name.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A file whose name cannot stand in a URL.
    #[error("{}: its name cannot be part of a URL; use letters, digits, `.`, `_` and `-`", path.display())]
    Name {
        /// The file.
        path: PathBuf,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// An address that others reach, and no rule who may read.
    #[error(
        "{address} can be reached from other machines: name the readers with --token-file FILE or DICOMPREP_TOKENS, or \
         say --public if everyone may read the data"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The tokens cannot be used.
    #[error("{place}{}: {why}", line.map(|line| format!(":{line}")).unwrap_or_default())]
    Tokens {
        /// The file or variable.
        place: String,
        /// The line, from 1.
        line: Option<usize>,
        /// The problem.
        why: String,
    },
    /// Certificate or key cannot be used.
    #[error("{}: {why}", path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// The problem.
        why: String,
    },
    /// The runtime cannot be started.
    #[error("cannot start the service")]
    Runtime(#[source] io::Error),
}
