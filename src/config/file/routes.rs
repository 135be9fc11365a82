//! `[[routes]]`: the places that clients connect to.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::node::{Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::settings::Limits;
use super::auth::{self, WrittenAuth};
use super::stores::origin;
use super::uploads::{self, WrittenUploads};
use super::{events, images};
use crate::delivery::WebhookSettings;
use crate::dialect::{FileAccess, OnLoss, OptionValue};
use crate::images::ImageSettings;

#[derive(Debug)]
pub(in crate::config) struct WrittenRoute {
    pub name: Spanned<String>,
    /// A name, `name@variant` or a file.
    pub dialect: Spanned<String>,
    pub variant: Option<Spanned<String>>,
    pub options: BTreeMap<String, OptionValue>,
    pub host: Option<String>,
    pub prefix: String,
    /// `hub` or the name of an upstream.
    pub to: Spanned<String>,
    pub uploads: Option<WrittenUploads>,
    pub file_access: Option<Spanned<FileAccess>>,
    /// The name of a scanner.
    pub scan: Option<Spanned<String>>,
    /// What is done to images.
    pub images: Option<Spanned<ImageSettings>>,
    pub auth: Option<WrittenAuth>,
    /// The name of an upstream that logins are passed on to.
    pub login: Option<Spanned<String>>,
    pub limits: Limits,
    pub origins: Vec<String>,
    pub cookies: bool,
    pub events: Option<Spanned<WebhookSettings>>,
    pub on_loss: Option<Spanned<OnLoss>>,
    pub confirm_within: Option<Spanned<Duration>>,
    pub forward_rest: Option<Spanned<bool>>,
    /// For how long what a client misses is told to it when it comes back; where that is written.
    pub replay: Option<Spanned<Duration>>,
    /// Where the route itself stands.
    pub place: Place,
}

/// For how long a client may be away, where only `replay = "missed"` is written.
const REPLAY: Duration = Duration::from_secs(5 * 60);

pub(super) const LOSSES: &[(&str, OnLoss)] = &[("degrade", OnLoss::Degrade), ("refuse", OnLoss::Refuse)];
pub(super) const REPLAYS: &[(&str, bool)] = &[("off", false), ("missed", true)];

pub(super) fn read(section: Section<'_>) -> Option<WrittenRoute> {
    let place = section.place().clone();
    let name = section.needed_text("name", "each route has a name of its own, as in `name = \"staff\"`");
    let dialect = section.needed_text("dialect", "what clients speak here; `dragoman dialects list` names them");
    let to = section.needed_text("to", "where the route leads: `to = \"hub\"`, or the name of an upstream");
    if !section.has("auth") {
        section.missing("auth", "how callers are known, as in `auth = { kind = \"jwt\", secret = \"${JWT_SECRET}\" }`");
    }
    let route = WrittenRoute {
        variant: section.text("variant"),
        options: options(&section),
        host: section.parsed("host", host).map(|host| host.value),
        prefix: section.parsed("prefix", prefix).map(|prefix| prefix.value).unwrap_or_default(),
        uploads: uploads::read(&section),
        scan: section.text("scan"),
        images: images::read(&section),
        file_access: section.word("file_access", FileAccess::WORDS),
        auth: section.section("auth").and_then(auth::read),
        login: section.text("login"),
        limits: section.section("limits").map(limits).unwrap_or_default(),
        origins: origins(&section),
        cookies: cookies(&section),
        events: section.section("events").and_then(events::read),
        on_loss: section.word("on_loss", LOSSES),
        confirm_within: at_key(&section, "confirm_within", confirm_within(&section)),
        forward_rest: at_key(&section, "forward_rest", section.boolean("forward_rest")),
        replay: replay(&section),
        place,
        name: name.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
        dialect: dialect.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
        to: to.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
    };
    section.finish();
    (name.is_some() && dialect.is_some() && to.is_some()).then_some(route)
}

pub(super) fn options(section: &Section<'_>) -> BTreeMap<String, OptionValue> {
    let mut options = BTreeMap::new();
    let Some(node) = section.node("options") else { return options };
    let Value::Table(members) = &node.value else {
        let message = format!("`options` is {}, wanted a table", node.value.type_name());
        section.report().error(Code::Type, &node.place, message, None);
        return options;
    };
    for (name, member) in members {
        let value = match &member.value {
            Value::Boolean(flag) => OptionValue::Flag(*flag),
            Value::Text(text) => OptionValue::Text(text.clone()),
            other => {
                let message = format!("option `{name}` is {}, wanted a text, or true or false", other.type_name());
                section.report().error(Code::Type, &member.place, message, None);
                continue;
            }
        };
        options.insert(name.clone(), value);
    }
    options
}

/// `replay = "missed"`, within `replay_window`.
fn replay(section: &Section<'_>) -> Option<Spanned<Duration>> {
    let window = section.duration("replay_window");
    let replay = section.word("replay", REPLAYS);
    match replay {
        Some(replay) if replay.value => Some(Spanned { value: window.unwrap_or(REPLAY), place: replay.place }),
        Some(_) | None => {
            if section.has("replay_window") {
                let help = Some("write `replay = \"missed\"` beside it, or take it out".to_owned());
                section.report().warning(
                    Code::Unused,
                    &section.key_place("replay_window"),
                    "nothing is replayed here",
                    help,
                );
            }
            None
        }
    }
}

/// How long a send may stay without its confirmation.
pub(super) fn confirm_within(section: &Section<'_>) -> Option<Duration> {
    section.duration("confirm_within")
}

fn at_key<T>(section: &Section<'_>, key: &str, value: Option<T>) -> Option<Spanned<T>> {
    value.map(|value| Spanned { value, place: section.key_place(key) })
}

/// A host name, or `*.` and one; without a port.
pub(super) fn host(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let fits = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if name.contains(':') {
        return Err("a host has no port here; `listen` has it".to_owned());
    }
    if name.len() <= 253 && name.split('.').all(fits) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("wanted a host name, as in `chat.hotel.example`".to_owned())
    }
}

/// Empty, or `/…` without a slash at the end.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    let trimmed = text.trim_end_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if trimmed.is_empty() {
        return Ok(String::new());
    }
    if !trimmed.starts_with('/') {
        return Err("starts with a slash, as in `/hotel`".to_owned());
    }
    if !trimmed.bytes().all(plain) || trimmed[1..].split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err("wanted plain path segments, as in `/hotel/front`".to_owned());
    }
    Ok(trimmed.to_owned())
}

/// `cookies = true`: only for pages that are named.
fn cookies(section: &Section<'_>) -> bool {
    let cookies = section.boolean("cookies").unwrap_or_default();
    let origins = section.texts("origins");
    let wrong = if origins.is_empty() {
        "`cookies` is about pages of other origins, and none is listed"
    } else if origins.iter().any(|origin| origin.value == "*") {
        "`cookies` and the origin `*`: every page could act for whoever visits it"
    } else {
        return cookies;
    };
    if cookies {
        let help = Some("list the pages: `origins = [\"https://chat.hotel.example\"]`".to_owned());
        section.report().error(Code::Conflict, &section.key_place("cookies"), wrong, help);
    }
    false
}

fn origins(section: &Section<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for text in section.texts("origins") {
        match origin(&text.value) {
            _ if text.value == "*" => {
                let message = "pages of every site may connect from the browsers of their visitors";
                let help = "name your own sites, as in `https://chat.hotel.example`";
                section.report().warning(Code::AnyOrigin, &text.place, message, Some(help.to_owned()));
                origins.push(text.value);
            }
            Ok(origin) if origin.matches('/').count() == 2 => origins.push(origin.to_ascii_lowercase()),
            Ok(_) | Err(_) => {
                let help = "scheme and host, as in `https://chat.hotel.example`; `*` lets every page connect";
                let message = format!("`{}` is not an origin", text.value);
                section.report().error(Code::Value, &text.place, message, Some(help.to_owned()));
            }
        }
    }
    origins
}

fn limits(section: Section<'_>) -> Limits {
    let limits = Limits {
        upload: section.size("upload"),
        frame: section.size("frame").and_then(|size| usize::try_from(size).ok()),
        rate: section.rate("rate"),
        connections: section.integer("connections").and_then(|count| usize::try_from(count).ok()),
    };
    section.finish();
    limits
}
