//! The bodies of answers.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use hyper::body::{Frame, SizeHint};
use tokio::sync::mpsc::Receiver;

use super::pieces::Pieces;

/// Portions of a stream, which an answer carries beside its body: axum's bodies are not of several pieces.
#[derive(Debug, Clone)]
pub(super) struct Portions(Arc<Mutex<Receiver<io::Result<Pieces>>>>);

impl Portions {
    pub(super) fn new(receiver: Receiver<io::Result<Pieces>>) -> Self {
        Self(Arc::new(Mutex::new(receiver)))
    }

    /// Makes them the body of `response`.
    pub(super) fn answer(self, response: &mut Response) {
        // An error, should it ever leave: an empty stream would look complete.
        let never = io::Error::other("the stream is sent in portions");
        *response.body_mut() = Body::from_stream(stream::iter([Err::<Bytes, _>(never)]));
        response.extensions_mut().insert(self);
    }
}

/// The body of an answer as it is sent.
pub(super) enum AnswerBody {
    /// That of axum.
    Plain(Body),
    /// A stream.
    Portions(Portions),
}

impl AnswerBody {
    /// `response` with its [`Portions`] as the body, if it has any.
    pub(super) fn of(mut response: Response) -> hyper::Response<Self> {
        match response.extensions_mut().remove() {
            Some(portions) => response.map(|_| Self::Portions(portions)),
            None => response.map(Self::Plain),
        }
    }
}

impl hyper::body::Body for AnswerBody {
    type Data = Pieces;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Pieces>, axum::Error>>> {
        match self.get_mut() {
            Self::Plain(body) => {
                let frame = Pin::new(body).poll_frame(context);
                frame.map_ok(|frame| frame.map_data(Pieces::from))
            }
            Self::Portions(Portions(receiver)) => {
                let portion = receiver.lock().unwrap_or_else(PoisonError::into_inner).poll_recv(context);
                portion.map_ok(Frame::data).map_err(axum::Error::new)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Plain(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Plain(body) => body.size_hint(),
            Self::Portions(_) => SizeHint::default(),
        }
    }
}
