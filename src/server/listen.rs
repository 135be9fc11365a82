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
use hyper_util::server::graceful::GracefulConnection;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_util::either::Either;

use crate::edge::{AddressPlace, Arrival, Client, Entrance, Lost, Newcomer, Secured, Unread, proxy_protocol};
use crate::metrics::OpenConnection;

use super::{Bounds, Site, handle};

/// What requests are read from.
type Stream = Either<Unread<TcpStream>, Box<tokio_rustls::server::TlsStream<Unread<TcpStream>>>>;

/// The label of what is counted of connections.
const LISTENER: &str = "clients";

/// Accepts until the site's tasks are told to stop; over TLS, where that is given.
pub async fn serve(site: Arc<Site>, listener: TcpListener, tls: Option<Arc<Secured>>) {
    let stop = site.tasks.stopping();
    let Bounds { connections, newcomers, .. } = site.bounds;
    let entrance = Arc::new(Entrance::new(LISTENER, listener, tls, connections, newcomers));
    loop {
        let arrival = tokio::select! {
            () = stop.cancelled() => return,
            arrival = entrance.next() => arrival,
        };
        let (site_of_connection, entrance) = (Arc::clone(&site), Arc::clone(&entrance));
        site.tasks.spawn(async move {
            let _open = OpenConnection::begin();
            let Arrival { stream, peer, newcomer, place } = arrival;
            if let Err(lost) = connection(site_of_connection, &entrance, newcomer, stream, peer).await {
                entrance.count(lost);
            }
            drop(place);
        });
    }
}

/// One connection, to its end; or why no request came.
async fn connection(
    site: Arc<Site>,
    entrance: &Entrance,
    newcomer: Newcomer,
    stream: TcpStream,
    address: IpAddr,
) -> Result<(), Lost> {
    // Frames are small and waited for.
    let _ = stream.set_nodelay(true);
    let stop = site.tasks.stopping();
    let (opened, client, _place) = tokio::select! {
        opened = open(&site, entrance, stream, address) => opened?,
        () = newcomer.pushed_out() => return Err(Lost::PushedOut),
        () = stop.cancelled() => return Ok(()),
    };
    converse(site, newcomer, opened, client).await
}

/// The stream that requests are read from, with the version of HTTP that was agreed on, if one was; who is at its other end,
/// and its place among those of its address.
async fn open(
    site: &Site,
    entrance: &Entrance,
    mut stream: TcpStream,
    peer: IpAddr,
) -> Result<((Stream, Version), Client, Option<AddressPlace>), Lost> {
    let served = site.served();
    let mut address = peer;
    if served.policy.proxies.proxy_protocol && served.policy.proxies.trusts(peer) {
        let header = timeout(site.bounds.head, proxy_protocol::read(&mut stream));
        address = header.await.unwrap_or(Err(Lost::ProxyHeader))?.unwrap_or(peer);
    }
    let place = if served.policy.proxies.trusts(address) {
        None
    } else {
        Some(site.connections.take(address, served.policy.per_address).ok_or(Lost::PerAddress)?)
    };
    let client = Client { address, secure: entrance.tls().is_some() };
    let stream = secure(entrance, Unread::new(stream, site.bounds.unread)).await?;
    Ok((stream, client, place))
}

async fn secure(entrance: &Entrance, stream: Unread<TcpStream>) -> Result<(Stream, Version), Lost> {
    let Some(tls) = entrance.tls() else { return Ok((Either::Left(stream), Version::Any)) };
    let stream = tls.accept(stream).await?;
    let version = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Version::Two,
        _ => Version::Any,
    };
    Ok((Either::Right(Box::new(stream)), version))
}

/// What ALPN chose.
#[derive(Clone, Copy)]
enum Version {
    /// Nothing else may follow.
    Two,
    /// The first bytes will tell.
    Any,
}

fn builder(site: &Site) -> auto::Builder<TokioExecutor> {
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
    builder
}

async fn converse(
    site: Arc<Site>,
    newcomer: Newcomer,
    (stream, version): (Stream, Version),
    client: Client,
) -> Result<(), Lost> {
    let builder = builder(&site);
    let newcomer = Arc::new(newcomer);
    let (handling, arrived) = (Arc::clone(&site), Arc::clone(&newcomer));
    let heard = Arc::new(AtomicBool::new(false));
    let heard_by_service = Arc::clone(&heard);
    let service = service_fn(move |request| {
        let site = Arc::clone(&handling);
        if !heard_by_service.swap(true, Ordering::Relaxed) {
            arrived.settle();
        }
        async move { Ok::<_, Infallible>(handle::handle(site, client, request).await) }
    });
    let stream = TokioIo::new(stream);
    match version {
        // A connection that may be upgraded begins as either, whatever the builder was told.
        Version::Two => {
            until_its_end(builder.http2_only().serve_connection(stream, service), &site, &newcomer, &heard).await
        }
        Version::Any => {
            until_its_end(builder.serve_connection_with_upgrades(stream, service), &site, &newcomer, &heard).await
        }
    }
}

/// Serves until the client or the gateway ends it; a connection without a request has the time of a head.
async fn until_its_end<C>(serving: C, site: &Site, newcomer: &Newcomer, heard: &AtomicBool) -> Result<(), Lost>
where
    C: GracefulConnection,
    C::Error: std::fmt::Display,
{
    let stop = site.tasks.stopping();
    tokio::pin!(serving);
    // Until the first bytes tell HTTP/1 from HTTP/2 no timeout of hyper's is running: a client that says nothing, or
    // only the beginning of HTTP/2, would stay for ever.
    let silent = async {
        let lost = tokio::select! {
            () = tokio::time::sleep(site.bounds.head) => Lost::Silent,
            () = newcomer.pushed_out() => Lost::PushedOut,
        };
        if heard.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        lost
    };
    let result = tokio::select! {
        result = serving.as_mut() => result,
        lost = silent => return Err(lost),
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended badly");
    }
    Ok(())
}
