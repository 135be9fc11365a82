//! `[journal]`, `[relay]` and the `[redis]` that both may need.

use std::path::PathBuf;
use std::time::Duration;

use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::section::{Section, Spanned};
use super::super::settings::{JournalSettings, RelaySettings};
use crate::journal::{Keep, RedisJournalSettings};
use crate::redis::{RedisSettings, Servers, parse_url};
use crate::relay::RedisRelaySettings;

/// How long a write waits for a Redis that is away, where nothing is said.
const HOLD: Duration = Duration::from_secs(5);

const URL_HELP: &str = "where Redis is, as in `url = \"redis://127.0.0.1:6379/0\"`";

/// Where it is kept, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Here,
    Redis,
}

pub(super) const JOURNAL_KINDS: &[(&str, Kind)] = &[("embedded", Kind::Here), ("redis", Kind::Redis)];
pub(super) const RELAY_KINDS: &[(&str, Kind)] = &[("memory", Kind::Here), ("redis", Kind::Redis)];

/// What the three say.
pub(super) struct Persistence {
    pub journal: Option<JournalSettings>,
    pub relay: Option<RelaySettings>,
    /// Where the kind of the journal is written.
    pub place: Place,
}

/// Reads all three, and whether they fit together.
pub(super) fn read(root: &Section<'_>) -> Persistence {
    let (journal, relay) = (root.section("journal"), root.section("relay"));
    let journal_kind = journal.as_ref().and_then(|section| kind(section, JOURNAL_KINDS));
    let relay_kind = relay.as_ref().and_then(|section| kind(section, RELAY_KINDS));
    let wants_redis = [&journal_kind, &relay_kind].into_iter().flatten().any(|kind| kind.value == Kind::Redis);
    let mut urls = Vec::new();
    for section in [&journal, &relay].into_iter().flatten() {
        urls.extend(section.parsed("url", address));
    }
    let redis = root.section("redis");
    if let Some(section) = redis.as_ref().filter(|_| !wants_redis) {
        let help = Some("`kind = \"redis\"` of [journal] and [relay] does".to_owned());
        root.report().warning(Code::Unused, section.place(), "nothing uses [redis]", help);
    }
    let redis = redis_settings(redis, urls, wants_redis, root);
    let place = journal_kind.as_ref().map_or(Place::Default, |kind| kind.place.clone());
    fits(root.report(), journal_kind.as_ref(), relay_kind.as_ref());
    let journal = journal.and_then(|section| match journal_kind?.value {
        Kind::Here => embedded(section),
        Kind::Redis => in_redis(section, redis.clone()),
    });
    // A journal in Redis tells by Redis: where nothing is written of the relay, it goes with the journal.
    let goes_along = matches!(journal, Some(JournalSettings::Redis(_)))
        && relay_kind.as_ref().is_some_and(|kind| kind.place == Place::Default);
    let relay = relay.and_then(|section| {
        let kind = relay_kind?.value;
        if kind == Kind::Here {
            refuse_url(&section, "a relay in memory has no `url`", "`url` belongs to a relay in Redis");
        }
        let in_redis = kind == Kind::Redis || goes_along;
        let fill_gaps = fill_gaps(&section, in_redis);
        section.finish();
        match in_redis {
            true => redis.map(|redis| RelaySettings::Redis(Box::new(RedisRelaySettings { redis, fill_gaps }))),
            false => Some(RelaySettings::Memory),
        }
    });
    Persistence { journal, relay, place }
}

fn kind(section: &Section<'_>, kinds: &[(&str, Kind)]) -> Option<Spanned<Kind>> {
    if !section.has("kind") {
        let here = kinds.first().map_or("", |(word, _)| word);
        section.missing("kind", &format!("write `kind = \"{here}\"`, or \"redis\" where there are several replicas"));
    }
    section.word("kind", kinds)
}

/// A journal that tells by Redis and a relay that does not listen there would lose everything, and the other way round.
fn fits(report: &Report, journal: Option<&Spanned<Kind>>, relay: Option<&Spanned<Kind>>) {
    let (Some(journal), Some(relay)) = (journal, relay) else { return };
    if journal.value == relay.value || relay.place == Place::Default {
        return;
    }
    let message = "the journal and the relay must both be in Redis, or neither";
    let help = Some("several replicas need both there; one needs neither".to_owned());
    report.error(Code::Conflict, &relay.place, message, help);
}

/// Whether what pub/sub did not bring is taken from the journal: always, but where somebody measures.
fn fill_gaps(section: &Section<'_>, in_redis: bool) -> bool {
    let written = section.boolean("fill_gaps");
    let place = section.key_place("fill_gaps");
    if written.is_some() && !in_redis {
        let help = Some("a relay in memory misses nothing; take it out".to_owned());
        section.report().error(Code::Conflict, &place, "`fill_gaps` belongs to a relay in Redis", help);
    } else if written == Some(false) {
        let message = "messages that pub/sub does not bring are lost to the sockets that are open: they are only counted, \
                       in dragoman_relay_missed_messages_total";
        let help = Some("this is for measuring what pub/sub alone would lose; elsewhere take it out".to_owned());
        section.report().warning(Code::Unpromised, &place, message, help);
    }
    written.unwrap_or(true)
}

fn refuse_url(section: &Section<'_>, help: &str, message: &str) {
    if section.has("url") {
        section.report().error(Code::Conflict, &section.key_place("url"), message, Some(help.to_owned()));
    }
}

fn embedded(section: Section<'_>) -> Option<JournalSettings> {
    let path = section.needed_text("path", "a folder for the journal, as in `path = \"data/journal\"`");
    let keep = keep(&section, true);
    refuse_url(&section, "an embedded journal has a `path` and no `url`", "`url` belongs to a journal in Redis");
    if section.has("hold") {
        let help = Some("an embedded journal is always there; take it out".to_owned());
        section.report().error(
            Code::Conflict,
            &section.key_place("hold"),
            "`hold` belongs to a journal in Redis",
            help,
        );
    }
    section.node("hold");
    section.finish();
    Some(JournalSettings::Embedded { path: PathBuf::from(path?.value), keep })
}

fn in_redis(section: Section<'_>, redis: Option<RedisSettings>) -> Option<JournalSettings> {
    if section.text("path").is_some_and(|path| path.place != Place::Default) {
        let help = Some("a journal in Redis has a `url`".to_owned());
        let message = "`path` belongs to an embedded journal";
        section.report().error(Code::Conflict, &section.key_place("path"), message, help);
    }
    let hold = section.duration("hold").unwrap_or(HOLD);
    let keep = keep(&section, false);
    section.finish();
    let settings = RedisJournalSettings { redis: redis?, keep, hold };
    Some(JournalSettings::Redis(Box::new(settings)))
}

/// How much is kept; without a word everything. Redis has a bound of its own for the size of all.
fn keep(section: &Section<'_>, has_size: bool) -> Keep {
    let Some(keep) = section.section("keep") else { return Keep::default() };
    let days = keep.integer("days").and_then(|days| u64::try_from(days).ok());
    let messages = keep.integer("messages").and_then(|messages| u64::try_from(messages).ok());
    let bytes = match has_size {
        true => keep.size("size"),
        false => None,
    };
    if !has_size && keep.has("size") {
        let help = Some("set `maxmemory` of Redis; when that is full, sends are refused".to_owned());
        keep.report().error(Code::Conflict, &keep.key_place("size"), "`size` belongs to an embedded journal", help);
        keep.node("size");
    }
    keep.finish();
    Keep { age: days.map(|days| Duration::from_secs(days * 86_400)), messages, bytes }
}

fn address(text: &str) -> Result<RedisSettings, String> {
    parse_url(text)
}

/// The settings of `[redis]`, and of URLs in the two other tables, which must then be the same.
fn redis_settings(
    section: Option<Section<'_>>,
    mut urls: Vec<Spanned<RedisSettings>>,
    is_wanted: bool,
    root: &Section<'_>,
) -> Option<RedisSettings> {
    let has_written = |section: &Section<'_>| section.has("url");
    let is_written = section.as_ref().is_some_and(has_written) || !urls.is_empty();
    let own = section.as_ref().and_then(|section| section.parsed("url", address));
    if let Some(own) = own {
        urls.insert(0, own);
    }
    let mut urls = urls.into_iter();
    let first = urls.next();
    for other in urls {
        if first.as_ref().is_some_and(|first| first.value != other.value) {
            let help = Some("one Redis serves both; write its `url` once, in [redis]".to_owned());
            root.report().error(Code::Conflict, &other.place, "this is another Redis than the first `url`", help);
        }
    }
    if is_wanted && !is_written {
        match &section {
            Some(section) => section.missing("url", URL_HELP),
            None => root.missing("redis", URL_HELP),
        }
    }
    let mut settings = first.map(|first| first.value);
    if let Some(section) = section {
        // Read all the same without a good URL, so that all mistakes are said at once.
        let nowhere = Servers::Sentinel { sentinels: vec![], master: String::new(), username: None, password: None };
        let mut unused = RedisSettings::new(nowhere);
        refine(settings.as_mut().unwrap_or(&mut unused), &section);
        section.finish();
    }
    settings
}

/// What `[redis]` says beside its URL.
fn refine(settings: &mut RedisSettings, section: &Section<'_>) {
    let name = |key: &'static str| section.text(key).map(|text| text.value).filter(|text| !text.is_empty());
    settings.username = name("username").or(settings.username.take());
    let password = section.secret("password", "password_file").map(|secret| secret.value);
    settings.password = password.or(settings.password.take());
    let sentinel_username = name("sentinel_username");
    let sentinel_password = section.secret("sentinel_password", "sentinel_password_file");
    if let Servers::Sentinel { username, password, .. } = &mut settings.servers {
        *username = sentinel_username;
        *password = sentinel_password.map(|secret| secret.value);
    } else if sentinel_password.is_some() || sentinel_username.is_some() {
        let message = "there are no sentinels to log in at";
        let help = Some("sentinels are named by `url = \"redis+sentinel://host:26379/master\"`".to_owned());
        section.report().error(Code::Conflict, section.place(), message, help);
    }
    if let Some(prefix) = section.parsed("prefix", prefix) {
        settings.prefix = prefix.value.into();
    }
    let times = [
        ("connect_timeout", &mut settings.connect_timeout),
        ("timeout", &mut settings.timeout),
        ("heartbeat", &mut settings.heartbeat),
    ];
    for (key, time) in times {
        *time = section.duration(key).unwrap_or(*time);
    }
}

/// A word that keys begin with. Braces would choose the hash slot of a cluster.
fn prefix(text: &str) -> Result<String, String> {
    let is_fit = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match (1..=64).contains(&text.len()) && text.chars().all(is_fit) {
        true => Ok(text.to_owned()),
        false => Err("wanted 1 to 64 letters, digits, `-`, `_` or `.`".to_owned()),
    }
}
