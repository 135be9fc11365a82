//! Bringing an event across: as it is where the target's shapes carry it, else as text, always with what was lost. In:
//! fields and the places the target speaks in. Out: frames and losses, or the field without which nothing can be said.

use crate::event::{EventKind, Field, Fields, MessageKind, Value};
use crate::fault::Reason;

use super::codec;
use super::frame::FrameSet;
use super::model::{Audience, Dialect, EventPattern, FileTypes};
use super::write::Unwritable;

/// What a target made of an event.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    pub frames: Vec<String>,
    /// Facts that the frames do not tell.
    pub lost: Vec<Field>,
    /// What it could not stay, and why.
    pub degraded: Vec<Degradation>,
    /// Which of the places said it, and by which of its frames; others may stand before and after that.
    pub by: (usize, usize),
}

/// Why an event could not stay what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Degradation {
    /// The target has no frame for such a message.
    Kind,
    /// It does not take files of this type.
    Type,
    /// It does not take files this large.
    Size,
    /// It has no buttons: they became lines of the words.
    Buttons,
}

impl Degradation {
    /// The word of metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Degradation::Kind => "kind",
            Degradation::Type => "type",
            Degradation::Size => "size",
            Degradation::Buttons => "buttons",
        }
    }

    /// Why whoever sent such a file is refused, where it may not go in other words.
    pub fn file_refusal(self) -> Reason {
        match self {
            Degradation::Kind | Degradation::Type | Degradation::Buttons => Reason::UnsupportedType,
            Degradation::Size => Reason::TooLarge,
        }
    }
}

/// What an operator wants done with a message that cannot stay what it is. Facts that a target has no place for are left
/// out and counted either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnLoss {
    /// It becomes text, with a signed link where it has a file.
    #[default]
    Degrade,
    /// Its sender is refused.
    Refuse,
}

/// Facts that are one: who has one of a group has the group.
const GROUPS: &[&[Field]] = &[
    &[Field::AttachmentUrl, Field::AttachmentPath, Field::AttachmentToken],
    &[Field::AttachmentName, Field::AttachmentStoredName],
    &[Field::ConversationState, Field::ConversationActive],
    &[Field::SentAt, Field::ReceivedAt, Field::UpdatedAt],
];

/// Facts that live inside the gateway and are no loss anywhere: they are handles, hashes and bookkeeping.
const INTERNAL: &[Field] = &[
    Field::AttachmentSha256,
    Field::AttachmentOwner,
    Field::AttachmentChatId,
    Field::ButtonsChoices,
    Field::ConversationCreatedAt,
    Field::ConversationUpdatedAt,
    Field::ConversationLastAt,
    Field::ConversationPreview,
    Field::ConversationUnread,
    Field::OtherId,
    Field::OtherRole,
    Field::OtherSide,
    Field::OtherName,
    Field::OtherAvatar,
    Field::OtherEmail,
    Field::OtherPhone,
];

/// Facts one of which makes a message what it is: without any of them it is words, however a frame may be called.
pub(super) fn essentials(kind: MessageKind) -> &'static [Field] {
    match kind {
        MessageKind::Image | MessageKind::Video | MessageKind::Audio | MessageKind::Document => {
            &[Field::AttachmentUrl, Field::AttachmentPath, Field::AttachmentToken, Field::AttachmentChatId]
        }
        MessageKind::Profile | MessageKind::Contact => &[Field::ProfileId, Field::ProfileName, Field::ProfilePhone],
        MessageKind::Location => &[Field::LocationLatitude, Field::LocationLongitude],
        MessageKind::Text | MessageKind::System => &[],
    }
}

/// Whether there is anything that makes a message of this kind what it is.
fn has_essence(fields: &Fields<'_>) -> bool {
    let essentials = fields.message_kind().map(essentials).unwrap_or_default();
    essentials.is_empty() || essentials.iter().any(|field| fields.has(*field))
}

/// The handle that these facts have a place for, where only others are known: without it the file would stay behind.
fn untold_essence(fields: &Fields<'_>, told: &[Field]) -> Option<Field> {
    let essentials = fields.message_kind().map(essentials).unwrap_or_default();
    let mut places = essentials.iter().filter(|field| told.contains(field)).peekable();
    let first = **places.peek()?;
    (!places.any(|field| fields.has(*field))).then_some(first)
}

impl FrameSet {
    /// Whether some frame is about such an event and has a place for what it is about.
    pub fn has_form(&self, kind: Option<EventKind>) -> bool {
        let message = kind.and_then(EventKind::message);
        let fits = |at: &usize| message.is_none_or(|kind| self.has_place_for(*at, kind));
        (0..self.frames.len()).filter(|at| self.frames[*at].is_about(kind)).any(|at| fits(&at))
    }

    /// Whether a frame has a place for what messages of this kind are about. One of a kind's own says it by being there;
    /// one for all kinds of messages may have no place for it, and would send empty words.
    pub fn has_place_for(&self, at: usize, kind: MessageKind) -> bool {
        let essentials = essentials(kind);
        let for_all = self.frames.get(at).is_some_and(|frame| frame.pattern == Some(EventPattern::AnyMessage));
        !for_all || essentials.is_empty() || self.told(at).iter().any(|field| essentials.contains(field))
    }
}

/// Whether a fact is told by frames that carry these.
pub fn is_told(field: Field, carried: &[Field]) -> bool {
    carried.contains(&field)
        || INTERNAL.contains(&field)
        || GROUPS.iter().any(|group| group.contains(&field) && group.iter().any(|other| carried.contains(other)))
}

impl Dialect {
    /// Why this file is none that the dialect takes.
    pub fn refuses_file(&self, fields: &Fields<'_>) -> Option<Degradation> {
        file_refused(&self.types, fields)
    }

    /// Says the event through the first of these places that can.
    pub fn carry(&self, places: &[&FrameSet], fields: &Fields<'_>, audience: Audience) -> Result<Carried, Unwritable> {
        let refused = self.refuses_file(fields);
        let plain = match refused {
            None => self.write_spelled(places, fields, audience),
            Some(_) => Err(Unwritable::NoShape),
        };
        match plain {
            Ok(carried) => Ok(carried),
            Err(unwritable) => {
                let is_message = fields.kind().and_then(EventKind::message);
                let Some(kind) = is_message.filter(|kind| *kind != MessageKind::Text) else { return Err(unwritable) };
                if unwritable != Unwritable::NoShape {
                    return Err(unwritable);
                }
                let text = as_text(fields, kind);
                let mut carried = self.write_spelled(places, &text, audience)?;
                carried.degraded.insert(0, refused.unwrap_or(Degradation::Kind));
                carried.lost.push(Field::Kind);
                Ok(carried)
            }
        }
    }

    /// Writes with buttons in words where the dialect has none.
    fn write_spelled(
        &self,
        places: &[&FrameSet],
        fields: &Fields<'_>,
        audience: Audience,
    ) -> Result<Carried, Unwritable> {
        match self.spelled(fields, audience) {
            None => write(places, fields, audience),
            Some(spelled) => {
                let mut carried = write(places, &spelled.fields, audience)?;
                carried.degraded.extend(spelled.has_lines.then_some(Degradation::Buttons));
                Ok(carried)
            }
        }
    }
}

fn write(places: &[&FrameSet], fields: &Fields<'_>, audience: Audience) -> Result<Carried, Unwritable> {
    let mut unwritable = Unwritable::NoShape;
    for (place_at, place) in places.iter().enumerate() {
        match place.write_with_frame(fields, audience) {
            Ok((at, frames)) => {
                let told = place.told(at);
                let for_all = place.frames[at].pattern == Some(EventPattern::AnyMessage);
                let kind = fields.message_kind();
                if for_all && !(has_essence(fields) && kind.is_none_or(|kind| place.has_place_for(at, kind))) {
                    continue;
                }
                if let Some(field) = place.frames[at].lacks(fields).or_else(|| untold_essence(fields, &told)) {
                    unwritable = Unwritable::Needs(field);
                    continue;
                }
                let lost = fields.iter().map(|(field, _)| field).filter(|field| !is_told(*field, &told)).collect();
                return Ok(Carried { frames, lost, degraded: Vec::new(), by: (place_at, at) });
            }
            Err(needs) if unwritable == Unwritable::NoShape => unwritable = needs,
            Err(_) => {}
        }
    }
    Err(unwritable)
}

/// Whether the target takes such a file at all.
fn file_refused(types: &FileTypes, fields: &Fields<'_>) -> Option<Degradation> {
    let kind = fields.message_kind().filter(|kind| kind.is_file())?;
    if types.kinds.is_empty() && types.any.is_none() {
        return None;
    }
    let listed = types.any.is_some() || types.kinds.contains_key(&kind);
    if !listed {
        return Some(Degradation::Kind);
    }
    let name = fields.text(Field::AttachmentName).or_else(|| fields.text(Field::AttachmentUrl))?;
    let name = name.split(['?', '#']).next().unwrap_or(name);
    if types.find(name, fields.text(Field::AttachmentMime), Some(kind)).is_none() {
        return Some(Degradation::Type);
    }
    let size = u64::try_from(fields.integer(Field::AttachmentSize)?).ok()?;
    types.max(kind).filter(|max| size > *max).map(|_| Degradation::Size)
}

/// The same message in words: `<caption> [<name>, <size>] <link>`.
pub fn as_text<'a>(fields: &Fields<'a>, kind: MessageKind) -> Fields<'a> {
    let mut text = Fields::about(EventKind::Message(MessageKind::Text));
    for (field, value) in fields.iter() {
        if !field.path().starts_with("attachment.") && !field.path().starts_with("profile.") {
            text.set(field, value.clone());
        }
    }
    let mut words: Vec<String> =
        fields.text(Field::Body).filter(|body| !body.is_empty()).map(str::to_owned).into_iter().collect();
    match kind {
        MessageKind::Image | MessageKind::Video | MessageKind::Audio | MessageKind::Document => {
            let name = fields.text(Field::AttachmentName).unwrap_or(kind.as_str());
            words.push(match fields.integer(Field::AttachmentSize) {
                Some(size) => format!("[{name}, {}]", codec::human_size(size)),
                None => format!("[{name}]"),
            });
            words.extend(fields.text(Field::AttachmentUrl).map(str::to_owned));
        }
        MessageKind::Profile | MessageKind::Contact => {
            let who = [Field::ProfileName, Field::ProfilePhone].into_iter().filter_map(|field| fields.text(field));
            let who: Vec<&str> = who.filter(|part| !part.is_empty()).collect();
            let id = fields.id(Field::ProfileId);
            words.push(format!(
                "[{}: {}]",
                kind.as_str(),
                if who.is_empty() { id.unwrap_or_default().into_owned() } else { who.join(", ") }
            ));
        }
        MessageKind::Location => {
            let degrees = |field| match fields.get(field) {
                Some(Value::Number(number)) => *number,
                _ => 0.0,
            };
            words.push(format!(
                "[location: {}, {}]",
                degrees(Field::LocationLatitude),
                degrees(Field::LocationLongitude)
            ));
        }
        MessageKind::Text | MessageKind::System => {}
    }
    text.set_text(Field::Body, words.join(" "));
    text
}

impl Dialect {
    /// The same record, in words where this dialect has no form for it, does not take such a file, or has no buttons.
    pub fn fitted<'a>(&self, fields: Fields<'a>, audience: Audience) -> Fields<'a> {
        let fitted = self.fitted_kind(fields);
        self.spelled(&fitted, audience).map_or(fitted, |spelled| spelled.fields)
    }

    fn fitted_kind<'a>(&self, fields: Fields<'a>) -> Fields<'a> {
        match fields.message_kind() {
            Some(kind) if kind != MessageKind::Text => {
                let known = self
                    .server_places()
                    .iter()
                    .any(|place| place.frames.iter().any(|frame| frame.is_about(fields.kind())));
                if known && file_refused(&self.types, &fields).is_none() { fields } else { as_text(&fields, kind) }
            }
            Some(_) | None => fields,
        }
    }
}
