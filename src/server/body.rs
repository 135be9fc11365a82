//! Bodies, in and out. In: a request's body, with a limit and a deadline between its pieces. Out: its bytes; a fault for
//! one that is too large or too slow; an answer's body of one type.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use crate::fault::{Fault, Reason};

/// The body of every answer.
pub type Answer = UnsyncBoxBody<Bytes, std::io::Error>;

/// An answer's body that is there already.
pub fn full(bytes: impl Into<Bytes>) -> Answer {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Reads a whole body of at most `limit` bytes.
pub async fn read(mut body: Incoming, limit: usize, idle: Duration) -> Result<Bytes, Fault> {
    if body.size_hint().lower() > limit as u64 {
        drain(body, idle).await;
        return Err(Fault::new(Reason::TooLarge));
    }
    let mut bytes = BytesMut::new();
    while let Some(piece) = next(&mut body, idle).await? {
        if bytes.len() + piece.len() > limit {
            drain(body, idle).await;
            return Err(Fault::new(Reason::TooLarge));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// The next piece of a body.
pub async fn next(body: &mut Incoming, idle: Duration) -> Result<Option<Bytes>, Fault> {
    loop {
        let frame = timeout(idle, body.frame()).await.map_err(|_| Fault::new(Reason::TimedOut))?;
        match frame {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(_)) => return Err(Fault::new(Reason::Malformed).detail("the body was cut off")),
        }
    }
}

/// Bytes of an unread body that are still taken, so that the client is done sending and reads the answer. What is
/// beyond is cut with the connection.
const DRAINED: usize = 1024 * 1024;

/// Takes what is left of a body, within bounds.
pub async fn drain(mut body: Incoming, idle: Duration) {
    let mut taken = 0;
    let short = idle.min(Duration::from_secs(2));
    while let Ok(Some(piece)) = next(&mut body, short).await {
        taken += piece.len();
        if taken > DRAINED {
            return;
        }
    }
}
