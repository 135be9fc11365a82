//! What readers without buttons are told of some.

use super::*;
use crate::dialect::{Degradation, builtin};
use crate::event::{EventKind, IdForm, MessageKind, Timestamp};

fn grid() -> Grid {
    let path = |text: &str| MemberPath(text.split('.').map(str::to_owned).collect());
    Grid { each: path("rows.buttons"), label: path("caption"), link: Some(path("action.open_direct_link")) }
}

/// What a grid offers, in lines.
fn offered(json: &str) -> Vec<String> {
    let mut fields = Fields::about(EventKind::Message(MessageKind::Text));
    fields.set(Field::ButtonsBoth, Value::Json(json.into()));
    grid().note(&mut fields);
    match fields.get(Field::ButtonsChoices) {
        Some(Value::Json(json)) => Choice::read_list(json).iter().map(line).collect(),
        _ => Vec::new(),
    }
}

const TWO: &str = r#"{ "rows": [
    { "buttons": [{ "caption": " Open\n now ", "icon": "HOME", "action": { "open_direct_link": "https://app.example/a" } }] },
    { "buttons": [{ "caption": "Ask", "action": { "get_dynamic_action": { "data": {} } } }] }
] }"#;

#[test]
fn labels_and_links_are_told_in_order() {
    assert_eq!(offered(TWO), ["[Open now] https://app.example/a", "[Ask]"]);
}

#[test]
fn what_is_no_grid_offers_nothing() {
    let unlabelled = r#"{"rows":[{"buttons":[{"caption":" "},{"caption":1}]}]}"#;
    for json in ["3", "[]", "{}", r#"{"rows":{"buttons":3}}"#, unlabelled] {
        assert_eq!(offered(json), Vec::<String>::new(), "{json}");
    }
}

#[test]
fn only_whole_links_of_the_web_are_shown() {
    let long = format!("https://app.example/{}", "x".repeat(LONGEST_LINK));
    for link in ["javascript:alert(1)", "//app.example", "https://app.example/ [Other] https://b.example", &long] {
        let button = serde_json::json!({ "caption": "Open", "action": { "open_direct_link": link } });
        assert_eq!(
            offered(&serde_json::json!({ "rows": [{ "buttons": [button] }] }).to_string()),
            ["[Open]"],
            "{link}"
        );
    }
}

#[test]
fn there_are_bounds() {
    let button = serde_json::json!({ "caption": "é".repeat(1_000) });
    let row = serde_json::json!({ "buttons": vec![button; 100] });
    let offered = offered(&serde_json::json!({ "rows": vec![row; 10] }).to_string());
    assert_eq!(offered.len(), MOST_CHOICES);
    assert_eq!(offered[0].chars().count(), LONGEST_LABEL + 2);
}

/// A send of an app, with buttons for both sides, in the names of whom it is told to.
fn sent(to: &Dialect) -> Fields<'static> {
    let mine = TWO.replace("Ask", "Edit");
    let body = format!(r#"{{ "message": "Pick one", "sender_buttons": {mine}, "receiver_buttons": {TWO} }}"#);
    let app = builtin::find("divar").unwrap();
    let places = app.client_places();
    let mut fields = places.iter().find_map(|place| place.read(&body).ok()).unwrap().fields.into_owned();
    for (field, text) in [(Field::Id, "1"), (Field::ConversationId, "2"), (Field::SenderRole, "staff")] {
        fields.set_text(field, text);
    }
    for (field, id) in [(Field::SenderId, "3"), (Field::ReceiverId, "4")] {
        let is_number = to.ids.party == IdForm::Integer;
        fields.set_text(
            field,
            if is_number { id.to_owned() } else { format!("00000000-0000-4000-8000-00000000000{id}") },
        );
    }
    fields.set(Field::SentAt, Value::Time(Timestamp::from_micros(1_700_000_000_000_000)));
    fields
}

#[test]
fn each_side_reads_its_own() {
    let staff = builtin::find("frontdesk").unwrap();
    let mine = staff.spelled(&sent(&staff), Audience::Sender).unwrap();
    assert_eq!(mine.fields.text(Field::Body), Some("Pick one\n[Open now] https://app.example/a\n[Edit]"));
    let theirs = staff.spelled(&sent(&staff), Audience::Receiver).unwrap();
    assert_eq!(theirs.fields.text(Field::Body), Some("Pick one\n[Open now] https://app.example/a\n[Ask]"));
    assert!(mine.has_lines && !mine.fields.iter().any(|(field, _)| is_grid(field)));
    let app = builtin::find("divar").unwrap();
    assert_eq!(app.spelled(&sent(&app), Audience::Receiver), None);
}

#[test]
fn dialects_without_buttons_tell_them_in_lines() {
    for name in ["frontdesk", "frontdesk@deployed", "andromedia", "licomed", "luxmart"] {
        let dialect = builtin::find(name).unwrap();
        let carried = dialect.carry(&dialect.server_places(), &sent(&dialect), Audience::Receiver).unwrap();
        let words = r#""Pick one\n[Open now] https://app.example/a\n[Ask]""#;
        assert!(carried.frames.concat().contains(words), "{name}: {carried:?}");
        assert_eq!(carried.degraded, [Degradation::Buttons], "{name}");
        assert!(!carried.lost.iter().any(|field| is_grid(*field)), "{name}: {:?}", carried.lost);
    }
}

#[test]
fn a_file_that_became_words_has_its_buttons_below_them() {
    let dialect = builtin::find("luxmart").unwrap();
    let mut fields = sent(&dialect);
    fields.set_kind(EventKind::Message(MessageKind::Video));
    fields.set_text(Field::AttachmentName, "tour.mp4");
    fields.set_text(Field::AttachmentUrl, "https://h.example/tour.mp4");
    let carried = dialect.carry(&dialect.server_places(), &fields, Audience::Receiver).unwrap();
    let words = r#""Pick one [tour.mp4] https://h.example/tour.mp4\n[Open now] https://app.example/a\n[Ask]""#;
    assert!(carried.frames.concat().contains(words), "{carried:?}");
    assert_eq!(carried.degraded, [Degradation::Kind, Degradation::Buttons]);
}
