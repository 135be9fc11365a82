//! What a checked config says: the types that the rest of the gateway is built from. No name is left to look up, and
//! nothing is absent that has a default.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::admin::{Access, ConsoleAccess};
use crate::auth::Auth;
use crate::delivery::{DeliverySettings, WebhookSettings};
use crate::dialect::{Dialect, FileAccess, OnLoss};
use crate::edge::Policy;
use crate::images::ImageSettings;
use crate::journal::{Keep, RedisJournalSettings};
use crate::media::lifecycle::Retention;
use crate::naming::PinnedConversation;
use crate::placement::Rules;
use crate::relay::RedisRelaySettings;
use crate::scan::ScannerSettings;
use crate::secret::Secret;
use crate::store::s3::S3Settings;
use crate::telemetry::{LogSettings, TraceSettings};
use crate::tls::TlsSettings;
use crate::upstream::UpstreamSettings;

use super::unit::Rate;

/// A config that can be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub server: ServerSettings,
    pub log: LogSettings,
    /// Absent: nothing is traced.
    pub tracing: Option<TraceSettings>,
    pub journal: JournalSettings,
    pub relay: RelaySettings,
    /// By name, in order of the names.
    pub stores: BTreeMap<String, StoreSettings>,
    /// Who is asked about uploads, by name.
    pub scanners: BTreeMap<String, ScannerSettings>,
    /// How long stores keep their files, by name; for ever where a store has none.
    pub retention: BTreeMap<String, Retention>,
    /// Names of the stores that keep the same content once.
    pub once: BTreeSet<String>,
    /// By name.
    pub upstreams: BTreeMap<String, UpstreamSettings>,
    /// In order of the file; the first that fits a request serves it.
    pub routes: Vec<Route>,
    pub conversations: Vec<PinnedConversation>,
    /// By name.
    pub deliveries: BTreeMap<String, DeliveryPlan>,
}

/// What is also said to those who are not connected, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryPlan {
    pub settings: DeliverySettings,
    /// Who brings it; its name is the delivery's with `delivery/` before it, which no upstream has.
    pub by: UpstreamSettings,
}

/// Where the gateway listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// All routes.
    pub listen: SocketAddr,
    /// Absent: in the clear.
    pub tls: Option<TlsSettings>,
    /// Proxies in front, and how much one address may have open.
    pub policy: Policy,
    /// Metrics and health; absent: not served.
    pub admin: Option<SocketAddr>,
    /// What the page for operators shows there.
    pub console: ConsoleAccess,
    /// Who may ask what there.
    pub admin_access: Access,
    /// Absent: in the clear.
    pub admin_tls: Option<TlsSettings>,
    /// How long sockets and requests in flight may take to end; 0 s to 1 h.
    pub drain_timeout: Duration,
    /// What the tokens of visitors are signed with, where replicas must know each other's; else a key is made and kept
    /// beside the journal.
    pub visitor_secret: Option<Secret>,
    /// Whether a file of the config that changes is taken while the gateway runs.
    pub watch: bool,
}

/// Where what was accepted is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalSettings {
    Embedded {
        /// A file, from the working directory.
        path: PathBuf,
        keep: Keep,
    },
    /// For several replicas.
    Redis(Box<RedisJournalSettings>),
}

/// How events reach sockets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelaySettings {
    /// Within this process.
    Memory,
    /// To other replicas too.
    Redis(Box<RedisRelaySettings>),
}

/// Where the bytes of uploads go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreSettings {
    Fs {
        /// A folder, from the working directory.
        root: PathBuf,
        /// Scheme and authority that clients reach the gateway under, without a slash at the end. Absent: the address
        /// that the gateway came to listen on.
        public_url: Option<String>,
    },
    S3 {
        settings: Box<S3Settings>,
        /// As above.
        public_url: Option<String>,
    },
}

impl StoreSettings {
    /// Scheme and authority that clients reach the gateway under, where it is written.
    pub fn public_url(&self) -> Option<&str> {
        match self {
            StoreSettings::Fs { public_url, .. } | StoreSettings::S3 { public_url, .. } => public_url.as_deref(),
        }
    }
}

/// A place that clients connect to.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// Unique; the label of metrics.
    pub name: Arc<str>,
    /// With the variant and options of this route.
    pub dialect: Arc<Dialect>,
    /// The host, lower-case and without a port; absent: every host.
    pub host: Option<String>,
    /// Stands before the dialect's paths; empty, or `/…` without a slash at the end.
    pub prefix: String,
    pub target: Target,
    /// Absent: files cannot be uploaded here.
    pub uploads: Option<Uploads>,
    /// The name of a scanner of the config that uploads must pass.
    pub scan: Option<String>,
    /// What is done to images that are uploaded; absent: they are kept as they come.
    pub images: Option<ImageSettings>,
    /// Who may read files here: as the dialect has it, or stricter.
    pub file_access: FileAccess,
    pub auth: Auth,
    /// The upstream that logins of a route to the hub are passed on to; it speaks the clients' dialect.
    pub login: Option<String>,
    pub limits: Limits,
    /// Browsers' pages that may connect; empty: pages of the same host.
    pub origins: Vec<String>,
    /// Whether these pages may send cookies with their calls, for an upstream that knows its callers by them.
    pub cookies: bool,
    /// Where an app is told that hears by being called; only for a dialect that has webhooks.
    pub events: Option<WebhookSettings>,
    /// What becomes of what the upstream cannot be told; [`OnLoss::Degrade`] on a route to the hub.
    pub on_loss: OnLoss,
    /// How long a send may stay without its confirmation, instead of what the upstream says. 100 ms to 10 min; absent on
    /// a route to the hub.
    pub confirm_within: Option<Duration>,
    /// For how long what a client misses is told to it when it comes back; only on a route to the hub.
    pub replay: Option<Duration>,
    /// Whether paths that the dialect does not know go to the upstream as they are; never on a route to the hub.
    pub forward_rest: bool,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Hub,
    /// The name of an upstream of the config.
    Upstream(String),
}

/// Where the uploads of a route go.
#[derive(Debug, Clone, PartialEq)]
pub enum Uploads {
    /// Through to the upstream, as they come; only on a route whose clients speak its dialect.
    Through,
    /// Where the rules say.
    Placed(Rules),
}

/// What a route allows; absent: what its dialect says, or the server's own bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one uploaded file.
    pub upload: Option<u64>,
    /// Bytes of one WebSocket message or JSON body.
    pub frame: Option<usize>,
    /// Calls and frames of one principal.
    pub rate: Option<Rate>,
    /// Sockets at a time.
    pub connections: Option<usize>,
}
