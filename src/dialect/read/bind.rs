//! How what stands at a place becomes a field. In: what was captured there. Out: the field and its value, or which field
//! is at fault and why.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::event::{Field, Fields, MessageKind, Value};
use crate::fault::Reason;

use super::super::capture::Captured;
use super::super::codec::Codec;
use super::super::frame::{Frame, FrameSet};
use super::super::hole::Hole;
use super::super::shape::Key;
use super::derive;

/// What a shape reads at one place.
#[derive(Debug)]
pub enum Bind {
    Scalar {
        at: usize,
        field: Field,
        hole: Hole,
    },
    /// Text between a fixed beginning and a fixed end.
    Between {
        at: usize,
        field: Field,
        hole: Hole,
        before: String,
        after: String,
    },
    List {
        at: usize,
        field: Field,
        shape: Arc<FrameSet>,
    },
    /// An object with a record for each of its members.
    Keyed {
        at: usize,
        field: Field,
        key: Field,
        shape: Arc<FrameSet>,
    },
    /// A text that is JSON itself.
    Embedded {
        at: usize,
        /// The field that is at fault where it cannot be read.
        first: Field,
        shape: Arc<FrameSet>,
    },
    /// Where nothing may stand.
    Nothing {
        at: usize,
        field: Field,
    },
    Record {
        at: usize,
        field: Field,
        shape: Arc<FrameSet>,
        required: bool,
    },
}

impl Bind {
    pub fn place(&self) -> usize {
        match self {
            Bind::Scalar { at, .. }
            | Bind::Between { at, .. }
            | Bind::List { at, .. }
            | Bind::Keyed { at, .. }
            | Bind::Embedded { at, .. }
            | Bind::Nothing { at, .. }
            | Bind::Record { at, .. } => *at,
        }
    }

    pub fn is_required(&self) -> bool {
        match self {
            Bind::Scalar { hole, .. } | Bind::Between { hole, .. } => !hole.may_be_absent(),
            Bind::List { .. } | Bind::Keyed { .. } | Bind::Embedded { .. } | Bind::Nothing { .. } => true,
            Bind::Record { required, .. } => *required,
        }
    }

    /// Whether a frame that fills `others` surely fills this one too.
    pub fn is_implied_by(&self, others: &[Bind]) -> bool {
        let same = others.iter().find(|other| other.place() == self.place());
        match (self, same) {
            (_, None) => !self.is_required(),
            (Bind::Scalar { hole: mine, .. }, Some(Bind::Scalar { hole: theirs, .. })) => {
                mine.codec == theirs.codec && (mine.may_be_absent() || !theirs.may_be_absent())
            }
            (_, Some(_)) => false,
        }
    }
}

impl Bind {
    /// A table that writes several kinds alike (`is_audio` is false for all but sound) leaves open which it is: among those
    /// the file itself decides.
    pub fn refined(&self, found: MessageKind, fields: &Fields<'_>) -> MessageKind {
        let Bind::Scalar { hole: Hole { codec: Codec::Enum(table), .. }, .. } = self else { return found };
        if !found.is_file() || !table.is_ambiguous(found.as_str()) {
            return found;
        }
        let by_file = derive::kind_of_file(fields);
        if table.writes_alike(found.as_str(), by_file.as_str()) { by_file } else { found }
    }
}

pub type BindResult<'a> = Result<Option<(Field, Value<'a>)>, (Field, Reason)>;

impl Bind {
    #[inline]
    pub fn read<'a>(&'a self, captures: &[Captured<'a>], frame: &Frame) -> BindResult<'a> {
        match self {
            Bind::Scalar { at, field, hole } => read_scalar(&captures[*at], *field, hole, frame),
            Bind::Between { at, field, hole, before, after } => match &captures[*at] {
                Captured::Text(text) => {
                    let inner = text.strip_prefix(before.as_str()).and_then(|text| text.strip_suffix(after.as_str()));
                    let inner = inner.ok_or((*field, Reason::Invalid))?;
                    let inner = Captured::Text(inner.to_owned().into());
                    let found = read_scalar(&inner, *field, hole, frame)?;
                    Ok(found.map(|(field, value)| (field, value.into_owned())))
                }
                other => read_scalar(other, *field, hole, frame),
            },
            Bind::List { at, field, shape } => match &captures[*at] {
                Captured::Raw(text) => read_list(text, *field, shape).map(Some),
                _ => Err((*field, Reason::Missing)),
            },
            Bind::Keyed { at, field, key, shape } => match &captures[*at] {
                Captured::Raw(text) => read_keyed(text, *field, *key, shape).map(Some),
                _ => Err((*field, Reason::Missing)),
            },
            Bind::Nothing { at, field } => match &captures[*at] {
                Captured::Missing => Ok(None),
                _ => Err((*field, Reason::Invalid)),
            },
            Bind::Embedded { at, first, shape } => read_embedded(&captures[*at], *first, shape).map(|_| None),
            Bind::Record { at, field, shape, required } => match &captures[*at] {
                Captured::Raw(text) => match shape.read(text) {
                    Ok(read) => Ok(Some((*field, Value::List(vec![read.fields])))),
                    Err(_) => Err((*field, Reason::Invalid)),
                },
                _ if *required => Err((*field, Reason::Missing)),
                _ => Ok(None),
            },
        }
    }
}

#[inline]
fn read_scalar<'a>(captured: &Captured<'a>, field: Field, hole: &'a Hole, frame: &Frame) -> BindResult<'a> {
    let has_words = || frame.required.iter().any(|(named, _)| *named == field);
    if captured.is_absent() {
        return if hole.may_be_absent() && !has_words() { Ok(None) } else { Err((field, Reason::Missing)) };
    }
    match hole.codec.read(captured) {
        Ok(value) if value.as_text() == Some("") => {
            if hole.empty_is_absent() {
                Ok(None)
            } else if has_words() {
                Err((field, Reason::Missing))
            } else {
                Ok(Some((field, value)))
            }
        }
        Ok(value) => Ok(Some((field, value))),
        Err(_) if hole.empty_is_absent() && *captured == Captured::Text("".into()) => Ok(None),
        Err(_) => Err((field, Reason::Invalid)),
    }
}

/// A record for each member, in the order in which they stand. What the record does not say of itself, its key does.
fn read_keyed<'a>(
    text: &'a str,
    field: Field,
    key: Field,
    shape: &'a FrameSet,
) -> Result<(Field, Value<'a>), (Field, Reason)> {
    let members: Members<'a> = serde_json::from_str(text).map_err(|_| (field, Reason::Invalid))?;
    let mut records = Vec::with_capacity(members.0.len());
    for (name, member) in members.0 {
        match shape.read(member.get()) {
            Ok(mut read) => {
                if !read.fields.has(key) {
                    read.fields.push(key, Value::Text(name));
                }
                records.push(read.fields);
            }
            Err(fault) if fault.reason == Reason::UnknownAction => {}
            Err(_) => return Err((field, Reason::Invalid)),
        }
    }
    Ok((field, Value::List(records)))
}

/// The members of an object in their order.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((name, member)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((Cow::Owned(name), member));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The fields of a text that is JSON itself.
pub fn read_embedded(
    captured: &Captured<'_>,
    first: Field,
    shape: &FrameSet,
) -> Result<Fields<'static>, (Field, Reason)> {
    let text = match captured {
        Captured::Text(text) => text,
        captured if captured.is_absent() => return Err((first, Reason::Missing)),
        _ => return Err((first, Reason::Invalid)),
    };
    let read = shape.read(text).map_err(|fault| match fault.reason {
        Reason::Missing => (fault.field.unwrap_or(first), Reason::Missing),
        _ => (fault.field.unwrap_or(first), Reason::Invalid),
    })?;
    Ok(read.fields.into_owned())
}

/// The order of a list whose records stand elsewhere in the frame.
#[derive(Debug)]
pub struct Order {
    pub at: usize,
    pub list: Field,
    pub key: Key,
}

impl Order {
    /// Puts the records in the order that is told; those that it does not name come last, as they stood.
    pub fn apply(&self, captures: &[Captured<'_>], fields: &mut Fields<'_>) {
        let Captured::Raw(text) = &captures[self.at] else { return };
        let Ok(told) = serde_json::from_str::<Vec<serde_json::Value>>(text) else { return };
        let Some(Value::List(mut records)) = fields.remove(self.list) else { return };
        let mut places = HashMap::with_capacity(told.len());
        for (place, key) in told.iter().enumerate() {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            places.entry(key).or_insert(place);
        }
        records.sort_by_key(|record| {
            let key = record.get(self.key.field).and_then(Value::to_text);
            key.and_then(|key| places.get(&*key).copied()).unwrap_or(usize::MAX)
        });
        fields.push(self.list, Value::List(records));
    }
}

/// Members that are of no known shape are passed over: a server may know kinds that we do not.
fn read_list<'a>(text: &'a str, field: Field, shape: &'a FrameSet) -> Result<(Field, Value<'a>), (Field, Reason)> {
    let items: Vec<&'a RawValue> = serde_json::from_str(text).map_err(|_| (field, Reason::Invalid))?;
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        match shape.read(item.get()) {
            Ok(read) => records.push(read.fields),
            Err(fault) if fault.reason == Reason::UnknownAction => {}
            Err(_) => return Err((field, Reason::Invalid)),
        }
    }
    Ok((field, Value::List(records)))
}
