//! `[server]`.

use std::net::SocketAddr;

use crate::admin::ConsoleAccess;

use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::settings::ServerSettings;
use super::{admin, proxies, tls};
use crate::edge::Policy;
use crate::tls::ClientCertificates;

/// Letters of a secret that signs; HS256 asks for 256 bits (RFC 7518 §3.2).
const SHORTEST_SECRET: usize = 32;

/// What `console` may be.
pub(super) const CONSOLE: &[(&str, ConsoleAccess)] =
    &[("off", ConsoleAccess::Off), ("on", ConsoleAccess::On), ("words", ConsoleAccess::Words)];

pub(super) fn server(section: Section<'_>) -> Option<ServerSettings> {
    let listen = section.parsed("listen", address);
    let admin = self::admin(&section);
    let console = section.word("console", CONSOLE);
    let drain_timeout = section.duration("drain_timeout");
    let watch = section.boolean("watch");
    let visitor_secret = section.secret("visitor_secret", "visitor_secret_file");
    if let Some(secret) = &visitor_secret
        && secret.value.expose().len() < SHORTEST_SECRET
    {
        let message = format!("`visitor_secret` has fewer than {SHORTEST_SECRET} letters");
        let help = Some("make one with `openssl rand -base64 48`".to_owned());
        section.report().error(Code::ShortSecret, &secret.place, message, help);
    }
    let tls = section.section("tls").map(|tls| tls::read(tls, ClientCertificates::Demanded));
    let policy = Policy {
        proxies: section.section("proxies").map(proxies::read).unwrap_or_default(),
        per_address: section.integer("per_address").and_then(|count| usize::try_from(count).ok()),
    };
    if let (Some(listen), Some(admin)) = (&listen, &admin)
        && listen.value.port() != 0
        && Some(listen.value) == admin.value
    {
        let help = Some("metrics and health are not for clients: give `admin` a port of its own".to_owned());
        section.report().error(Code::Conflict, &admin.place, "`admin` is the same address as `listen`", help);
    }
    let operators = admin::read(&section, admin.as_ref());
    section.finish();
    let admin::Written { access: admin_access, tls: admin_tls } = operators?;
    Some(ServerSettings {
        listen: listen?.value,
        tls: tls.map_or(Some(None), |tls| tls.map(Some))?,
        admin: admin?.value,
        admin_access,
        admin_tls,
        policy,
        console: console?.value,
        drain_timeout: drain_timeout?,
        watch: watch?,
        visitor_secret: visitor_secret.map(|secret| secret.value),
    })
}

/// Where operators ask.
pub(super) fn admin(section: &Section<'_>) -> Option<Spanned<Option<SocketAddr>>> {
    section.parsed("admin", |text| if text == "off" { Ok(None) } else { address(text).map(Some) })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "wanted an address and a port, as in `127.0.0.1:8080`, `0.0.0.0:80` or `[::1]:8080`".to_owned())
}
