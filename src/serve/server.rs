//! The listener: connections, timeouts, TLS, draining.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::answer_body::AnswerBody;

/// The longest head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 32 << 10;
/// Time for a TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A mark of the connection that a request came on: set where an answer broke off, so that the connection is reset.
#[derive(Debug, Clone, Default)]
pub(super) struct Broken(Arc<AtomicBool>);

impl Broken {
    /// The connection is reset when it is closed.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Limits of connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConnectionLimits {
    /// Connections at once; more wait in the system's queue.
    pub(super) connections: usize,
    /// Time until the head of a request is there, and until the next request on an idle connection.
    pub(super) head: Duration,
}

/// Comes to its end when the service drains, or has ended.
pub(super) async fn until(draining: &mut watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await;
}

/// State that all connections share.
#[derive(Clone)]
pub(super) struct Connections {
    pub(super) router: Router,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) limits: ConnectionLimits,
    pub(super) draining: watch::Receiver<bool>,
}

/// Takes connections until the service drains, then waits at most `drain` for those that are open.
pub(super) async fn listen(listener: TcpListener, shared: Connections, drain: Duration) {
    let places = Arc::new(Semaphore::new(shared.limits.connections));
    let mut draining = shared.draining.clone();
    let mut connections = JoinSet::new();
    loop {
        let place = tokio::select! {
            () = until(&mut draining) => break,
            place = Arc::clone(&places).acquire_owned() => place.ok(),
        };
        let accepted = tokio::select! {
            () = until(&mut draining) => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let shared = shared.clone();
                connections.spawn(async move {
                    shared.serve(stream).await;
                    drop(place);
                });
            }
            // Out of descriptors, or a connection that is gone already.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    // What has not come to its end by then is cut, without the last chunk.
    let _ = tokio::time::timeout(drain, all).await;
}

impl Connections {
    /// Answers the requests of one connection.
    async fn serve(self, mut stream: TcpStream) {
        // Batches are written whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let broken = Broken::default();
        let Some(tls) = self.tls.clone() else {
            self.requests(&mut stream, &broken).await;
            return reset(&stream, &broken);
        };
        let Ok(Ok(mut stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
        self.requests(&mut stream, &broken).await;
        reset(stream.get_ref().0, &broken);
    }

    async fn requests<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: &mut S, broken: &Broken) {
        let service = service_fn(|request: Request<Incoming>| {
            let router = self.router.clone();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(broken.clone());
            async move {
                let response = router.oneshot(request).await.unwrap_or_else(|never| match never {});
                Ok::<_, Infallible>(AnswerBody::of(response))
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.head).max_buf_size(MAX_HEAD_BYTES);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let mut draining = self.draining.clone();
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = until(&mut draining) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        // The client is gone or has sent no HTTP: no answer can reach it.
        let _ = ended;
    }
}

/// Has the connection closed by a reset, which no client takes for the end of an answer.
fn reset(stream: &TcpStream, broken: &Broken) {
    if broken.0.load(Ordering::Relaxed) {
        let _ = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
    }
}
