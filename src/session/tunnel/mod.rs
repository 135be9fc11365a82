//! One client's socket joined to one at a backend that speaks the same dialect, or whatever a path that the dialect does
//! not know speaks. In: both sockets, open. Out: every message on the other side, letter by letter, until one side ends;
//! then the other is told, and why.

mod farewell;
mod pump;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::time::timeout;

use crate::auth::{RateLimit, Standing};
use crate::dialect::{Dialect, Redaction};
use crate::metrics::Frames;
use crate::socket::Duplex;
use crate::tasks::Stay;

use super::{End, Settings};
use farewell::{Bye, Farewells};
use pump::Pump;

/// Where a tunnel is: what it must know besides its two sockets.
pub struct Tunnel {
    pub route: Arc<str>,
    /// Whose frames count in the rate.
    pub principal: Arc<str>,
    /// Frames of one principal.
    pub rate: Option<Arc<RateLimit>>,
    /// The dialect and which of its sockets this is. `None`: a path that it does not know, where binary messages pass and
    /// refusals have no frame.
    pub contract: Option<(Arc<Dialect>, usize)>,
    /// What the backend says and no client hears.
    pub redaction: Redaction,
    pub frames: Frames,
    pub settings: Settings,
}

/// Passes on until the end of one side, or the stop.
pub async fn run<C: Duplex, U: Duplex>(
    tunnel: Tunnel,
    standing: Standing,
    client: C,
    upstream: U,
    mut stay: Stay,
) -> End {
    let mut pump = Pump::new(&tunnel, client, upstream);
    let farewells = {
        let (mut stopped, mut revoked) = (pin!(stay.over()), pin!(standing.lost()));
        poll_fn(|context| {
            if stopped.as_mut().poll(context).is_ready() {
                return Poll::Ready(Farewells::stopped(&tunnel));
            }
            if revoked.as_mut().poll(context).is_ready() {
                return Poll::Ready(Farewells::revoked(&tunnel));
            }
            pump.poll(context)
        })
        .await
    };
    let Farewells { end, client: to_client, upstream: to_upstream } = farewells;
    let (client, upstream) = pump.into_sockets();
    // A peer that does not read must not keep the other, or the task.
    let limit = tunnel.settings.write_timeout;
    tokio::join!(timeout(limit, part(client, to_client)), timeout(limit, part(upstream, to_upstream))).0.ok();
    // Until here: whoever waits for it to leave waits for its last words too.
    drop(stay);
    end
}

async fn part<S: Duplex>(socket: S, bye: Bye) {
    match bye {
        Bye::Silent => {}
        Bye::Plain => socket.part(None).await,
        Bye::With(code, reason) => socket.part(Some((code, &reason))).await,
    }
}
