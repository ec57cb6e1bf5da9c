//! Batches as a service over HTTP: one copy of the data for many readers.
//!
//! The service keeps no state of its readers. The order of an epoch is a pure function of the options, so that every
//! batch has a URL, two services over equal files give equal bytes, and a reader that lost its connection asks for the
//! next batch. `docs/serve.md` describes the routes.

mod access;
mod answer_body;
mod batches;
mod body;
mod datasets;
mod encoded;
mod error;
mod file;
mod job;
mod log;
mod metrics;
mod open_streams;
mod openapi;
mod page;
mod pieces;
mod portion_memory;
mod query;
mod range;
mod reply;
mod routes;
mod samples;
mod server;
mod tls;

pub use access::AccessOptions;
pub use error::ServeError;
pub use log::LogFormat;
pub use tls::TlsFiles;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};

use crate::stream::StreamOptions;
use access::Access;
use batches::Decoder;
use log::LogEntry;
use server::{ConnectionLimits, Connections};

/// The page shows how fast samples were sent in the last period of this length.
const RATE_PERIOD: Duration = Duration::from_secs(5);

/// The options of the service.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The readers that are let in.
    pub access: AccessOptions,
    /// True to let everyone read at an address that other machines reach.
    pub public: bool,
    /// TLS, if any.
    pub tls: Option<TlsFiles>,
    /// The origin whose pages may read, or `*`.
    pub cors: Option<String>,
    /// Batches that are decoded at once.
    pub threads: usize,
    /// Batches that are decoded ahead for each stream.
    pub prefetch: usize,
    /// Bytes of decoded rows that are kept for all streams, in equal parts for the files.
    pub cache_bytes: usize,
    /// Streams at once.
    pub max_streams: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Batches that a group keeps for members that are behind.
    pub group_window: u64,
    /// Time that streams get to end once the service drains.
    pub drain: Duration,
    /// Time until the head of a request is there.
    pub head_timeout: Duration,
    /// Time that a reader may take nothing.
    pub write_timeout: Duration,
    /// The log of requests.
    pub log: LogFormat,
}

/// The options that the query of a stream names, checked as the service checks them before it looks at the data set.
///
/// # Errors
/// The text that the service answers with, which names what is wrong.
pub fn check_query(text: &str) -> Result<StreamOptions, String> {
    let mut query = query::Query::parse(text).map_err(|error| error.to_string())?;
    job::start_and_group(&mut query).map_err(|refusal| refusal.text)?;
    job::options(&query).map(|(options, _)| options).map_err(|refusal| refusal.text)
}

/// State that all requests share.
struct Shared {
    datasets: datasets::Datasets,
    access: Access,
    decoder: Arc<Decoder>,
    streams: Arc<Semaphore>,
    draining: watch::Receiver<bool>,
    options: ServeOptions,
}

/// Serves `files` until SIGTERM or SIGINT, which drain; a second one ends at once. SIGHUP reads the tokens again.
/// `listening` is called with the address once requests are taken.
///
/// # Errors
/// [`ServeError`] where the service cannot start.
pub fn serve(
    files: &[PathBuf],
    options: ServeOptions,
    listening: impl FnOnce(SocketAddr),
) -> Result<(), ServeError> {
    options.access.check_address(options.listen, options.public)?;
    let access = Access::new(options.access.clone())?;
    let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
    let datasets = datasets::open_all(files, options.cache_bytes)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(options.threads + 8)
        .thread_name("serve")
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    let (drain, draining) = watch::channel(false);
    let shared = Arc::new(Shared {
        datasets,
        access,
        decoder: Arc::new(Decoder::new(options.threads, options.group_window)),
        streams: Arc::new(Semaphore::new(options.max_streams)),
        draining: draining.clone(),
        options,
    });
    let options = &shared.options;
    let done = runtime.block_on(async {
        let address = options.listen;
        let listener =
            TcpListener::bind(address).await.map_err(|source| ServeError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| ServeError::Listen { address, source })?;
        tokio::spawn(watch_signals(Arc::clone(&shared), drain));
        tokio::spawn(measure_rates(Arc::clone(&shared)));
        listening(address);
        let limits = ConnectionLimits { connections: options.max_connections, head: options.head_timeout };
        let connections = Connections { router: routes::router(&shared), tls, limits, draining };
        server::listen(listener, connections, options.drain).await;
        Ok(())
    });
    // Streams that were cut may be in the middle of a batch.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

/// Measures every few seconds how fast each data set is read.
async fn measure_rates(shared: Arc<Shared>) {
    let mut ticks = tokio::time::interval(RATE_PERIOD);
    loop {
        ticks.tick().await;
        for served in shared.datasets.values() {
            served.counters.measure_rate(RATE_PERIOD);
        }
    }
}

/// Drains at the first SIGTERM or SIGINT, ends at the second; reads tokens again at SIGHUP.
async fn watch_signals(shared: Arc<Shared>, drain: watch::Sender<bool>) {
    let of = |kind| signal(kind);
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) =
        (of(SignalKind::terminate()), of(SignalKind::interrupt()), of(SignalKind::hangup()))
    else {
        return;
    };
    let log = shared.options.log;
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hangup.recv() => {
                match shared.access.reload() {
                    Ok(()) => log.write(&LogEntry::now("tokens read again")),
                    Err(error) => log.write(&LogEntry {
                        error: Some(&error.to_string()), ..LogEntry::now("tokens stay as they were")
                    }),
                }
                continue;
            }
        }
        if drain.send_replace(true) {
            std::process::exit(1);
        }
        log.write(&LogEntry::now("draining"));
    }
}
