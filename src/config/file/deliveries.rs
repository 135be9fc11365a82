//! `[deliveries.*]`: what is also said to those who are not connected, as written.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Uri;

use super::super::node::Place;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::endpoints::{self, HTTP};
use super::routes::options;
use crate::auth::Secret;
use crate::dialect::{OptionValue, suggestion};
use crate::event::ConversationKind;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a call may take where nothing is said: the other side may answer an upload only once it has looked at the file.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(in crate::config) struct WrittenDelivery {
    pub name: Spanned<String>,
    /// A name, `name@variant` or a file.
    pub dialect: Spanned<String>,
    pub variant: Option<Spanned<String>>,
    pub options: BTreeMap<String, OptionValue>,
    pub base_url: Spanned<Uri>,
    pub token: Secret,
    pub sender: String,
    pub kinds: Vec<ConversationKind>,
    pub give_up_after: Duration,
    pub timeout: Duration,
}

/// Those without problems of their own.
pub(super) fn read(section: Section<'_>) -> Vec<WrittenDelivery> {
    section.sections().into_iter().filter_map(|(name, delivery)| one(name, delivery)).collect()
}

fn one(name: Spanned<String>, section: Section<'_>) -> Option<WrittenDelivery> {
    well_formed(&name, &section);
    let dialect = section.needed_text("dialect", "what is spoken there: `dragoman dialects list` names all");
    if !section.has("base_url") {
        section.missing("base_url", "where it is said, as in `base_url = \"https://graph.facebook.com\"`");
    }
    let base_url = section.parsed("base_url", |text| endpoints::endpoint(text, HTTP));
    if let Some(base_url) = &base_url {
        in_the_clear(base_url, &section);
    }
    if !section.has("token") && !section.has("token_file") {
        let help = "what the gateway is known by there: `token = \"${DELIVERY_TOKEN}\"` or `token_file = \"…\"`";
        section.missing("token", help);
    }
    let token = section.secret("token", "token_file");
    let sender = section.needed_text("sender", "who sends, by the id that it is known by there, as of a phone number");
    let (variant, options) = (section.text("variant"), options(&section));
    let kinds = kinds(&section);
    let give_up_after = section.duration("give_up_after").unwrap_or(DAY);
    let timeout = section.duration("timeout").unwrap_or(PATIENCE);
    section.finish();
    Some(WrittenDelivery {
        name,
        dialect: dialect?,
        variant,
        options,
        base_url: base_url?,
        token: token?.value,
        sender: sender?.value,
        kinds,
        give_up_after,
        timeout,
    })
}

/// A name is a label of metrics and a part of keys.
fn well_formed(name: &Spanned<String>, section: &Section<'_>) {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if !(1..=40).contains(&name.value.len()) || !name.value.bytes().all(plain) {
        let help = Some("1 to 40 small letters, digits, `_` and `-`, as in `guests`".to_owned());
        section.report().error(Code::Value, &name.place, "this is no name of a delivery", help);
    }
}

/// Numbers of guests, what they are told and the token, where others may listen.
fn in_the_clear(base_url: &Spanned<Uri>, section: &Section<'_>) {
    let host = base_url.value.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let is_here = address.map_or(host == "localhost", |address| address.is_loopback());
    if base_url.value.scheme_str() == Some("http") && !is_here {
        let message = "`base_url`: the token and what guests are told would go there in the clear";
        let help = Some("use `https://`; `http://` is for a proxy on this machine".to_owned());
        section.report().error(Code::ClearText, &base_url.place, message, help);
    }
}

/// Where nothing is said, the conversations of a house with a guest.
fn kinds(section: &Section<'_>) -> Vec<ConversationKind> {
    let known = |text: &str| ConversationKind::ALL.iter().find(|kind| kind.as_str() == text).copied();
    let written = section.texts("conversations");
    if !section.has("conversations") {
        return vec![ConversationKind::Service];
    }
    let problem = |place: &Place, message: String, help| section.report().error(Code::Value, place, message, help);
    if written.is_empty() {
        let help = Some("the kinds that are delivered, as in `conversations = [\"service\"]`".to_owned());
        problem(&section.key_place("conversations"), "`conversations` is empty".to_owned(), help);
    }
    let kind = |text: &Spanned<String>| {
        let kind = known(&text.value);
        if kind.is_none() {
            let help = suggestion(&text.value, ConversationKind::ALL.iter().map(|kind| kind.as_str()));
            problem(&text.place, format!("`conversations` cannot have `{}`", text.value), help);
        }
        kind
    };
    written.iter().filter_map(kind).collect()
}
