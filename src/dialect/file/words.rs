//! Small words of a dialect file: names of fields, reasons, roles, checks, sizes. In: texts with their place. Out: the
//! thing named, or a note of what would do.

use crate::event::{ConversationKind, Field, IdForm, Role};
use crate::fault::Reason;

use super::super::model::{Check, ConversationName, CreateConversation, Scope};
use super::super::problem::suggestion;
use super::super::table::Scalar;
use super::section::{Section, Text};

/// Looks a word up in a closed list.
pub fn one_of<T: Copy>(section: &Section<'_>, text: &Text, what: &str, known: &[(&str, T)]) -> Option<T> {
    let found = known.iter().find(|(name, _)| *name == text.value).map(|(_, value)| *value);
    if found.is_none() {
        let help = suggestion(&text.value, known.iter().map(|(name, _)| *name));
        section.problem(text.span.clone(), format!("no {what} is called `{}`", text.value), help);
    }
    found
}

pub const ID_FORMS: &[(&str, IdForm)] = &[("int", IdForm::Integer), ("uuid", IdForm::Uuid), ("text", IdForm::Text)];

pub const SCOPES: &[(&str, Scope)] = &[
    ("conversation", Scope::Conversation),
    ("party", Scope::Party),
    ("department", Scope::Department),
    ("everyone", Scope::Everyone),
];

/// How clients name a conversation, where no list of fields does.
pub const NAMINGS: &[(&str, ConversationName)] = &[("id", ConversationName::Id), ("pair", ConversationName::Pair)];

pub const CREATIONS: &[(&str, CreateConversation)] = &[
    ("never", CreateConversation::Never),
    ("send", CreateConversation::Send),
    ("session", CreateConversation::Session),
];

/// Whether only members see a conversation.
pub const MEMBERSHIPS: &[(&str, bool)] = &[("open", false), ("members", true)];

/// What a check may be about beside fields.
pub const CHECKS: &[(&str, Check)] = &[
    ("file", Check::File),
    ("size", Check::Size),
    ("type", Check::Type),
    ("role", Check::Role),
    ("conversation", Check::Conversation),
    ("access", Check::Access),
];

pub fn field(section: &Section<'_>, text: &Text) -> Option<Field> {
    let found = Field::parse(&text.value);
    if found.is_none() {
        let known: Vec<_> = Field::ALL.iter().map(|field| field.path()).collect();
        let help = suggestion(&text.value, known.iter().map(AsRef::as_ref));
        section.problem(text.span.clone(), format!("no field is called `{}`", text.value), help);
    }
    found
}

/// A key that names a field.
pub fn field_key(section: &Section<'_>, key: &str, span: std::ops::Range<usize>) -> Option<Field> {
    field(section, &Text { value: key.to_owned(), offset: span.start, span })
}

pub fn roles(section: &Section<'_>, texts: &[Text]) -> Vec<Role> {
    let known: Vec<(&str, Role)> = Role::ALL.iter().map(|role| (role.as_str(), *role)).collect();
    texts.iter().filter_map(|text| one_of(section, text, "role", &known)).collect()
}

pub fn conversation_kind(section: &Section<'_>, text: &Text) -> Option<ConversationKind> {
    let known: Vec<_> = ConversationKind::ALL.iter().map(|kind| (kind.as_str(), *kind)).collect();
    one_of(section, text, "kind of conversation", &known)
}

pub fn reason_key(section: &Section<'_>, key: &str, span: std::ops::Range<usize>) -> Option<Reason> {
    let found = Reason::parse(key);
    if found.is_none() {
        let help = suggestion(key, Reason::ALL.iter().map(|reason| reason.as_str()));
        section.problem(span, format!("no reason is called `{key}`"), help);
    }
    found
}

/// What a check of a call is about: a field, or one of the named checks.
pub fn check(section: &Section<'_>, text: &Text) -> Option<Check> {
    match CHECKS.iter().find(|(name, _)| *name == text.value) {
        Some((_, check)) => Some(*check),
        None => field(section, text).map(Check::Field),
    }
}

/// `10MiB`, `64KiB`, `1.5MiB`, `300B`.
pub fn size(section: &Section<'_>, text: &Text) -> Option<u64> {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
    let parsed = units.iter().find_map(|(unit, bytes)| {
        let number = text.value.strip_suffix(unit)?.trim();
        let (whole, tenths) = number.split_once('.').unwrap_or((number, "0"));
        let tenths: u64 = (tenths.len() == 1).then(|| tenths.parse().ok()).flatten()?;
        whole.parse::<u64>().ok()?.checked_mul(*bytes)?.checked_add(tenths * bytes / 10)
    });
    if parsed.is_none() {
        let help = Some("for instance `10MiB`, `64KiB`, `1.5MiB`".to_owned());
        section.problem(text.span.clone(), format!("`{}` is no size", text.value), help);
    }
    parsed
}

/// A scalar as TOML writes it.
pub fn scalar(section: &Section<'_>, key: &str, value: &toml_edit::Value) -> Option<Scalar> {
    match value {
        toml_edit::Value::String(text) => Some(Scalar::Text(text.value().clone())),
        toml_edit::Value::Integer(number) => Some(Scalar::Integer(*number.value())),
        toml_edit::Value::Boolean(flag) => Some(Scalar::Boolean(*flag.value())),
        other => {
            let span = other.span().unwrap_or_else(|| section.span());
            section.problem(span, format!("`{key}` wants a text, an integer or a boolean"), None);
            None
        }
    }
}
