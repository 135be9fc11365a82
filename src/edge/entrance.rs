//! A listener. In: whoever connects. Out: one connection after the other, each with its place among those that may be open;
//! a count of those that came to nothing.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Lost, Newcomer, Newcomers, Secured};
use crate::metrics;

/// The first and the longest pause after an accept that failed (no descriptors left, for instance).
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// What connections of one listener pass before they are HTTP.
pub struct Entrance {
    /// The label of its metrics.
    name: &'static str,
    listener: TcpListener,
    tls: Option<Arc<Secured>>,
    places: Arc<Semaphore>,
    newcomers: Arc<Newcomers>,
}

/// A connection, and its place; free again when it is dropped.
pub struct Arrival {
    pub stream: TcpStream,
    pub peer: IpAddr,
    pub newcomer: Newcomer,
    pub place: OwnedSemaphorePermit,
}

impl Entrance {
    /// `places` may be open at a time; further ones wait in the kernel's queue. Of these `newcomers` may be without a
    /// request yet.
    pub fn new(
        name: &'static str,
        listener: TcpListener,
        tls: Option<Arc<Secured>>,
        places: usize,
        newcomers: usize,
    ) -> Self {
        Entrance { name, listener, tls, places: Arc::new(Semaphore::new(places)), newcomers: Newcomers::new(newcomers) }
    }

    /// What is shown to who connects; absent: connections are in the clear.
    pub fn tls(&self) -> Option<&Secured> {
        self.tls.as_deref()
    }

    /// The next connection, once there is a place for it. Where accepting fails it is tried again: a loop that gives up,
    /// or spins, is worse than one that waits.
    pub async fn next(&self) -> Arrival {
        let mut pause = PAUSE.0;
        loop {
            match self.accept().await {
                Ok(arrival) => return arrival,
                Err(error) => tracing::warn!(listener = self.name, %error, "accepting a connection failed"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    async fn accept(&self) -> std::io::Result<Arrival> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        Ok(Arrival { stream, peer: peer.ip(), newcomer: self.newcomers.arrive(), place })
    }

    /// A connection ended before its first request.
    pub fn count(&self, lost: Lost) {
        metrics::count_connection_lost(self.name, lost.as_str());
    }
}
