//! What an operator says of an upstream. In: the checked `[upstreams.NAME]` of a config. Out: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use crate::auth::{Algorithm, Secret};
use crate::dialect::{Dialect, Op};
use crate::event::Role;

/// A backend that speaks some dialect.
#[derive(Debug, Clone, PartialEq)]
pub struct UpstreamSettings {
    /// Unique; the label of metrics and the owner of its ids.
    pub name: Arc<str>,
    /// What it speaks, with its variant and options.
    pub dialect: Arc<Dialect>,
    /// Scheme, authority and perhaps a path that stands before the dialect's; at least one. Several are balanced.
    pub http: Vec<Uri>,
    /// The same for sockets, as `ws:` or `wss:`; where the file says none, `http` with the scheme exchanged.
    pub socket: Vec<Uri>,
    /// Other endpoints for some calls.
    pub hosts: BTreeMap<Op, Vec<Uri>>,
    /// By the names of the dialect's credentials; the default one is called `""`.
    pub credentials: BTreeMap<String, CredentialRule>,
    /// As which role the gateway calls, where the dialect has calls and sockets of several; absent: the caller's.
    pub role: Option<Role>,
    /// A call, a handshake and a connection attempt each take at most this long. 100 ms to 10 min.
    pub timeout: Duration,
    /// How long a send may stay without its confirmation. 100 ms to 10 min.
    pub confirm_within: Duration,
    /// How long an open socket may confirm nothing of what it was sent, before another is opened. 1 s to 10 min; never
    /// before the first who waits was told that nothing came.
    pub stalled_after: Duration,
    pub health: Option<HealthCheck>,
    /// Where it calls back, if it does.
    pub callback: Option<CallbackSettings>,
    /// Hosts that media may be fetched from beside its own and the gateway's, lower-case; `*.example` is what is below.
    pub fetch: Vec<String>,
}

/// What the upstream is shown as a credential.
#[derive(Debug, Clone, PartialEq)]
pub enum CredentialRule {
    /// What the client presented.
    Forward,
    /// The same for everybody: all clients are one account there.
    Fixed(Secret),
    /// A token made for each client.
    Mint(Mint),
}

/// A JWT that the gateway makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Mint {
    pub algorithm: Algorithm,
    /// The shared secret, or the private key as PEM.
    pub key: Secret,
    pub claims: BTreeMap<String, Claim>,
    /// How long a token is good for. It is made anew before.
    pub lifetime: Duration,
}

impl Mint {
    /// Whether a claim says something of the caller.
    pub fn names_party(&self) -> bool {
        self.names("{party.")
    }

    /// Whether a claim says which caller it is, so that no two are the same to the upstream.
    pub fn names_one(&self) -> bool {
        self.names("{party.id}")
    }

    fn names(&self, hole: &str) -> bool {
        let names = |text: &String| text.contains(hole);
        self.claims.values().any(|claim| match claim {
            Claim::Template(text) => names(text),
            Claim::List(texts) => texts.iter().any(names),
            Claim::Integer(_) | Claim::Boolean(_) => false,
        })
    }
}

/// What a claim says.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// Text in which `{party.id}`, `{party.role}`, `{party.name}`, `{party.department}` and `{party.business}` stand for
    /// what is known of the caller. A claim that names what is not known is left out.
    Template(String),
    Integer(i64),
    Boolean(bool),
    /// Templates too.
    List(Vec<String>),
}

/// A call that says whether an endpoint is well: any status below 500.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    pub path: String,
    pub every: Duration,
}

/// Where an upstream that hears nothing on a socket tells us what happened.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackSettings {
    /// On the gateway's own listener, before every route's paths.
    pub path: String,
    /// What it must show.
    pub key: Secret,
}
