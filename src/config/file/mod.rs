//! What was written, typed, with the place of every name that is yet to be looked up. In: the layered tree. Out: [`File`]
//! and the problems that show without looking anywhere else.

mod admin;
mod auth;
mod bucket;
mod check;
mod conversations;
mod credential;
mod declared;
mod deliveries;
mod endpoints;
mod events;
mod images;
mod key_set;
mod log;
mod persistence;
mod proxies;
mod retention;
mod routes;
mod scanners;
mod server;
mod stores;
mod test_cases;
mod tls;
mod tracing;
mod uploads;
mod upstreams;

use std::path::Path;

use super::AdminPlace;
use super::node::{Node, Place, Value};
use super::problem::{Code, Report};
use super::section::Section;
use super::settings::{JournalSettings, RelaySettings, ServerSettings};
use crate::telemetry::LogSettings;

pub(super) use auth::WrittenAuth;
pub(super) use conversations::{OWN_KEYS, WrittenConversation};
pub(super) use credential::WrittenCredential;
pub(super) use declared::ROOT;
pub(super) use deliveries::WrittenDelivery;
pub(super) use routes::WrittenRoute;
pub(super) use scanners::WrittenScanner;
pub(super) use stores::WrittenStore;
pub(super) use test_cases::{Gets, Said, WrittenTest};
pub(super) use tracing::WrittenTracing;
pub(super) use uploads::{WrittenDestination, WrittenRule, WrittenUploads};
pub(super) use upstreams::{Written, WrittenUpstream};

/// The whole file.
#[derive(Debug)]
pub(super) struct File {
    pub server: Option<ServerSettings>,
    pub log: Option<LogSettings>,
    pub tracing: Option<WrittenTracing>,
    pub journal: Option<JournalSettings>,
    /// Where its kind is written.
    pub journal_place: Place,
    pub relay: Option<RelaySettings>,
    pub stores: Vec<WrittenStore>,
    pub scanners: Vec<WrittenScanner>,
    pub upstreams: Vec<WrittenUpstream>,
    pub routes: Vec<WrittenRoute>,
    /// Whether there are any, those left out for their problems included.
    pub routes_written: bool,
    pub conversations: Vec<WrittenConversation>,
    pub deliveries: Vec<WrittenDelivery>,
    pub tests: Vec<WrittenTest>,
    /// Warnings that are not to be said.
    pub allowed: Vec<Code>,
}

/// Reads the tree.
pub(super) fn read(tree: &Node, report: &Report, folder: &Path) -> Option<File> {
    let root = Section::of(tree, &ROOT, "the file", report, folder)?;
    let persistence = persistence::read(&root);
    let file = File {
        server: root.section("server").and_then(server::server),
        log: root.section("log").and_then(log::read),
        tracing: root.section("tracing").and_then(tracing::read),
        journal: persistence.journal,
        journal_place: persistence.place,
        relay: persistence.relay,
        stores: root.section("stores").map(stores::read).unwrap_or_default(),
        scanners: root.section("scanners").map(scanners::read).unwrap_or_default(),
        upstreams: root.section("upstreams").map(upstreams::read).unwrap_or_default(),
        routes: root.list("routes").into_iter().filter_map(routes::read).collect(),
        routes_written: matches!(root.node("routes"), Some(Node { value: Value::Array(routes), .. }) if !routes.is_empty()),
        conversations: root.list("conversations").into_iter().filter_map(conversations::read).collect(),
        deliveries: root.section("deliveries").map(deliveries::read).unwrap_or_default(),
        tests: test_cases::read(&root),
        allowed: root.section("check").map(check::read).unwrap_or_default(),
    };
    root.finish();
    Some(file)
}

/// Where operators ask; nothing else is looked at.
pub(super) fn admin_place(tree: &Node, report: &Report, folder: &Path) -> Option<AdminPlace> {
    let server = Section::of(tree, &ROOT, "the file", report, folder)?.section("server")?;
    Some(AdminPlace { address: server::admin(&server)?.value, is_secure: server.has("admin_tls") })
}
