//! From an origin to a connection. In: a host and what it may be. Out: a stream to an address that was checked: the name
//! is resolved once, and what is dialled is what came out then.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fault::{Fault, Reason};
use crate::tls;

use super::host::Host;
use super::policy::Standing;
use super::refused;
use super::url::Origin;

/// How many addresses of a host are tried.
const TRIES: usize = 4;

/// Finds the addresses of a name.
#[async_trait]
pub(super) trait Resolve: Send + Sync + 'static {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Connects to an address.
#[async_trait]
pub(super) trait Connect: Send + Sync + 'static {
    /// With TLS where there is a name for the other side's certificate to bear.
    async fn connect(&self, address: SocketAddr, certified: Option<&str>) -> io::Result<Box<dyn Stream>>;
}

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The system's resolver, `/etc/hosts` included.
pub(super) struct SystemResolver;

#[async_trait]
impl Resolve for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|found| found.ip()).collect())
    }
}

/// TCP, with TLS where asked. No proxy: it would resolve the name again.
#[derive(Default)]
pub(super) struct Tcp {
    /// Made when it is first needed: reading what the system trusts takes time that a start does not have.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl Tcp {
    #[cfg(test)]
    pub fn trusting(tls: ClientConfig) -> Self {
        Tcp { tls: Arc::new(tls).into() }
    }
}

#[async_trait]
impl Connect for Tcp {
    async fn connect(&self, address: SocketAddr, certified: Option<&str>) -> io::Result<Box<dyn Stream>> {
        let stream = TcpStream::connect(address).await?;
        let Some(name) = certified else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let tls = self.tls.get_or_init(|| Arc::new(tls::client(&[b"http/1.1"])));
        Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
    }
}

/// What connects.
pub(super) struct Dialer {
    pub resolve: Arc<dyn Resolve>,
    pub connect: Arc<dyn Connect>,
    /// For all addresses of a host together.
    pub timeout: Duration,
}

impl Dialer {
    pub async fn dial(&self, origin: &Origin, standing: Standing) -> Result<Box<dyn Stream>, Fault> {
        let addresses = self.checked(origin, standing).await?;
        let name = origin.host.to_string();
        let certified = origin.secure.then(|| name.trim_matches(['[', ']']));
        let tries = addresses.len().min(TRIES);
        let mut problem = None;
        for address in addresses.into_iter().take(TRIES) {
            // An address that does not answer leaves time for the next.
            let patience = self.timeout / u32::try_from(tries).unwrap_or(1);
            let attempt = self.connect.connect(SocketAddr::new(address, origin.port), certified);
            match tokio::time::timeout(patience, attempt).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => problem = Some(Fault::new(Reason::Upstream).detail(format!("{origin}: {error}"))),
                Err(_) => {
                    let detail = format!("{origin} takes no connection");
                    problem = Some(Fault::new(Reason::UpstreamTimeout).detail(detail));
                }
            }
        }
        Err(problem.unwrap_or_else(|| unknown(origin)))
    }

    /// The host's addresses. One that it must not have spoils them all: whoever gave it is not to be trusted with others.
    async fn checked(&self, origin: &Origin, standing: Standing) -> Result<Vec<IpAddr>, Fault> {
        let addresses = match &origin.host {
            Host::Literal { address, .. } => vec![*address],
            Host::Name(name) => self.resolve.resolve(name).await.map_err(|_| unknown(origin))?,
        };
        if addresses.iter().all(|address| standing.admits(*address)) {
            Ok(addresses)
        } else {
            Err(refused(format!("{origin} has an address where no file may come from")))
        }
    }
}

fn unknown(origin: &Origin) -> Fault {
    Fault::new(Reason::Upstream).detail(format!("{origin} has no address"))
}
