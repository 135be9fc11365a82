//! `[server]`, `[journal]` and `[relay]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::super::problem::Code;
use super::super::section::Section;
use super::super::settings::{JournalSettings, RelaySettings, ServerSettings};

pub(super) fn server(section: Section<'_>) -> Option<ServerSettings> {
    let listen = section.parsed("listen", address);
    let admin = section.parsed("admin", |text| if text == "off" { Ok(None) } else { address(text).map(Some) });
    let drain_timeout = section.duration("drain_timeout", Duration::ZERO, Duration::from_secs(3600));
    let watch = section.boolean("watch");
    section.not_in_this_version(&["tls"], "put a proxy that ends TLS in front, or wait for the next version");
    if let (Some(listen), Some(admin)) = (&listen, &admin)
        && listen.value.port() != 0
        && Some(listen.value) == admin.value
    {
        let help = Some("metrics and health are not for clients: give `admin` a port of its own".to_owned());
        section.report().error(Code::Conflict, &admin.place, "`admin` is the same address as `listen`", help);
    }
    section.finish();
    Some(ServerSettings { listen: listen?.value, admin: admin?.value, drain_timeout: drain_timeout?, watch: watch? })
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "wanted an address and a port, as in `127.0.0.1:8080`, `0.0.0.0:80` or `[::1]:8080`".to_owned())
}

pub(super) fn journal(section: Section<'_>) -> Option<JournalSettings> {
    let embedded = kind(&section, "embedded", &["redis"]);
    let path = section.needed_text("path", "a folder for the journal, as in `path = \"data/journal\"`");
    section.not_in_this_version(&["keep"], "everything stays; take it out");
    section.node("url");
    if embedded && section.has("url") {
        let help = Some("an embedded journal has a `path` and no `url`".to_owned());
        section.report().error(Code::Conflict, &section.key_place("url"), "`url` belongs to a journal in Redis", help);
    }
    section.finish();
    if !embedded {
        return None;
    }
    Some(JournalSettings::Embedded { path: PathBuf::from(path?.value) })
}

pub(super) fn relay(section: Section<'_>) -> Option<RelaySettings> {
    let memory = kind(&section, "memory", &["redis"]);
    section.node("url");
    if memory && section.has("url") {
        let help = Some("a relay in memory has no `url`".to_owned());
        section.report().error(Code::Conflict, &section.key_place("url"), "`url` belongs to a relay in Redis", help);
    }
    section.finish();
    memory.then_some(RelaySettings::Memory)
}

/// Whether `kind` is the one that this version has; what it lacks, and what nobody knows, is noted.
pub(super) fn kind(section: &Section<'_>, here: &str, later: &[&str]) -> bool {
    let words: Vec<(&str, bool)> =
        std::iter::once((here, true)).chain(later.iter().map(|word| (*word, false))).collect();
    if !section.has("kind") {
        section.missing("kind", &format!("write `kind = \"{here}\"`"));
    }
    let Some(kind) = section.word("kind", &words) else { return false };
    if !kind.value {
        let help = Some(format!("this version has `kind = \"{here}\"`"));
        section.report().error(Code::NotInThisVersion, &kind.place, "this kind is not in this version", help);
    }
    kind.value
}
