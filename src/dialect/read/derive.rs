//! Which kind of message a frame is when it does not say: by the attachment's MIME type, else by the extension of its
//! name or URL, else a document; without an attachment a profile, a place, or text.

use crate::event::{EventKind, Field, Fields, MessageKind};

use super::super::model::EventPattern;

pub fn event_kind(pattern: EventPattern, fields: &Fields<'_>) -> EventKind {
    match pattern {
        EventPattern::One(kind) => kind,
        EventPattern::AnyFile => EventKind::Message(kind_of_file(fields)),
        EventPattern::AnyMessage => EventKind::Message(kind_of_message(fields)),
    }
}

/// The kind of the file that these fields speak of.
pub fn kind_of_file(fields: &Fields<'_>) -> MessageKind {
    if let Some(mime) = fields.text(Field::AttachmentMime) {
        return MessageKind::of_mime(mime);
    }
    [Field::AttachmentName, Field::AttachmentStoredName, Field::AttachmentUrl, Field::AttachmentPath]
        .into_iter()
        .filter_map(|field| fields.text(field))
        .find_map(|name| mime_guess::from_path(name.split(['?', '#']).next().unwrap_or(name)).first_raw())
        .map_or(MessageKind::Document, MessageKind::of_mime)
}

fn kind_of_message(fields: &Fields<'_>) -> MessageKind {
    const HANDLES: [Field; 5] = [
        Field::AttachmentUrl,
        Field::AttachmentPath,
        Field::AttachmentToken,
        Field::AttachmentChatId,
        Field::AttachmentName,
    ];
    if HANDLES.into_iter().any(|field| fields.has(field)) {
        kind_of_file(fields)
    } else if fields.has(Field::ProfileId) {
        MessageKind::Profile
    } else if fields.has(Field::LocationLatitude) {
        MessageKind::Location
    } else if fields.has(Field::ProfilePhone) {
        MessageKind::Contact
    } else {
        MessageKind::Text
    }
}
