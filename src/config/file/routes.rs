//! `[[routes]]`: the places that clients connect to.

use std::collections::BTreeMap;

use super::super::node::{Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::settings::Limits;
use super::auth::{self, WrittenAuth};
use super::events;
use super::stores::origin;
use crate::delivery::WebhookSettings;
use crate::dialect::OptionValue;
use crate::event::MessageKind;

const KIBIBYTE: u64 = 1024;
const MEBIBYTE: u64 = 1024 * KIBIBYTE;

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
    pub auth: Option<WrittenAuth>,
    pub limits: Limits,
    pub origins: Vec<String>,
    pub events: Option<Spanned<WebhookSettings>>,
    /// Where the route itself stands.
    pub place: Place,
}

/// Names of stores, yet to be looked up.
#[derive(Debug)]
pub(in crate::config) struct WrittenUploads {
    pub default: Option<Spanned<String>>,
    pub kinds: Vec<(MessageKind, Spanned<String>)>,
}

pub(super) fn read(section: Section<'_>) -> Option<WrittenRoute> {
    let place = section.place().clone();
    let name = section.needed_text("name", "each route has a name of its own, as in `name = \"staff\"`");
    let dialect = section.needed_text("dialect", "what clients speak here; `dragoman dialects list` names them");
    let to = section.needed_text("to", "where the route leads: `to = \"hub\"`");
    if !section.has("auth") {
        section.missing("auth", "how callers are known, as in `auth = { kind = \"jwt\", secret = \"${JWT_SECRET}\" }`");
    }
    let route = WrittenRoute {
        variant: section.text("variant"),
        options: options(&section),
        host: section.parsed("host", host).map(|host| host.value),
        prefix: section.parsed("prefix", prefix).map(|prefix| prefix.value).unwrap_or_default(),
        uploads: uploads(&section),
        auth: section.section("auth").and_then(auth::read),
        limits: section.section("limits").map(limits).unwrap_or_default(),
        origins: origins(&section),
        events: section.section("events").and_then(events::read),
        place,
        name: name.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
        dialect: dialect.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
        to: to.clone().unwrap_or_else(|| Spanned { value: String::new(), place: section.place().clone() }),
    };
    replay(&section);
    on_loss(&section);
    section
        .not_in_this_version(&["confirm_within"], "the hub confirms as soon as its journal has a message; take it out");
    forward_rest(&section);
    section.finish();
    (name.is_some() && dialect.is_some() && to.is_some()).then_some(route)
}

fn options(section: &Section<'_>) -> BTreeMap<String, OptionValue> {
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

fn replay(section: &Section<'_>) {
    if let Some(replay) = section.word("replay", &[("off", false), ("missed", true)])
        && replay.value
    {
        let help = Some("leave it `off`; history is there to read".to_owned());
        section.report().error(Code::NotInThisVersion, &replay.place, "`missed` is not in this version", help);
    }
}

/// A sender to the hub does not know who will read: only a route to an upstream could refuse what is lost there.
fn on_loss(section: &Section<'_>) {
    if let Some(word) = section.word("on_loss", &[("degrade", false), ("refuse", true)])
        && word.value
    {
        let help = Some("leave it `degrade`: what cannot cross becomes words and a link, and is counted".to_owned());
        section.report().error(Code::NotInThisVersion, &word.place, "`refuse` is not in this version", help);
    }
}

fn forward_rest(section: &Section<'_>) {
    if section.boolean("forward_rest") == Some(true) {
        let help = Some("only a route to an upstream has somewhere to forward to; take it out".to_owned());
        let place = section.key_place("forward_rest");
        section.report().error(Code::NotInThisVersion, &place, "`forward_rest` is not in this version", help);
    }
}

/// A host name, or `*.` and one; without a port.
fn host(text: &str) -> Result<String, String> {
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
fn prefix(text: &str) -> Result<String, String> {
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

fn origins(section: &Section<'_>) -> Vec<String> {
    let mut origins = Vec::new();
    for text in section.texts("origins") {
        match origin(&text.value) {
            _ if text.value == "*" => origins.push(text.value),
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

fn uploads(section: &Section<'_>) -> Option<WrittenUploads> {
    let node = section.node("uploads")?;
    let Value::Table(_) = &node.value else {
        let store = section.text("uploads")?;
        return Some(WrittenUploads { default: Some(store), kinds: Vec::new() });
    };
    let table = section.section("uploads")?;
    let default = table.text("default");
    let mut kinds = Vec::new();
    for kind in MessageKind::ALL.iter().filter(|kind| kind.is_file()) {
        if let Some(store) = table.text(kind.as_str()) {
            kinds.push((*kind, store));
        }
    }
    if !table.has("default") {
        table.missing("default", "the store of kinds that are not named, as in `default = \"local\"`");
    }
    table.finish();
    Some(WrittenUploads { default, kinds })
}

fn limits(section: Section<'_>) -> Limits {
    let limits = Limits {
        upload: section.size("upload", 1, 64 * 1024 * MEBIBYTE),
        frame: section.size("frame", KIBIBYTE, 16 * MEBIBYTE).and_then(|size| usize::try_from(size).ok()),
        rate: section.rate("rate"),
        connections: section.integer("connections", 1, 10_000_000).and_then(|count| usize::try_from(count).ok()),
    };
    section.finish();
    limits
}
