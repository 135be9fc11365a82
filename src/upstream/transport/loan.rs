//! A request's body, lent to the HTTP library. In: the body. Out: the same body, back, if the library never looked at it
//! (then nothing of the request was sent); how far it got; what became of its source.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::{Instant, sleep_until};

use super::RequestBody;

#[derive(Debug)]
struct State {
    body: Option<RequestBody>,
    /// The library asked for something of it. It must do so before it writes a request's head, which says how long the
    /// body is.
    asked: bool,
    /// When the body last moved, or the call began.
    moved: Instant,
    /// It is the body's source that the library waits for, not the upstream.
    starved: bool,
    failure: Option<std::io::Error>,
}

/// What the lender keeps.
#[derive(Debug)]
pub(super) struct Loan(Arc<Mutex<State>>);

/// What the library gets.
#[derive(Debug)]
pub(super) struct Lent(Arc<Mutex<State>>);

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A body that panicked while it was read is not read again by us: the connection it was lent to is gone.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Loan {
    /// Lends a body, for a call that began then.
    pub fn new(body: RequestBody, began: Instant) -> (Loan, Lent) {
        let state = State { body: Some(body), asked: false, moved: began, starved: false, failure: None };
        let state = Arc::new(Mutex::new(state));
        (Loan(Arc::clone(&state)), Lent(state))
    }

    /// The body, if nothing of the request was sent.
    pub fn take_back(&self) -> Option<RequestBody> {
        let mut state = lock(&self.0);
        if state.asked { None } else { state.body.take() }
    }

    /// Why the body's source did not go on, if it failed.
    pub fn failure(&self) -> Option<std::io::Error> {
        lock(&self.0).failure.take()
    }

    /// Ends when the other side did nothing for `longest`: neither took a piece of the body, nor answered. A body that is
    /// slow to come has its own deadlines.
    pub async fn overdue(&self, longest: Duration) {
        loop {
            let since = {
                let state = lock(&self.0);
                if state.starved { Instant::now() } else { state.moved }
            };
            let due = since + longest;
            if due <= Instant::now() {
                return;
            }
            sleep_until(due).await;
        }
    }
}

impl Body for Lent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let mut state = lock(&self.0);
        state.asked = true;
        let Some(body) = state.body.as_mut() else {
            return Poll::Ready(Some(Err(std::io::Error::other("the body was taken back"))));
        };
        let polled = Pin::new(body).poll_frame(context);
        state.starved = polled.is_pending();
        if polled.is_ready() {
            state.moved = Instant::now();
        }
        polled.map(|frame| {
            frame.map(|frame| {
                frame.map_err(|error| {
                    // The library is told less than the one who asked for the call.
                    let kind = error.kind();
                    state.failure = Some(error);
                    std::io::Error::from(kind)
                })
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        let mut state = lock(&self.0);
        state.asked = true;
        state.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let mut state = lock(&self.0);
        state.asked = true;
        state.body.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}
