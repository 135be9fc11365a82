//! Bodies, in and out. In: a request's body, with a limit and a deadline between its pieces. Out: its bytes; a fault for
//! one that is too large or too slow; an answer's body of one type.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout};

use crate::fault::{Fault, Reason};

use super::Site;

/// The body of every answer.
pub type Answer = UnsyncBoxBody<Bytes, std::io::Error>;

/// An answer's body that is there already.
pub fn full(bytes: impl Into<Bytes>) -> Answer {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Reads a whole body of at most `limit` bytes.
pub async fn read(site: &Site, mut body: Incoming, headers: &HeaderMap, limit: usize) -> Result<Bytes, Fault> {
    if body.size_hint().lower() > limit as u64 {
        decline(site, body, headers);
        return Err(Fault::larger_than(limit as u64));
    }
    let idle = site.bounds.body_idle;
    let mut bytes = BytesMut::new();
    let mut pace = Pace::begin(idle);
    while let Some(piece) = next(&mut body, idle).await? {
        pace.keep(piece.len())?;
        if bytes.len() + piece.len() > limit {
            let_go(site, body);
            return Err(Fault::larger_than(limit as u64));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.freeze())
}

/// Bytes that must come each second, on average, once the time for one piece is over. Somebody who sends a byte now and
/// then is never idle, and would hold a connection for as long as the body may be large.
const SLOWEST: u64 = 1024;

/// Watches that a body comes at a bearable pace.
pub struct Pace {
    began: Instant,
    grace: Duration,
    taken: u64,
}

impl Pace {
    /// Begins now; nothing is asked for before `grace` is over.
    pub fn begin(grace: Duration) -> Self {
        Pace { began: Instant::now(), grace, taken: 0 }
    }

    /// Counts a piece. Fails with [`Reason::TimedOut`] when too little has come so far.
    pub fn keep(&mut self, bytes: usize) -> Result<(), Fault> {
        self.taken += bytes as u64;
        let passed = self.began.elapsed();
        let due = u128::from(SLOWEST) * passed.as_millis() / 1000;
        if passed > self.grace && u128::from(self.taken) < due {
            return Err(Fault::new(Reason::TimedOut).detail("the body comes too slowly"));
        }
        Ok(())
    }
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

/// Reads what follows the last thing of interest. Fails when the body is cut off, or goes on beyond what is bearable.
pub async fn finish(body: &mut Incoming, idle: Duration) -> Result<(), Fault> {
    let mut pace = Pace::begin(idle);
    let mut taken = 0;
    while let Some(piece) = next(body, idle).await? {
        pace.keep(piece.len())?;
        taken += piece.len();
        if taken > DRAINED {
            return Err(Fault::new(Reason::TooLarge));
        }
    }
    Ok(())
}

/// Lets go of a body of which nothing was read. A client that asks before it sends one is not told to: it is answered.
pub fn decline(site: &Site, body: Incoming, headers: &HeaderMap) {
    if !headers.contains_key(EXPECT) {
        let_go(site, body);
    }
}

/// Takes the rest of a body beside the answer: a client that is still sending when the connection closes never reads why
/// it was refused, and one that waits for the answer is not kept waiting.
pub fn let_go(site: &Site, body: Incoming) {
    if !body.is_end_stream() {
        site.tasks.spawn(drain(body, site.bounds.body_idle));
    }
}

/// Takes what is left of a body, within bounds of size and of time.
async fn drain(mut body: Incoming, idle: Duration) {
    let short = idle.min(Duration::from_secs(2));
    let rest = async {
        let mut taken = 0;
        while let Ok(Some(piece)) = next(&mut body, short).await {
            taken += piece.len();
            if taken > DRAINED {
                return;
            }
        }
    };
    // Over time or not, what is left is cut with the connection.
    let _ = timeout(short, rest).await;
}
