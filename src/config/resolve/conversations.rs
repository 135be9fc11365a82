//! Conversations: dialects looked up, names that two conversations claim found, and names that a dialect cannot have.

use std::collections::BTreeMap;

use super::super::file::{OWN_KEYS, WrittenConversation};
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::dialects::Dialects;
use super::target::Upstreams;
use crate::dialect::{ConversationName, Dialect, family, suggestion};
use crate::event::IdForm;
use crate::naming::{PinnedConversation, PinnedName};

pub(super) fn resolve(
    written: Vec<WrittenConversation>,
    dialects: &Dialects<'_>,
    upstreams: &Upstreams<'_>,
    report: &Report,
) -> Vec<PinnedConversation> {
    let known: Vec<String> = dialects.names().into_iter().chain(upstreams.all.iter().cloned()).collect();
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut there = Called::new();
    let mut conversations = Vec::new();
    for conversation in written {
        if let Some(()) = names.insert(conversation.name.value.clone(), ()) {
            let message = format!("another conversation is called `{}` already", conversation.name.value);
            report.error(Code::Duplicate, &conversation.name.place, message, None);
        }
        for (dialect, name) in &conversation.names {
            if !known.contains(&dialect.value) {
                let words = known.iter().map(String::as_str).chain(OWN_KEYS.iter().copied());
                let message =
                    format!("`{}` is neither a key of a conversation nor a dialect or upstream", dialect.value);
                report.error(Code::UnknownKey, &dialect.place, message, suggestion(&dialect.value, words));
                continue;
            }
            let spoken = upstreams.checked.get(&dialect.value).map(|upstream| &upstream.dialect);
            if let Some(dialect) = spoken.or_else(|| dialects.used().find(|used| family(&used.name) == dialect.value)) {
                form(dialect, name, report);
            }
            let key = (dialect.value.clone(), spelled(&name.value));
            if let Some(other) = taken.insert(key, conversation.name.value.clone()) {
                let message = format!("`{other}` has this name in {} already", dialect.value);
                let help = Some("a name leads to one conversation".to_owned());
                report.error(Code::Duplicate, &name.place, message, help);
            }
        }
        at_upstreams(&conversation, upstreams, &mut there, report);
        conversations.push(pinned(conversation));
    }
    conversations
}

/// (upstream, name there) → the conversation, and the key that says so.
type Called = BTreeMap<(String, String), (String, String)>;

/// What upstreams call a conversation: by their own key, else by their dialect's. Two that have the same key were noted.
fn at_upstreams(conversation: &WrittenConversation, upstreams: &Upstreams<'_>, called: &mut Called, report: &Report) {
    for (upstream, settings) in upstreams.checked {
        let by = |key: &str| conversation.names.iter().find(|(written, _)| written.value == key);
        let Some((key, name)) = by(upstream).or_else(|| by(family(&settings.dialect.name))) else { continue };
        let own = (conversation.name.value.clone(), key.value.clone());
        let Some((other, its_key)) = called.insert((upstream.clone(), spelled(&name.value)), own) else { continue };
        if its_key != key.value {
            let message = format!("`{other}` has this name at the upstream `{upstream}` already, by its `{its_key}`");
            report.error(Code::Duplicate, &name.place, message, Some("a name leads to one conversation".to_owned()));
        }
    }
}

fn pinned(written: WrittenConversation) -> PinnedConversation {
    PinnedConversation {
        name: written.name.value,
        kind: written.kind,
        department: written.department,
        business: written.business,
        post_token: written.post_token,
        guest: written.guest,
        names: written.names.into_iter().map(|(dialect, name)| (dialect.value, name.value)).collect(),
    }
}

/// A name's one spelling; a pair is the same either way round.
fn spelled(name: &PinnedName) -> String {
    match name {
        PinnedName::Id(id) => format!("{id:?}"),
        PinnedName::Pair([us, them]) if us <= them => format!("{us:?} {them:?}"),
        PinnedName::Pair([us, them]) => format!("{them:?} {us:?}"),
        PinnedName::Keys(keys) => format!("{keys:?}"),
    }
}

/// Whether a dialect can name a conversation so.
fn form(dialect: &Dialect, name: &Spanned<PinnedName>, report: &Report) {
    let id_of = dialect.ids.conversation;
    let problem = |message: String, help: String| report.error(Code::Value, &name.place, message, Some(help));
    match (&dialect.naming.name, &name.value) {
        (ConversationName::Pair, PinnedName::Pair(pair)) => {
            if let Some(id) = pair.iter().find(|id| !fits(id, dialect.ids.party)) {
                problem(format!("`{id}` is no user of {}", dialect.name), wanted(dialect.ids.party).to_owned());
            }
        }
        (ConversationName::Pair, PinnedName::Id(_) | PinnedName::Keys(_)) => {
            let help = "the two of them: `[\"who we are\", \"who stands for the others\"]`";
            problem(format!("a conversation of {} is a pair of users", dialect.name), help.to_owned());
        }
        (ConversationName::Id | ConversationName::Keys(_), PinnedName::Id(id)) if !fits(id, id_of) => {
            problem(format!("`{id}` is no conversation of {}", dialect.name), wanted(id_of).to_owned());
        }
        (ConversationName::Id | ConversationName::Keys(_), PinnedName::Id(_)) => {}
        (ConversationName::Keys(fields), PinnedName::Keys(keys)) if keys.is_empty() => {
            problem(format!("no key of {} is here", dialect.name), format!("there are {} of them", fields.len()));
        }
        (ConversationName::Keys(_), PinnedName::Keys(_)) => {}
        (ConversationName::Id, PinnedName::Keys(_) | PinnedName::Pair(_))
        | (ConversationName::Keys(_), PinnedName::Pair(_)) => {
            problem(format!("a conversation of {} has one id", dialect.name), wanted(id_of).to_owned());
        }
    }
}

fn fits(id: &str, form: IdForm) -> bool {
    match form {
        IdForm::Text => !id.is_empty(),
        IdForm::Integer => id.parse::<i64>().is_ok_and(|number| number > 0),
        IdForm::Uuid => uuid::Uuid::try_parse(id).is_ok(),
    }
}

fn wanted(form: IdForm) -> &'static str {
    match form {
        IdForm::Text => "wanted a text",
        IdForm::Integer => "wanted a whole number from 1",
        IdForm::Uuid => "wanted a UUID, as in `3f0c2b1e-0000-4000-8000-00000000000a`",
    }
}
