//! A gateway that runs, asked over its admin listener. In: where that is, and what its config says of it. Out: answers, as
//! they come.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

use crate::config::ServerSettings;
use crate::secret::Secret;
use crate::tls;

/// To connect, and the same for a handshake. An answer takes as long as it takes.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no answer, in words.
pub(super) type Failure = String;

/// An admin listener, and what is shown to it.
pub(super) struct Admin {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    token: Option<Secret>,
}

type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

impl Admin {
    /// The one of this config, or one with the same keys at another address. It must show the certificate of
    /// `[server.admin_tls]`; it is shown that too, and the token.
    pub fn of(server: &ServerSettings, address: Option<SocketAddr>) -> Result<Self, Failure> {
        let address = address
            .or(server.admin)
            .ok_or("a gateway runs and has no admin address: set `server.admin`, or stop it")?;
        let tls = server.admin_tls.as_ref().map(tls::own).transpose().map_err(|error| error.to_string())?;
        Ok(Admin { address: reachable(address), tls: tls.map(Arc::new), token: server.admin_access.token.clone() })
    }

    /// For what everybody may ask: nothing is shown, and nobody in particular is expected.
    pub fn of_anybody(address: SocketAddr, is_secure: bool) -> Self {
        let tls = is_secure.then(|| Arc::new(tls::anybody()));
        Admin { address: reachable(address), tls, token: None }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks, and reads the answer while it comes.
    pub async fn ask<Read, Found>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        read: Read,
    ) -> Result<Found, Failure>
    where
        Read: AsyncFnOnce(Response<Incoming>) -> Result<Found, Failure>,
    {
        let stream = timeout(CONNECT, self.connect()).await.map_err(|_| "it does not answer")??;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
        let mut request = Request::builder().method(method).uri(path).header(HOST, self.address.to_string());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose()));
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(words)?;
        let answering = async move { read(sender.send_request(request).await.map_err(words)?).await };
        tokio::pin!(connection);
        tokio::pin!(answering);
        tokio::select! {
            found = answering.as_mut() => found,
            // The connection is done when its answer is: the rest of that is read from what it brought.
            _ = connection.as_mut() => answering.await,
        }
    }

    async fn connect(&self) -> Result<Stream, Failure> {
        let stream = TcpStream::connect(self.address).await.map_err(words)?;
        let Some(tls) = &self.tls else { return Ok(Either::Left(stream)) };
        let name = ServerName::from(self.address.ip());
        match TlsConnector::from(Arc::clone(tls)).connect(name, stream).await {
            Ok(stream) => Ok(Either::Right(Box::new(stream))),
            Err(error) => Err(no_tls(&error)),
        }
    }
}

/// A listener on every address is reached at this machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

fn no_tls(error: &std::io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            "it shows another certificate than `cert` of [server.admin_tls]".to_owned()
        }
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS, as [server.admin_tls] says".to_owned(),
        Some(_) | None => format!("no TLS with it: {error}"),
    }
}

/// An error of a library as words.
pub(super) fn words(error: impl std::fmt::Display) -> Failure {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_is_reached_at_loopback() {
        for (listens, asked) in [
            ("0.0.0.0:9090", "127.0.0.1:9090"),
            ("[::]:9090", "[::1]:9090"),
            ("10.0.0.7:9090", "10.0.0.7:9090"),
            ("[fd00::7]:1", "[fd00::7]:1"),
        ] {
            assert_eq!(reachable(listens.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
