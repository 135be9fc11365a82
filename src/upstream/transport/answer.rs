//! The body of an upstream's answer. In: what the connection gives. Out: its pieces, with a deadline between them; or
//! the whole of it, within a limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep};

use crate::fault::{Fault, Reason};

use super::endpoint::Counted;

/// Bytes that must come each second, on average, of an answer that is read whole, once the time for one piece is over:
/// a byte now and then is never idle, and would hold its reader for as long as the answer may be large.
const SLOWEST: u64 = 1024;

/// A body as it comes. Errors: [`std::io::ErrorKind::TimedOut`] where no piece came within the upstream's timeout,
/// [`std::io::ErrorKind::UnexpectedEof`] where it ended before it was whole.
pub struct ResponseBody {
    incoming: Incoming,
    longest: Duration,
    /// Runs while a piece is asked for and not there; a reader that takes its time costs the upstream nothing.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The endpoint is at work until the body is dropped, and so is one of the calls there may be.
    _busy: (Counted, OwnedSemaphorePermit),
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, longest: Duration, busy: (Counted, OwnedSemaphorePermit)) -> Self {
        ResponseBody { incoming, longest, waiting: None, _busy: busy }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(context) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(cut_off)));
        }
        let longest = this.longest;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(longest)));
        ready!(waiting.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "the answer does not go on"))))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// Only its kind of failure is passed on: the library's words may quote what was read.
fn cut_off(_: hyper::Error) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the answer was cut off")
}

/// Reads a whole answer of at most `limit` bytes. Errors: [`Reason::Upstream`] for one that is larger or was cut off (the
/// detail says which), [`Reason::UpstreamTimeout`] for one that comes too slowly. What is not read is cut with the
/// connection.
pub async fn read_limited(response: Response<ResponseBody>, limit: usize) -> Result<Bytes, Fault> {
    let mut body = response.into_body();
    let too_large = || Fault::new(Reason::Upstream).detail(format!("the answer is larger than {limit} bytes"));
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let began = Instant::now();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|error| unread(&error))?.into_data() else { continue };
        if bytes.len() + piece.len() > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
        let passed = began.elapsed();
        if passed > body.longest && (bytes.len() as u64) < SLOWEST * passed.as_secs() {
            return Err(Fault::new(Reason::UpstreamTimeout).detail("the answer comes too slowly"));
        }
    }
    Ok(bytes.freeze())
}

fn unread(error: &std::io::Error) -> Fault {
    let reason = match error.kind() {
        std::io::ErrorKind::TimedOut => Reason::UpstreamTimeout,
        _ => Reason::Upstream,
    };
    Fault::new(reason).detail(error.to_string())
}

/// When the upstream wants to be asked again (RFC 9110 §10.2.3); a date, which depends on two clocks, is passed over.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    // Digits only: `parse` takes a sign.
    let is_number = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(seconds.parse().unwrap_or(u64::from(u32::MAX))))
}
