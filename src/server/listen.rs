//! The accept loop and the life of a connection. In: a bound listener. Out: requests for `handle`; a stop that lets what
//! is in flight finish.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use crate::metrics::OpenConnection;

use super::unread::Unread;
use super::{Site, handle};

/// The first and the longest pause after an accept that failed (no descriptors left, for instance).
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// Accepts until the site's tasks are told to stop.
pub async fn serve(site: Arc<Site>, listener: TcpListener) {
    let stop = site.tasks.stopping();
    let places = Arc::new(Semaphore::new(site.bounds.connections));
    let mut pause = PAUSE.0;
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accept(&listener, &places) => accepted,
        };
        match accepted {
            Ok((stream, peer, place)) => {
                pause = PAUSE.0;
                let site_of_connection = Arc::clone(&site);
                site.tasks.spawn(async move {
                    connection(site_of_connection, stream, peer).await;
                    drop(place);
                });
            }
            Err(error) => {
                // A loop that gives up, or spins, is worse than one that waits.
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE.1);
            }
        }
    }
}

/// A connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer.ip(), place))
}

async fn connection(site: Arc<Site>, stream: TcpStream, peer: IpAddr) {
    let _open = OpenConnection::begin();
    // Frames are small and waited for.
    let _ = stream.set_nodelay(true);
    let stream = Unread::new(stream, site.bounds.unread);
    let stop = site.tasks.stopping();
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(site.bounds.head).max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(32 * 1024)
        .max_pending_accept_reset_streams(20)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(20));
    let head = site.bounds.head;
    let heard = Arc::new(AtomicBool::new(false));
    let heard_by_service = Arc::clone(&heard);
    let service = service_fn(move |request| {
        let site = Arc::clone(&site);
        heard_by_service.store(true, Ordering::Relaxed);
        async move { Ok::<_, Infallible>(handle::handle(site, peer, request).await) }
    });
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    // Until the first bytes tell HTTP/1 from HTTP/2 no timeout of hyper's is running: a client that says nothing, or
    // only the beginning of HTTP/2, would stay for ever.
    let silent = async {
        tokio::time::sleep(head).await;
        if heard.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    };
    let result = tokio::select! {
        result = serving.as_mut() => result,
        () = silent => {
            tracing::debug!("a connection said nothing");
            return;
        }
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
}
