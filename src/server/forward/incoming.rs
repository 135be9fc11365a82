//! A client's body on its way through. In: what its connection gives. Out: the same bytes while they stay within the limit
//! and come in time; else the fault that the client is told.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::fault::{Fault, Reason};

use super::super::body::Pace;

/// A body that is watched.
pub struct Watched {
    incoming: Incoming,
    /// Bytes that may still come.
    left: u64,
    idle: Duration,
    pace: Pace,
    /// Runs while a piece is asked for and not there: a backend that takes its time is not the client's fault.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub fn new(incoming: Incoming, limit: u64, idle: Duration) -> Self {
        Watched { incoming, left: limit, idle, pace: Pace::begin(idle), waiting: None }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(bytes as u64).ok_or_else(|| Fault::new(Reason::TooLarge))?;
        self.pace.keep(bytes)
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| {
                let cut_off = |_| Fault::new(Reason::Malformed).detail("the body was cut off");
                let frame = frame.map_err(cut_off).map_err(std::io::Error::other)?;
                let length = frame.data_ref().map_or(0, Bytes::len);
                this.count(length).map_err(std::io::Error::other)?;
                Ok(frame)
            }));
        }
        let idle = this.idle;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(idle)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::other(Fault::new(Reason::TimedOut).detail("the body did not go on")))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
