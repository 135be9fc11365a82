//! One endpoint of an upstream. In: its address. Out: whole addresses to call, how much it has to do, whether it is given
//! requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};

use crate::metrics;

use super::EndpointState;
use super::breaker::{Breaker, BreakerSettings, Pass};

/// An endpoint and what is known of it.
#[derive(Debug)]
pub(super) struct Endpoint {
    upstream: Arc<str>,
    scheme: Scheme,
    authority: Authority,
    /// Stands before every path; empty or `/…` without a slash at its end.
    prefix: String,
    /// For logs and metrics: no path and no user name, which may hold credentials.
    address: String,
    breaker: Breaker,
    load: Arc<AtomicUsize>,
}

impl Endpoint {
    /// Nothing for an address without a host.
    pub fn new(upstream: &Arc<str>, uri: &Uri, breaker: BreakerSettings) -> Option<Self> {
        let authority = bare(uri.authority()?)?;
        let (shown, scheme) = match uri.scheme_str().unwrap_or("http") {
            secure @ ("https" | "wss") => (secure, Scheme::HTTPS),
            plain => (plain, Scheme::HTTP),
        };
        let endpoint = Endpoint {
            upstream: Arc::clone(upstream),
            address: format!("{shown}://{authority}"),
            scheme,
            authority,
            prefix: uri.path().trim_end_matches('/').to_owned(),
            breaker: Breaker::new(breaker),
            load: Arc::default(),
        };
        endpoint.show();
        Some(endpoint)
    }

    /// Scheme, host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn host(&self) -> &str {
        self.authority.host()
    }

    /// That of the scheme, where none is written.
    pub fn port(&self) -> u16 {
        self.authority.port_u16().unwrap_or(if self.scheme == Scheme::HTTPS { 443 } else { 80 })
    }

    /// Where a path is, here.
    pub fn locate(&self, path: &PathAndQuery) -> Result<Uri, http::Error> {
        let whole = match self.prefix.as_str() {
            "" => path.clone(),
            prefix => PathAndQuery::try_from(format!("{prefix}{path}"))?,
        };
        Uri::builder().scheme(self.scheme.clone()).authority(self.authority.clone()).path_and_query(whole).build()
    }

    /// Calls and sockets at the moment.
    pub fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Whether a request would be let through; if not, how long until one might.
    pub fn admits(&self) -> Result<(), Duration> {
        self.breaker.admits(Instant::now())
    }

    /// A place for one request, unless there is none any more.
    pub fn enter(self: Arc<Self>) -> Option<Entry> {
        let pass = self.breaker.enter(Instant::now())?;
        let counted = Counted::begin(&self.load);
        Some(Entry { verdict: Verdict { endpoint: self, pass: Some(pass) }, counted })
    }

    /// What an active check found.
    pub fn checked(&self, well: bool) {
        self.tell(|breaker| if well { breaker.pass_check() } else { breaker.fail_check(Instant::now()) });
    }

    pub fn state(&self) -> EndpointState {
        EndpointState { address: self.address.clone(), healthy: self.breaker.is_closed(), in_flight: self.load() }
    }

    fn tell(&self, say: impl FnOnce(&Breaker)) {
        let before = self.breaker.is_closed();
        say(&self.breaker);
        let after = self.breaker.is_closed();
        if before != after {
            let (upstream, endpoint) = (&self.upstream, &self.address);
            match after {
                true => tracing::info!(%upstream, %endpoint, "the endpoint is used again"),
                false => tracing::warn!(%upstream, %endpoint, "the endpoint fails: it is passed by for a while"),
            }
            self.show();
        }
    }

    fn show(&self) {
        metrics::show_upstream_endpoint(&self.upstream, &self.address, self.breaker.is_closed());
    }
}

/// Host and port: a user name and password before them are for nobody.
fn bare(authority: &Authority) -> Option<Authority> {
    let whole = authority.as_str();
    let after = whole.rfind('@').map_or(whole, |at| &whole[at + 1..]);
    Authority::try_from(after).ok().filter(|authority| !authority.host().is_empty())
}

/// A request that an endpoint was given. Dropped, it says nothing about the endpoint.
#[derive(Debug)]
pub(super) struct Entry {
    verdict: Verdict,
    counted: Counted,
}

impl Entry {
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.verdict.endpoint
    }

    /// The endpoint does its work. It is busy with this one until what is returned is dropped.
    pub fn succeed(self) -> Counted {
        self.verdict.give(Breaker::succeed);
        self.counted
    }

    /// The endpoint does not.
    pub fn fail(self) -> Counted {
        self.verdict.give(|breaker, pass| breaker.fail(pass, Instant::now()));
        self.counted
    }
}

/// What the end of a request says about its endpoint; nothing, unless it is given.
#[derive(Debug)]
struct Verdict {
    endpoint: Arc<Endpoint>,
    pass: Option<Pass>,
}

impl Verdict {
    fn give(mut self, say: impl FnOnce(&Breaker, Pass)) {
        if let Some(pass) = self.pass.take() {
            self.endpoint.tell(|breaker| say(breaker, pass));
        }
    }
}

impl Drop for Verdict {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.endpoint.breaker.abandon(pass, Instant::now());
        }
    }
}

/// A call or socket that an endpoint is busy with, until this is dropped.
#[derive(Debug)]
pub struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn begin(load: &Arc<AtomicUsize>) -> Self {
        load.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(load))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
