//! `[[conversations]]`: one conversation and its name in each dialect.

use std::collections::BTreeMap;

use super::super::node::{Node, Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use crate::event::{ConversationKind, Guest};
use crate::naming::PinnedName;

#[derive(Debug)]
pub(in crate::config) struct WrittenConversation {
    pub name: Spanned<String>,
    pub kind: Option<ConversationKind>,
    pub department: Option<String>,
    pub business: Option<String>,
    pub post_token: Option<String>,
    pub guest: Option<Guest>,
    /// Dialect, where its key stands, the name there and where that stands.
    pub names: Vec<(Spanned<String>, Spanned<PinnedName>)>,
}

/// The keys of a conversation that are no dialects.
pub(in crate::config) const OWN_KEYS: &[&str] = &["name", "kind", "department", "business", "post_token", "guest"];

pub(super) fn read(section: Section<'_>) -> Option<WrittenConversation> {
    let name = section.needed_text("name", "each conversation has a name of its own, as in `name = \"room-101\"`");
    let kinds: Vec<(&str, ConversationKind)> =
        ConversationKind::ALL.iter().map(|kind| (kind.as_str(), *kind)).collect();
    let kind = section.word("kind", &kinds).map(|kind| kind.value);
    let department = section.text("department").map(|text| text.value);
    let business = section.text("business").map(|text| text.value);
    let post_token = section.text("post_token").map(|text| text.value);
    let guest = section.section("guest").map(guest);
    let names = section
        .others()
        .into_iter()
        .filter_map(|(dialect, node)| {
            let pinned = pinned(&section, dialect, node)?;
            let dialect = Spanned { value: dialect.to_owned(), place: node.key.clone() };
            Some((dialect, Spanned { value: pinned, place: node.place.clone() }))
        })
        .collect();
    Some(WrittenConversation { name: name?, kind, department, business, post_token, guest, names })
}

fn guest(section: Section<'_>) -> Guest {
    let text = |key| section.text(key).map(|text| text.value);
    let guest = Guest {
        id: text("id"),
        name: text("name"),
        room_number: text("room_number"),
        whatsapp_number: text("whatsapp_number"),
    };
    section.finish();
    guest
}

/// A scalar is an id, two scalars are a pair, a table holds the keys that a session is found by.
fn pinned(section: &Section<'_>, dialect: &str, node: &Node) -> Option<PinnedName> {
    let problem = |place: &Place, message: String| {
        let help = "an id (`7`, `\"a-b\"`), a pair (`[\"us\", \"them\"]`) or keys (`{ business = \"hotel\" }`)";
        section.report().error(Code::Type, place, message, Some(help.to_owned()));
    };
    match &node.value {
        Value::Unset => None,
        Value::Array(members) => match members.as_slice() {
            [us, them] => match (scalar(us), scalar(them)) {
                (Some(us), Some(them)) => Some(PinnedName::Pair([us, them])),
                _ => {
                    problem(&node.place, format!("the pair of `{dialect}` has a member that is no id"));
                    None
                }
            },
            other => {
                problem(&node.place, format!("the pair of `{dialect}` has {} members, wanted 2", other.len()));
                None
            }
        },
        Value::Table(members) => {
            let mut keys = BTreeMap::new();
            for (key, member) in members {
                match scalar(member) {
                    Some(text) => {
                        keys.insert(key.clone(), text);
                    }
                    None => problem(&member.place, format!("`{key}` is {}, wanted an id", member.value.type_name())),
                }
            }
            Some(PinnedName::Keys(keys))
        }
        _ => match scalar(node) {
            Some(id) => Some(PinnedName::Id(id)),
            None => {
                problem(&node.place, format!("`{dialect}` is {}, wanted a name", node.value.type_name()));
                None
            }
        },
    }
}

/// An id: a text that is not empty, or a number that is not negative.
fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Integer(number) => u64::try_from(*number).ok().map(|number| number.to_string()),
        Value::Float(_) | Value::Boolean(_) | Value::Array(_) | Value::Table(_) | Value::Other | Value::Unset => None,
    }
}
