use super::*;

fn sample() -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Document));
    event.details.id = "7".to_owned();
    event.details.conversation.id = "room".to_owned();
    event.details.conversation.state = Some(ConversationState::Open);
    event.details.sender.id = "ann".to_owned();
    event.details.sender.role = Some(Role::Staff);
    event.details.body = Some("Menu".to_owned());
    event.details.attachment.name = Some("menu.pdf".to_owned());
    event.details.attachment.size = Some(1_024_000);
    event.details.location.latitude = Some(35.7);
    event.details.sent_at = Timestamp::parse("2024-01-15T10:30:00Z");
    event.details.buttons.both = RawJson::parse(r#"{"rows":[]}"#);
    event.details.ext.insert("toy.metadata".to_owned(), RawJson::parse(r#"{"k":1}"#).expect("JSON"));
    event
}

#[test]
fn fields_hold_all_that_an_event_knows() {
    let event = sample();
    let back = Event::from_fields(&event.fields()).expect("about an event");
    assert_eq!(back, event);
    assert_eq!(event.fields().boolean(Field::ConversationActive), Some(true));
}

#[test]
fn the_envelope_is_a_cloudevent_and_reads_back() {
    let event = sample();
    let text = serde_json::to_string(&CloudEvent::from(event.clone())).expect("serialises");
    let envelope: CloudEvent = serde_json::from_str(&text).expect("its own text");
    assert_eq!(envelope.specversion, "1.0");
    assert_eq!((envelope.event_type.as_str(), envelope.source.as_str()), ("dragoman.message", "/"));
    assert_eq!(envelope.subject.as_deref(), Some("room"));
    assert_eq!(Event::try_from(envelope).expect("an event"), event);
}

#[test]
fn an_unknown_type_is_named() {
    let mut envelope = CloudEvent::from(sample());
    envelope.event_type = "dragoman.dance".to_owned();
    let error = Event::try_from(envelope).expect_err("no such event");
    assert!(error.to_string().contains("dragoman.dance"));
}

#[test]
fn every_field_is_found_by_its_name_and_every_kind_by_its_spelling() {
    for field in Field::ALL {
        assert_eq!(Field::parse(&field.path()), Some(*field));
    }
    for kind in EventKind::all() {
        assert_eq!(EventKind::parse(kind.as_str(), kind.message()), Some(kind));
    }
    assert_eq!(Field::parse("ext.toy.x"), Field::parse("ext.toy.x"));
    assert_eq!(Field::parse("ext.toy"), None);
    assert_eq!(Field::parse("ext.Toy.x"), None);
}

#[test]
fn times_are_read_with_any_offset_and_written_in_utc() {
    let time = Timestamp::parse("2024-01-15T12:00:00.1234567+01:30").expect("RFC 3339");
    assert_eq!(time.to_string(), "2024-01-15T10:30:00.123456Z");
    assert_eq!(Timestamp::parse("2024-01-15"), None);
    assert_eq!(Timestamp::parse(""), None);
    for text in [
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:00",
    ] {
        assert_eq!(Timestamp::parse(text), None, "{text}");
    }
    for text in [
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T23:59:59.5Z",
        "9999-12-30T21:59:59Z",
        "0001-01-01T00:00:00.000001+00:00",
    ] {
        let by_library: jiff::Timestamp = text.parse().expect("RFC 3339");
        assert_eq!(Timestamp::parse(text), Some(Timestamp::from_micros(by_library.as_microsecond())), "{text}");
    }
}

/// `schemas/event.schema.json` is written by this test when `UPDATE_SCHEMAS` is set, and compared otherwise.
#[test]
#[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
fn the_committed_schema_is_that_of_the_types() {
    let schema = schemars::schema_for!(CloudEvent);
    let text = serde_json::to_string_pretty(&schema).expect("serialises") + "\n";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/event.schema.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(path, &text).expect("writable");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "schemas/event.schema.json is not that of the types; run this test with UPDATE_SCHEMAS=1"
    );
}

proptest::proptest! {
    /// Our own way through the calendar against the library's.
    #[test]
    fn dates_are_those_of_the_library(micros in -62_135_596_800_000_000_i64..253_402_207_200_000_000) {
        let time = Timestamp::from_micros(micros);
        let by_library = jiff::Timestamp::from_microsecond(micros).expect("within its range");
        let civil = jiff::tz::Offset::UTC.to_datetime(by_library);
        let at = time.civil().expect("within four digits");
        let theirs = (civil.year(), civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second());
        let ours = (at.year, at.month.cast_signed(), at.day.cast_signed(), at.hour.cast_signed(), at.minute.cast_signed(), at.second.cast_signed());
        proptest::prop_assert_eq!(ours, theirs);
        proptest::prop_assert_eq!(Timestamp::parse(&time.to_string()), Some(time));
    }
}
