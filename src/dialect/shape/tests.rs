//! Arrays by place, lists by key, JSON in a text, ids that end a URL, numbered frames: read, written, and refused.

use crate::dialect::file::Choice;
use crate::dialect::frame::FrameSet;
use crate::dialect::model::{Audience, Dialect};
use crate::event::{EventKind, Field, Fields, MessageKind, Value};
use crate::fault::Reason;

const TEXT: EventKind = EventKind::Message(MessageKind::Text);

/// A dialect of one socket with these frames.
fn dialect(more: &str) -> Result<Dialect, String> {
    let text = format!(
        "name = \"toy\"\nsummary = \"s\"\nsource = \"s\"\n{more}\n",
        more = more.replace("[[frame]]", "[[socket.frame]]")
    );
    Dialect::parse("toy.toml", &text, &Choice::default()).map_err(|problems| problems.to_string())
}

fn client(shapes: &str, shape: &str) -> Dialect {
    let frame = format!("id = \"f\"\nfrom = \"client\"\nevent = \"message/*\"\nshape = \'\'\'{shape}\'\'\'");
    let socket = "[[socket]]\nid = \"s\"\npaths = [\"/ws\"]\nscope = \"everyone\"";
    dialect(&format!("{shapes}\n{socket}\n[[frame]]\n{frame}")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn written(set: &FrameSet, fields: &Fields<'_>) -> Vec<String> {
    set.write(fields, Audience::Sender).unwrap_or_else(|why| panic!("{why:?}"))
}

#[test]
fn elements_of_an_array_are_told_apart_by_their_place() {
    let dialect =
        client("", r#"{ "at": ["{location.latitude}", "{location.longitude}"], "ids": ["{attachment.token?}"] }"#);
    let set = &dialect.sockets[0].client;
    let read = set.read(r#"{"ids":["t1"],"at":[35.5,51]}"#).unwrap().fields;
    assert_eq!(read.get(Field::LocationLongitude), Some(&Value::Number(51.0)));
    assert_eq!(read.text(Field::AttachmentToken), Some("t1"));
    assert_eq!(written(set, &read), [r#"{"at":[35.5,51.0],"ids":["t1"]}"#]);
    let without = set.read(r#"{"at":[1,2],"ids":[]}"#).unwrap().fields;
    assert!(!without.has(Field::AttachmentToken));
    assert_eq!(written(set, &without), [r#"{"at":[1.0,2.0],"ids":[]}"#]);
    for (frame, reason, field) in [
        (r#"{"at":[1]}"#, Reason::Missing, Field::LocationLongitude),
        (r#"{"at":[1,2,3]}"#, Reason::Invalid, Field::LocationLatitude),
        (r#"{"at":[1,2],"ids":["a","b"]}"#, Reason::Invalid, Field::AttachmentToken),
        (r#"{"at":{"0":1}}"#, Reason::Missing, Field::LocationLatitude),
    ] {
        let fault = set.read(frame).unwrap_err();
        assert_eq!((fault.reason, fault.field), (reason, Some(field)), "{frame}");
    }
}

#[test]
fn json_in_a_text_is_read_written_and_changed_in_its_place() {
    let shapes = "[shapes]\npost = \'\'\'{ \"id\": \"{id}\", \"channel\": \"{conversation.id}\", \"message\": \"{body}\" }\'\'\'";
    let dialect = client(shapes, r#"{ "event": "posted", "post": "{. as post:text}" }"#);
    let set = &dialect.sockets[0].client;
    let frame = r#"{"event":"posted","post":"{\"id\":\"7\",\"channel\":\"c\",\"message\":\"a \\\"b\\\" \\u2713\"}"}"#;
    let read = set.read(frame).unwrap().fields;
    assert_eq!(read.text(Field::Body), Some("a \"b\" \u{2713}"));
    assert_eq!(read.kind(), Some(TEXT));
    let again = written(set, &read).remove(0);
    assert_eq!(set.read(&again).unwrap().fields, read);
    let spliced = set.splice(frame, &[(Field::ConversationId, Value::text("d"))]).unwrap();
    assert_eq!(spliced, frame.replace("\\\"c\\\"", "\\\"d\\\""));
    for (post, reason) in
        [("\"{\"", Reason::Invalid), ("{}", Reason::Invalid), ("\"[]\"", Reason::Invalid), ("null", Reason::Missing)]
    {
        let fault = set.read(&format!(r#"{{"event":"posted","post":{post}}}"#)).unwrap_err();
        assert_eq!(fault.reason, reason, "{post}");
    }
    // Keys that stand twice are refused there, too.
    let twice = r#"{"event":"posted","post":"{\"id\":\"7\",\"id\":\"8\",\"channel\":\"c\",\"message\":\"a\"}"}"#;
    assert_eq!(set.read(twice).unwrap_err().reason, Reason::Invalid);
}

#[test]
fn a_list_by_key_has_the_order_that_is_told_beside_it() {
    let shapes = "[shapes]\npost = { event = \"message/text\", shape = \'\'\'{ \"id\": \"{id}\", \"message\": \"{body}\" }\'\'\' }";
    let call = r#"
[[http]]
id = "h"
op = "history"
method = "GET"
paths = ["/h"]
answer = { status = 200, shape = '''{ "order": ["{each messages by id}"], "posts": "{each messages by id as post}" }''' }"#;
    let dialect = dialect(&format!("{shapes}\n{call}")).unwrap();
    let set = &dialect.calls[0].answer.shapes;
    let text = r#"{"order":["b","c","a"],"posts":{"a":{"id":"a","message":"1"},"b":{"id":"b","message":"2"},"c":{"id":"c","message":"3"}}}"#;
    let read = set.read(text).unwrap().fields;
    let bodies = |fields: &Fields<'_>| -> Vec<String> {
        fields.list(Field::Messages).iter().map(|record| record.text(Field::Body).unwrap().to_owned()).collect()
    };
    assert_eq!(bodies(&read), ["2", "3", "1"]);
    let again = written(set, &read).remove(0);
    assert_eq!(
        again,
        r#"{"order":["b","c","a"],"posts":{"b":{"id":"b","message":"2"},"c":{"id":"c","message":"3"},"a":{"id":"a","message":"1"}}}"#
    );
    // Those that the order does not name come last.
    let text = text.replace(r#""b","c","a""#, r#""c""#);
    let partly = set.read(&text).unwrap().fields;
    assert_eq!(bodies(&partly), ["3", "1", "2"]);
}

#[test]
fn an_id_that_ends_a_url_is_written_only_where_the_url_begins_so() {
    let dialect = client("[url_ends]\nfile_id = \"/files/\"", r#"{ "file": "{attachment.url:file_id}" }"#);
    let set = &dialect.sockets[0].client;
    let read = set.read(r#"{"file":"a1"}"#).unwrap().fields;
    assert_eq!(read.text(Field::AttachmentUrl), Some("/files/a1"));
    let mut fields = Fields::about(EventKind::Message(MessageKind::Image));
    fields.set_text(Field::AttachmentUrl, "https://h.example/files/b2");
    assert_eq!(written(set, &fields), [r#"{"file":"b2"}"#]);
    fields.set_text(Field::AttachmentUrl, "https://h.example/media/b2");
    assert!(set.write(&fields, Audience::Sender).is_err());
    assert_eq!(set.read(r#"{"file":"../b2"}"#).unwrap_err().reason, Reason::Invalid);
}

#[test]
fn a_frame_is_answered_and_refused_by_the_number_that_it_has() {
    let dialect = dialect(
        r#"
[[socket]]
id = "s"
paths = ["/ws"]
scope = "everyone"
[[frame]]
id = "typing"
from = "client"
event = "typing"
shape = '''{ "do": "type", "seq": "{frame.number}" }'''
[[frame]]
id = "ok"
from = "server"
to = ["origin"]
event = "typing"
shape = '''{ "ok": true, "reply": "{frame.number}" }'''
[[frame]]
id = "text"
from = "server"
event = "message/text"
shape = '''{ "text": "{body}", "seq": "{=frame.number|0}" }'''
before = ["first"]
then = ["again"]
[[frame]]
id = "first"
from = "server"
event = "message/text"
written = false
shape = '''{ "first": "{body}", "seq": "{=frame.number|0}" }'''
[[frame]]
id = "again"
from = "server"
event = "message/text"
shape = '''{ "again": "{body}", "seq": "{=frame.number|0}" }'''
[[frame]]
id = "error"
from = "server"
event = "error"
shape = '''{ "error": "{error.text}", "status": "{error.status}", "reason": "{error.reason}", "reply": "{frame.number?}" }'''
"#,
    )
    .unwrap();
    let socket = &dialect.sockets[0];
    let read = socket.client.read(r#"{"do":"type","seq":4}"#).unwrap();
    assert_eq!(socket.server.answer(&read.fields).as_deref(), Some(r#"{"ok":true,"reply":4}"#));
    let fault = Reason::Forbidden.into();
    let told = |number| dialect.refuse_numbered(socket, &fault, number).frame.unwrap();
    assert_eq!(told(Some(4)), r#"{"error":"Access denied","status":403,"reason":"forbidden","reply":4}"#);
    assert_eq!(told(None), r#"{"error":"Access denied","status":403,"reason":"forbidden"}"#);
    let mut fields = Fields::about(TEXT);
    fields.set_text(Field::Body, "a");
    fields.set(Field::FrameNumber, Value::Integer(7));
    assert!(socket.server.is_numbered && socket.client.is_numbered);
    assert_eq!(
        written(&socket.server, &fields),
        [r#"{"first":"a","seq":7}"#, r#"{"text":"a","seq":8}"#, r#"{"again":"a","seq":9}"#]
    );
}

#[test]
fn what_cannot_be_meant_is_named() {
    for (shape, words) in [
        (r#"{ "a": ["{body?}", "{id}"] }"#, "only the last element of an array may be left out"),
        (r#"{ "a": "{each messages as post}" }"#, "`each` without keys stands alone in an array"),
        (r#"{ "a": ["{each messages by id as post}"] }"#, "keys make an object: without the brackets"),
        (r#"{ "a": ["{each messages}"] }"#, "`each` wants `as` a shape, or `by` a field, or both"),
        (r#"{ "a": "{. as post:yaml}" }"#, "a shape is written as it is, or as `text`; not as `yaml`"),
        (r#"{ "a": "{body:file}" }"#, "no codec, enum or end of a URL is called `file`"),
    ] {
        let text = format!(
            "[url_ends]\nfile_id = \"/f/\"\n[shapes]\npost = \'\'\'{{ \"id\": \"{{id}}\" }}\'\'\'\n[[socket]]\nid = \"s\"\npaths = [\"/ws\"]\nscope = \"everyone\"\n[[frame]]\nid = \"f\"\nfrom = \"server\"\nevent = \"message/text\"\nshape = \'\'\'{shape}\'\'\'"
        );
        let problems = dialect(&text).err().unwrap_or_default();
        assert!(problems.contains(words), "{shape}: {problems}");
    }
}
