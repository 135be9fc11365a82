//! Connections of the admin listener. In: whoever connects, over TLS where the config says so. Out: requests, each with the
//! certificate that its connection showed.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::either::Either;

use crate::edge::{Arrival, ClientCertificate, Entrance, Lost, Newcomer, Unread};

use super::{Site, answer};

/// How long the head of a request may take, and a connection may wait for the next one.
const HEAD: Duration = Duration::from_secs(10);
/// How long an answer may lie unread.
const UNREAD: Duration = Duration::from_secs(30);

/// Connections that may be open at a time, and how many of them without a request. Operators, Prometheus and probes are
/// few.
pub const PLACES: (usize, usize) = (500, 100);

/// Answers until the tasks are told to stop.
pub(super) async fn listen(entrance: Entrance, site: Site) {
    let (entrance, stop) = (Arc::new(entrance), site.tasks.stopping());
    loop {
        let arrival = tokio::select! {
            () = stop.cancelled() => return,
            arrival = entrance.next() => arrival,
        };
        let (entrance, site) = (Arc::clone(&entrance), site.clone());
        site.tasks.clone().spawn(async move {
            let Arrival { stream, newcomer, place, .. } = arrival;
            if let Err(lost) = connection(&entrance, site, newcomer, stream).await {
                entrance.count(lost);
            }
            drop(place);
        });
    }
}

/// One connection, to its end; or why no request came.
async fn connection(entrance: &Entrance, site: Site, newcomer: Newcomer, stream: TcpStream) -> Result<(), Lost> {
    let stop = site.tasks.stopping();
    let stream = Unread::new(stream, UNREAD);
    let secured = async {
        match entrance.tls() {
            None => Ok((Either::Left(stream), None)),
            Some(tls) => tls.accept_client(stream).await.map(|(stream, shown)| (Either::Right(stream), shown)),
        }
    };
    let (stream, shown) = tokio::select! {
        secured = secured => secured?,
        () = newcomer.pushed_out() => return Err(Lost::PushedOut),
        () = stop.cancelled() => return Ok(()),
    };
    let (shown, newcomer) = (shown.map(Arc::new), Arc::new(newcomer));
    let (arrived, shown_by_client) = (Arc::clone(&newcomer), shown.clone());
    let heard = Arc::new(AtomicBool::new(false));
    let heard_by_service = Arc::clone(&heard);
    let service = service_fn(move |request| {
        if !heard_by_service.swap(true, Ordering::Relaxed) {
            arrived.settle();
        }
        let (site, shown) = (site.clone(), shown_by_client.clone());
        async move { Ok::<_, Infallible>(answer(request, &site, shown.as_deref()).await) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let ends = async {
        tokio::select! {
            () = outdated(shown.as_deref()) => {}
            () = stop.cancelled() => {}
        }
    };
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = newcomer.pushed_out() => return Err(Lost::PushedOut),
        () = ends => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        if error.is_timeout() && !heard.load(Ordering::Relaxed) {
            return Err(Lost::Silent);
        }
        tracing::debug!(%error, "a connection of the admin listener ended badly");
    }
    Ok(())
}

/// What a client showed is judged by other authorities from now on: it connects anew, and is.
async fn outdated(shown: Option<&ClientCertificate>) {
    match shown {
        Some(shown) => shown.outdated.cancelled().await,
        None => pending().await,
    }
}
