//! `[scanners.*]`: who is asked whether an upload is harmful.

use std::time::Duration;

use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use crate::scan::{Asks, IcapService, OnFailure, ScannerSettings};

/// For one file, where nothing is said.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Files at a time, where nothing is said.
const AT_ONCE: usize = 4;
/// Where ICAP servers listen (RFC 3507 §4.2).
const ICAP_PORT: u16 = 1344;

#[derive(Debug)]
pub(in crate::config) struct WrittenScanner {
    pub name: Spanned<String>,
    /// Absent when it has problems of its own: the name is known all the same.
    pub settings: Option<ScannerSettings>,
    /// The name of a store, yet to be looked up.
    pub quarantine: Option<Spanned<String>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Command,
    Icap,
}

pub(super) const KINDS: &[(&str, Kind)] = &[("command", Kind::Command), ("icap", Kind::Icap)];
pub(super) const FAILURES: &[(&str, OnFailure)] = &[("refuse", OnFailure::Refuse), ("accept", OnFailure::Accept)];

pub(super) fn read(section: Section<'_>) -> Vec<WrittenScanner> {
    let scanners = section.sections().into_iter().map(|(name, scanner)| one(name, scanner));
    scanners.collect()
}

fn one(name: Spanned<String>, section: Section<'_>) -> WrittenScanner {
    if !section.has("kind") {
        section.missing("kind", "write `kind = \"command\"` for a program, or `kind = \"icap\"` for a server");
    }
    let kind = section.word("kind", KINDS);
    let timeout = section.duration("timeout").unwrap_or(TIMEOUT);
    let at_once = section.integer("at_once").and_then(|count| usize::try_from(count).ok());
    let on_failure = section.word("on_failure", FAILURES);
    let quarantine = section.text("quarantine");
    let Some(kind) = kind else {
        // What its keys should be is not clear.
        section.others();
        return WrittenScanner { name, settings: None, quarantine };
    };
    let asks = match kind.value {
        Kind::Command => command(&section),
        Kind::Icap => {
            section.needed_text("url", "the service, as in `url = \"icap://127.0.0.1:1344/avscan\"`");
            section.parsed("url", service).map(|service| Asks::Icap(service.value))
        }
    };
    section.finish();
    let settings = asks.map(|asks| ScannerSettings {
        asks,
        timeout,
        at_once: at_once.unwrap_or(AT_ONCE),
        on_failure: on_failure.map(|word| word.value).unwrap_or_default(),
        quarantine: quarantine.as_ref().map(|store| store.value.clone()),
    });
    WrittenScanner { name, settings, quarantine }
}

fn command(section: &Section<'_>) -> Option<Asks> {
    const HELP: &str = "a program and its arguments, as in `argv = [\"clamdscan\", \"--no-summary\", \"-\"]`";
    let argv: Vec<String> = section.texts("argv").into_iter().map(|text| text.value).collect();
    match argv.first() {
        Some(program) if !program.is_empty() => Some(Asks::Command { argv }),
        Some(_) => {
            section.report().error(
                Code::Value,
                &section.key_place("argv"),
                "there is no program",
                Some(HELP.to_owned()),
            );
            None
        }
        None => {
            section.missing("argv", HELP);
            None
        }
    }
}

/// `icap://host[:port]/service`
fn service(text: &str) -> Result<IcapService, String> {
    const FORM: &str = "wanted `icap://host:1344/service`";
    let rest = text.strip_prefix("icap://").ok_or_else(|| FORM.to_owned())?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"@\\\"<>#".contains(&byte));
    let parsed: http::uri::Authority = authority.parse().map_err(|_| FORM.to_owned())?;
    if parsed.host().is_empty() || !is_plain(authority) || !is_plain(path) {
        return Err(FORM.to_owned());
    }
    let port = parsed.port_u16().unwrap_or(ICAP_PORT);
    Ok(IcapService { authority: format!("{}:{port}", parsed.host()), path: format!("/{path}") })
}
