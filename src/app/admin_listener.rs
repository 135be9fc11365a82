//! Where operators ask. In: an address, files of TLS. Out: a listener that is bound before anything else is opened, and
//! served once all is.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::{StartError, ground, listen};
use crate::admin;
use crate::edge::Secured;
use crate::tls::TlsSettings;

/// What is offered, the preferred one first.
const ALPN: &[&[u8]] = &[b"http/1.1"];

pub struct AdminListener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Secured>>,
}

impl AdminListener {
    pub async fn open(address: SocketAddr, tls: Option<TlsSettings>) -> Result<Self, StartError> {
        let listener = listen("server.admin", address).await?;
        let address = listener.local_addr()?;
        let tls = tls.map(|tls| Secured::open("admin", tls, ALPN)).transpose()?.map(Arc::new);
        Ok(AdminListener { listener, address, tls })
    }

    /// Returns where it is, as a URL without a slash at the end.
    pub fn serve(self, site: admin::Site) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let tasks = site.tasks.clone();
        ground::watch(self.tls.as_ref(), &tasks);
        tasks.spawn(admin::serve(self.listener, self.tls, site));
        format!("{scheme}://{}", self.address)
    }
}
