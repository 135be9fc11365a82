//! The facts of one event or call as flat slots: what a shape decodes into and encodes from. Texts borrow from the
//! bytes they were read from.

use std::borrow::Cow;

use super::field::Field;
use super::kind::{EventKind, MessageKind};
use super::timestamp::Timestamp;

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    /// Also an id that came as a number: it reads as its digits, without an allocation until somebody keeps it.
    Integer(i64),
    Number(f64),
    Boolean(bool),
    Time(Timestamp),
    /// JSON carried unread.
    Json(Cow<'a, str>),
    /// The members of a list, or the one member of a nested record.
    List(Vec<Fields<'a>>),
}

impl<'a> Value<'a> {
    /// A text that borrows.
    pub fn text(text: &'a str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }

    /// The text, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a text, an integer or a boolean; nothing else has one spelling.
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Integer(number) => Some(Cow::Owned(itoa::Buffer::new().format(*number).to_owned())),
            Value::Boolean(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
            Value::Number(_) | Value::Time(_) | Value::Json(_) | Value::List(_) => None,
        }
    }

    /// The integer, also of a text that is nothing but its canonical digits.
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Value::Integer(number) => Some(*number),
            Value::Text(text) => text.parse().ok(),
            Value::Number(_) | Value::Boolean(_) | Value::Time(_) | Value::Json(_) | Value::List(_) => None,
        }
    }

    /// The same value, owning its texts.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Integer(number) => Value::Integer(number),
            Value::Number(number) => Value::Number(number),
            Value::Boolean(flag) => Value::Boolean(flag),
            Value::Time(time) => Value::Time(time),
            Value::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
            Value::List(list) => Value::List(list.into_iter().map(Fields::into_owned).collect()),
        }
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}

/// A record of facts, with the kind of event it is about, if it is about one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fields<'a> {
    kind: Option<EventKind>,
    slots: Vec<(Field, Value<'a>)>,
}

impl<'a> Fields<'a> {
    /// An empty record.
    pub fn new() -> Self {
        Fields::default()
    }

    /// An empty record with room, so that filling it allocates once.
    pub fn with_capacity(fields: usize) -> Self {
        Fields { kind: None, slots: Vec::with_capacity(fields) }
    }

    /// An empty record about an event of this kind.
    pub fn about(kind: EventKind) -> Self {
        Fields { kind: Some(kind), slots: Vec::new() }
    }

    pub fn kind(&self) -> Option<EventKind> {
        self.kind
    }

    pub fn set_kind(&mut self, kind: EventKind) {
        self.kind = Some(kind);
    }

    /// The message kind, when this is about a message.
    pub fn message_kind(&self) -> Option<MessageKind> {
        self.kind.and_then(EventKind::message)
    }

    pub fn get(&self, field: Field) -> Option<&Value<'a>> {
        self.slots.iter().find(|(name, _)| *name == field).map(|(_, value)| value)
    }

    pub fn has(&self, field: Field) -> bool {
        self.get(field).is_some()
    }

    /// The text of a field, if it is there and is a text.
    pub fn text(&self, field: Field) -> Option<&str> {
        self.get(field).and_then(Value::as_text)
    }

    /// The text of a field, also when it was given as an integer.
    pub fn id(&self, field: Field) -> Option<Cow<'_, str>> {
        self.get(field).and_then(Value::to_text)
    }

    pub fn integer(&self, field: Field) -> Option<i64> {
        self.get(field).and_then(Value::to_integer)
    }

    pub fn boolean(&self, field: Field) -> Option<bool> {
        match self.get(field) {
            Some(Value::Boolean(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub fn time(&self, field: Field) -> Option<Timestamp> {
        match self.get(field) {
            Some(Value::Time(time)) => Some(*time),
            _ => None,
        }
    }

    /// The members of a list field; empty when there are none.
    pub fn list(&self, field: Field) -> &[Fields<'a>] {
        match self.get(field) {
            Some(Value::List(list)) => list,
            _ => &[],
        }
    }

    /// Puts a value, in place of an earlier one of the same field.
    pub fn set(&mut self, field: Field, value: Value<'a>) {
        match self.slots.iter_mut().find(|(name, _)| *name == field) {
            Some(slot) => slot.1 = value,
            None => self.slots.push((field, value)),
        }
    }

    /// Puts a value of a field that is known not to be there yet.
    pub fn push(&mut self, field: Field, value: Value<'a>) {
        self.slots.push((field, value));
    }

    /// Puts a text that owns itself.
    pub fn set_text(&mut self, field: Field, text: impl Into<String>) {
        self.set(field, Value::Text(Cow::Owned(text.into())));
    }

    pub fn remove(&mut self, field: Field) -> Option<Value<'a>> {
        let at = self.slots.iter().position(|(name, _)| *name == field)?;
        Some(self.slots.remove(at).1)
    }

    /// All fields that are there, in the order they were put.
    pub fn iter(&self) -> impl Iterator<Item = (Field, &Value<'a>)> {
        self.slots.iter().map(|(field, value)| (*field, value))
    }

    /// The same record, owning its texts.
    pub fn into_owned(self) -> Fields<'static> {
        Fields {
            kind: self.kind,
            slots: self.slots.into_iter().map(|(field, value)| (field, value.into_owned())).collect(),
        }
    }
}
