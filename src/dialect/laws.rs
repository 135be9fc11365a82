//! The laws that every frame of every dialect file found must obey, on arbitrary events. A dialect written later is
//! covered by lying in `dialects/` or `examples/`.

use std::path::Path;

use proptest::prelude::*;

use crate::event::{EventKind, Field, FieldType, Fields, MessageKind, Timestamp, Value};
use crate::fault::Reason;

use super::codec::{Codec, Fidelity};
use super::file::Choice;
use super::frame::{Frame, FrameSet};
use super::hole::{Hole, Mark};
use super::model::{Dialect, EventPattern, Request};

/// Every dialect file of the repository, and every variant in it.
fn files() -> Vec<Dialect> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dialects = Vec::new();
    for folder in ["dialects", "examples"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries.map(|entry| entry.expect("readable").path()) {
            if entry.extension().is_some_and(|extension| extension == "toml") {
                let text = std::fs::read_to_string(&entry).expect("readable");
                let name = entry.file_name().expect("has a name").to_string_lossy().into_owned();
                let variants = Dialect::variants(&text).into_iter().map(Some);
                for variant in std::iter::once(None).chain(variants) {
                    let choice = Choice { variant, ..Choice::default() };
                    let parsed = Dialect::parse(&name, &text, &choice);
                    dialects.push(parsed.unwrap_or_else(|problems| panic!("{problems}")));
                }
            }
        }
    }
    assert!(dialects.len() >= 5, "the built-in dialects are here");
    dialects
}

/// Every set of frames of a dialect, with its name.
fn places(dialect: &Dialect) -> Vec<(String, &FrameSet)> {
    let mut places = Vec::new();
    for socket in &dialect.sockets {
        places.push((format!("{} socket {} client", dialect.name, socket.id), &socket.client));
        places.push((format!("{} socket {} server", dialect.name, socket.id), &socket.server));
    }
    for call in &dialect.calls {
        if let Request::Json(set) = &call.request {
            places.push((format!("{} call {} request", dialect.name, call.id), set.as_ref()));
        }
        places.push((format!("{} call {} answer", dialect.name, call.id), &call.answer.shapes));
        if let Some(again) = &call.again {
            places.push((format!("{} call {} again", dialect.name, call.id), &again.shapes));
        }
    }
    for webhook in &dialect.webhooks {
        places.push((format!("{} webhook {}", dialect.name, webhook.id), &webhook.shapes));
    }
    places
}

/// Arbitrary decisions, taken one after the other; shrinks with the list.
struct Choices<'a> {
    list: &'a [u32],
    at: usize,
}

impl Choices<'_> {
    fn next(&mut self) -> u32 {
        self.at += 1;
        self.list
            .get(self.at % self.list.len().max(1))
            .copied()
            .unwrap_or(0)
            .rotate_left(u32::try_from(self.at / self.list.len().max(1) % 31).unwrap_or(0))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.next() as usize % bound.max(1)
    }

    fn text(&mut self) -> String {
        const LETTERS: &[&str] =
            &["a", "Z", "7", " ", "\"", "\\", "\n", "\t", "\u{1}", "é", "سلام", "😀", "{", "}", "/", "'", "\u{202e}"];
        let length = 1 + self.below(6);
        let middle: String = (0..length).map(|_| LETTERS[self.below(LETTERS.len())]).collect();
        // Blanks at the ends are cut by `trim`, which is lossy and says so.
        format!("x{middle}y")
    }
}

fn value(hole: &Hole, field: Field, choices: &mut Choices<'_>) -> Option<Value<'static>> {
    let number = i64::from(choices.next());
    Some(match &hole.codec {
        Codec::Text | Codec::Trim | Codec::FirstName | Codec::Head(_) | Codec::Folded | Codec::AnyId => {
            Value::from(choices.text())
        }
        Codec::UrlEnd(end) => Value::from(format!("https://h.example/x{}a{number}", end.beginning)),
        Codec::Integer | Codec::IntegerText | Codec::HumanSize => Value::Integer(number),
        Codec::Number => Value::Number(f64::from(choices.next()) / 64.0),
        Codec::Boolean => Value::Boolean(number % 2 == 0),
        Codec::Json => Value::Json(["{\"a\":[1,null]}", "[]", "\"x\"", "3"][choices.below(4)].into()),
        Codec::Time(_) | Codec::TimeAgo => {
            Value::Time(Timestamp::from_micros(1_700_000_000_000_000 + number * 1_234_567))
        }
        Codec::Enum(table) => {
            let known: Vec<&str> = table.write.iter().map(|(canonical, _)| canonical.as_str()).collect();
            let text = if known.is_empty() { return None } else { known[choices.below(known.len())] };
            match (field.field_type(), text) {
                (FieldType::Boolean, text) => Value::Boolean(text == "true"),
                (_, text) => Value::from(text.to_owned()),
            }
        }
    })
}

fn kind(pattern: EventPattern, choices: &mut Choices<'_>) -> EventKind {
    let files = [MessageKind::Image, MessageKind::Video, MessageKind::Audio, MessageKind::Document];
    match pattern {
        EventPattern::One(kind) => kind,
        EventPattern::AnyFile => EventKind::Message(files[choices.below(4)]),
        EventPattern::AnyMessage => EventKind::Message(MessageKind::ALL[choices.below(MessageKind::ALL.len())]),
    }
}

/// An event that this frame can carry, some of its optional facts left out.
fn event(set: &FrameSet, at: usize, choices: &mut Choices<'_>) -> Fields<'static> {
    let frame = &set.frames[at];
    let mut fields = Fields::new();
    if let Some(pattern) = frame.pattern {
        fields.set_kind(kind(pattern, choices));
    }
    let mut holes = Vec::new();
    frame.shape.holes(&mut holes);
    for hole in holes {
        let Some(field) = hole.field.filter(|field| *field != Field::Kind && !fields.has(*field)) else { continue };
        let optional = !matches!(hole.mark, Mark::Required) && !frame.required.iter().any(|(named, _)| *named == field);
        if optional && choices.below(3) == 0 {
            continue;
        }
        if let Some(value) = value(hole, field, choices) {
            fields.set(field, value);
        }
    }
    for (field, scalar) in &frame.set {
        if let Some(value) = scalar.value() {
            fields.set(*field, value.into_owned());
        }
    }
    for (field, nested) in set.writer.nested(at) {
        if !nested.is_empty() {
            let count = if field.field_type() == FieldType::Record { 1 } else { choices.below(3) };
            let records = (0..count).map(|_| {
                let which = choices.below(nested.frames.len());
                event(&nested, which, choices)
            });
            fields.set(field, Value::List(records.collect()));
        }
    }
    fields
}

/// Whether nothing of the frame is lossy, write-only or standing for something else.
fn is_exact(set: &FrameSet, at: usize) -> bool {
    let frame = &set.frames[at];
    let mut holes = Vec::new();
    frame.shape.holes(&mut holes);
    let mut seen = Vec::new();
    set.writer.nested(at).is_empty()
        && holes.iter().all(|hole| {
            let twice = hole.field.is_some_and(|field| seen.contains(&field));
            seen.extend(hole.field);
            !twice
                && !hole.write_only
                && hole.codec.fidelity() == Fidelity::Lossless
                && !matches!(hole.mark, Mark::Fallback(..))
        })
}

fn check(name: &str, set: &FrameSet, at: usize, choices: &mut Choices<'_>) -> Result<(), TestCaseError> {
    let frame: &Frame = &set.frames[at];
    let fields = event(set, at, choices);
    let mut first = String::new();
    if set.writer.write_frame(at, &fields, &mut first).is_err() {
        // The event lacks what this kind of message needs; the writer said so.
        return Ok(());
    }
    prop_assert!(serde_json::from_str::<serde_json::Value>(&first).is_ok(), "{name} {}: not JSON: {first}", frame.id);
    // A frame whose needs are not met is refused by its reader, rightly.
    let read = match set.read(&first) {
        Ok(read) => read,
        Err(fault) if fault.reason == Reason::Missing && frame.need.is_some() => return Ok(()),
        Err(fault) => {
            return Err(TestCaseError::fail(format!(
                "{name} {}: its own frame is refused ({fault}): {first}",
                frame.id
            )));
        }
    };
    if set.frames[read.frame].pattern.is_none() && !set.frames[read.frame].written {
        // It is known and means nothing: nothing of it is kept.
        return Ok(());
    }
    let mut second = String::new();
    // Several events may look alike on the wire; then it is the frame it reads as that writes it again.
    let again = set.writer.write_frame(read.frame, &read.fields, &mut second);
    prop_assert!(again.is_ok(), "{name} {}: law 1: {again:?} after {first}", frame.id);
    let mut holes = Vec::new();
    frame.shape.holes(&mut holes);
    if holes.iter().all(|hole| !hole.write_only && hole.codec.fidelity() != Fidelity::WriteOnly)
        && set.writer.nested(at).is_empty()
    {
        prop_assert_eq!(&second, &first, "{} {}: law 1", name, frame.id);
    }
    if is_exact(set, at) && read.frame == at {
        for (field, value) in fields.iter() {
            let back = read.fields.get(field);
            let same = back == Some(value) || back.map(Value::to_text) == Some(value.to_text());
            prop_assert!(same, "{name} {}: law 2: {} was {value:?}, is {back:?}", frame.id, field.path());
        }
    }
    identity(name, set, frame, &first, choices)?;
    // Law 5, on whatever this frame's first member is.
    if let Some(key) = first.strip_prefix("{\"").and_then(|rest| rest.split('"').next()) {
        let doubled = format!("{},\"{key}\":0}}", first.strip_suffix('}').unwrap_or(&first));
        let refused = set.read(&doubled).map(|_| ()).map_err(|fault| fault.reason);
        prop_assert_eq!(refused, Err(Reason::Malformed), "{} {}: law 5: {}", name, frame.id, doubled);
    }
    Ok(())
}

/// Law 3: on its way to a server of the same dialect a frame stays as it is, unknown members and blanks included, but for
/// the ids and URLs that are put in.
fn identity(
    name: &str,
    set: &FrameSet,
    frame: &Frame,
    text: &str,
    choices: &mut Choices<'_>,
) -> Result<(), TestCaseError> {
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return Ok(()) };
    let comma = if inner.is_empty() { "" } else { "," };
    let unknown = format!("{{ \"x-unknown\" :\t[1, {{\"y\":null}}]{comma}\n{inner} }}");
    let same = set.splice(&unknown, &[]).map_err(|fault| fault.reason);
    prop_assert_eq!(same.as_deref(), Ok(unknown.as_str()), "{} {}: law 3", name, frame.id);
    let read = set.read(&unknown).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
    for field in [Field::ConversationId, Field::ReceiverId, Field::AttachmentChatId, Field::AttachmentUrl] {
        if read.fields.get(field).is_none() {
            continue;
        }
        let value = Value::Integer(i64::from(choices.next()) + 1);
        let Ok(spliced) = set.splice(&unknown, &[(field, value.clone())]) else { continue };
        let back = set.read(&spliced).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        prop_assert_eq!(
            back.fields.get(field).and_then(Value::to_text),
            value.to_text(),
            "{} {}: law 3: {:?}",
            name,
            frame.id,
            field
        );
        for (other, kept) in read.fields.iter().filter(|(other, _)| *other != field) {
            prop_assert_eq!(back.fields.get(other), Some(kept), "{} {}: law 3: {:?}", name, frame.id, other);
        }
        prop_assert!(
            spliced.starts_with("{ \"x-unknown\" :\t[1, {\"y\":null}]"),
            "{name} {}: law 3: {spliced}",
            frame.id
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_frame_of_every_dialect_obeys_the_laws(list in prop::collection::vec(any::<u32>(), 16..128)) {
        static FILES: std::sync::OnceLock<Vec<Dialect>> = std::sync::OnceLock::new();
        for dialect in FILES.get_or_init(files) {
            for (name, set) in places(dialect) {
                for at in 0..set.frames.len() {
                    let mut choices = Choices { list: &list, at: at * 7 };
                    check(&name, set, at, &mut choices)?;
                }
            }
        }
    }

    #[test]
    fn no_frame_panics_a_reader(text in "\\PC{0,64}|[\\[\\]{}\":,0-9a-z ]{0,64}") {
        static FILES: std::sync::OnceLock<Vec<Dialect>> = std::sync::OnceLock::new();
        for dialect in FILES.get_or_init(files) {
            for (_, set) in places(dialect) {
                let _ = set.read(&text);
            }
        }
    }
}
