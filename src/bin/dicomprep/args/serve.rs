//! Arguments of `serve`.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use super::batches::{ByteCount, byte_count};

const SERVE_EXAMPLES: &str = "\
Examples:
  dicomprep serve final_data.h5
      at http://127.0.0.1:8000/, with a page for the browser
  curl --fail -o first.npy 'http://127.0.0.1:8000/datasets/final_data/batches/0/0?split=train'
      the first batch of the first epoch
  dicomprep serve train.h5 test.h5 --listen 0.0.0.0:8000 --token-file tokens.txt
      for other machines; each line of tokens.txt is `name token`

Without --listen, PORT in the environment means 0.0.0.0:$PORT. Tokens may also be in DICOMPREP_TOKENS.

SIGTERM drains: no new streams, and those that run end at a batch, so that readers continue elsewhere at the cursor. SIGHUP \
reads the tokens again.

Reads each image and mask of the batches against its checksum.

Exit codes: 0 ended by a signal; 1 it could not be started; 2 wrong usage.";

/// Serve batches over HTTP to any number of readers
#[derive(Debug, clap::Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub(crate) struct ServeArgs {
    /// HDF5 files that prep has made; each is served under the name of its file without the extension
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Address to listen on; port 0 takes a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<SocketAddr>,
    /// Log of requests on standard error
    #[arg(long, value_name = "FORMAT", default_value = "none")]
    pub(crate) log: Log,

    #[command(flatten)]
    pub(crate) access: ServeAccessArgs,
    #[command(flatten)]
    pub(crate) limits: ServeLimitArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Access")]
pub(crate) struct ServeAccessArgs {
    /// Let in only readers with a bearer token of this file, a line `name token` for each
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,
    /// Let everyone read at an address that other machines reach
    #[arg(long)]
    pub(crate) public: bool,
    /// Certificate chain for TLS, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Origin whose pages may read, or *
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) cors: Option<String>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct ServeLimitArgs {
    /// Batches that are decoded at once [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Batches that are decoded ahead for each stream
    #[arg(long, value_name = "N", default_value = "4")]
    pub(crate) prefetch: NonZeroUsize,
    /// Memory for decoded samples that all streams share, as in 512M or 4G; each file gets an equal part
    #[arg(long, value_name = "BYTES", default_value = "256M", value_parser = byte_count)]
    pub(crate) cache: ByteCount,
    /// Streams at once; more are refused with 429
    #[arg(long, value_name = "N", default_value = "256")]
    pub(crate) max_streams: NonZeroUsize,
    /// Connections at once; more wait
    #[arg(long, value_name = "N", default_value = "1024")]
    pub(crate) max_connections: NonZeroUsize,
    /// Batches that a group keeps for readers that are behind
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) group_window: NonZeroUsize,
    /// Seconds that streams get to end once the service drains
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    pub(crate) drain_seconds: u32,
    /// Seconds until the head of a request is there
    #[arg(long, value_name = "SECONDS", default_value = "15")]
    pub(crate) head_timeout: u32,
    /// Seconds that a reader may take nothing before it is cut off
    #[arg(long, value_name = "SECONDS", default_value = "3600")]
    pub(crate) write_timeout: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// No line for a request
    None,
    /// A line of JSON for each request; no ids of patients
    Json,
}
