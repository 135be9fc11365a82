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
        .find_map(kind_of_name)
        .unwrap_or(MessageKind::Document)
}

/// The kind of a file by the extension of its name or URL. What chats mostly send is found without the long table.
fn kind_of_name(name: &str) -> Option<MessageKind> {
    const USUAL: &[(MessageKind, &[&str])] = &[
        (MessageKind::Document, &["pdf", "txt", "doc", "docx", "xls", "xlsx"]),
        (MessageKind::Image, &["png", "jpg", "jpeg", "gif", "webp", "heic"]),
        (MessageKind::Audio, &["mp3", "m4a", "ogg", "wav"]),
        (MessageKind::Video, &["mp4", "mov", "avi"]),
    ];
    let name = name.split(['?', '#']).next().unwrap_or(name);
    let (_, extension) = name.rsplit_once('.')?;
    let is_listed = |list: &&(MessageKind, &[&str])| list.1.iter().any(|known| known.eq_ignore_ascii_case(extension));
    match USUAL.iter().find(is_listed) {
        Some((kind, _)) => Some(*kind),
        None => mime_guess::from_path(name).first_raw().map(MessageKind::of_mime),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_table_agrees_with_the_long_one() {
        for extension in "pdf txt doc docx xls xlsx png jpg jpeg gif webp heic mp3 m4a ogg wav mp4 mov avi".split(' ') {
            let name = format!("https://h.example/a.b/File.{}?x=1#y", extension.to_uppercase());
            let by_table = mime_guess::from_ext(extension).first_raw().map(MessageKind::of_mime);
            assert_eq!(kind_of_name(&name), by_table, "{extension}");
        }
        assert_eq!(kind_of_name("archive.zip"), Some(MessageKind::Document));
        assert_eq!(kind_of_name("no extension"), None);
    }
}
