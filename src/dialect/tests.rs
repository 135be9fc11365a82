//! The engine on small dialects of its own: one construct a test.

use super::*;
use crate::event::{EventKind, Field, Fields, MessageKind, Value};
use crate::fault::Reason;

fn dialect(body: &str) -> Dialect {
    let text = format!("name = \"toy\"\nsummary = \"for tests\"\nsource = \"none\"\n{body}");
    Dialect::parse("toy.toml", &text, &Choice::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn mistakes(body: &str) -> String {
    let text = format!("name = \"toy\"\nsummary = \"for tests\"\nsource = \"none\"\n{body}");
    match Dialect::parse("toy.toml", &text, &Choice::default()) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

/// A socket with one client frame of this shape.
fn one_frame(event: &str, shape: &str, more: &str) -> Dialect {
    dialect(&format!(
        "[ids]\nmessage = \"int\"\nconversation = \"int\"\n[[socket]]\nid = \"chat\"\npaths = [\"/ws\"]\nscope = \"party\"\n\
         [[socket.frame]]\nid = \"one\"\nfrom = \"client\"\nevent = \"{event}\"\nshape = '''{shape}'''\n{more}"
    ))
}

fn read<'a>(dialect: &'a Dialect, text: &'a str) -> Result<Fields<'a>, (Reason, Option<Field>)> {
    dialect.sockets[0].client.read(text).map(|read| read.fields).map_err(|fault| (fault.reason, fault.field))
}

#[test]
fn constants_and_holes() {
    let toy = one_frame("message/text", r#"{"type":"text","room":"{conversation.id}","words":"{body:trim}"}"#, "");
    let fields =
        read(&toy, r#"{"words":"  hi ","extra":[1,{"a":2}],"room":"7","type":"text"}"#).expect("a frame of this shape");
    assert_eq!(fields.kind(), Some(EventKind::Message(MessageKind::Text)));
    assert_eq!(fields.text(Field::Body), Some("hi"));
    assert_eq!(fields.get(Field::ConversationId), Some(&Value::Integer(7)));
    let written = toy.sockets[0].client.write(&fields, Audience::Receiver).expect("all is there");
    assert_eq!(written, [r#"{"type":"text","room":7,"words":"hi"}"#]);
}

#[test]
fn refusals_name_reason_and_field() {
    let toy = one_frame("message/text", r#"{"type":"text","room":"{conversation.id}","words":"{body}"}"#, "");
    assert_eq!(read(&toy, r#"{"type":"text","words":"x"}"#), Err((Reason::Missing, Some(Field::ConversationId))));
    assert_eq!(
        read(&toy, r#"{"type":"text","room":1.5,"words":"x"}"#),
        Err((Reason::Invalid, Some(Field::ConversationId)))
    );
    assert_eq!(read(&toy, r#"{"type":"text","room":1,"words":2}"#), Err((Reason::Invalid, Some(Field::Body))));
    assert_eq!(read(&toy, r#"{"type":"other"}"#), Err((Reason::UnknownAction, None)));
    assert_eq!(read(&toy, r#"[1]"#), Err((Reason::UnknownAction, None)));
    assert_eq!(read(&toy, r#"{"type":"text","#), Err((Reason::Malformed, None)));
}

#[test]
fn duplicate_keys_are_refused_wherever_they_stand() {
    let toy = one_frame("message/text", r#"{"words":"{body}","in":{"x":"{reason?}"}}"#, "");
    for text in [
        r#"{"words":"a","words":"b","in":{}}"#,
        r#"{"words":"a","in":{},"z":1,"z":2}"#,
        r#"{"words":"a","in":{"x":"1","x":"2"}}"#,
        r#"{"words":"a","in":{},"deep":[{"q":{"r":1,"r":1}}]}"#,
    ] {
        assert_eq!(read(&toy, text), Err((Reason::Malformed, None)), "{text}");
    }
    assert!(read(&toy, r#"{"words":"a","in":{},"z":{"words":1}}"#).is_ok(), "the same key elsewhere is no duplicate");
}

#[test]
fn depth_and_numbers_are_bounded() {
    let toy = one_frame("message/text", r#"{"words":"{body}","n":"{attachment.size?}"}"#, "");
    let deep = format!(r#"{{"words":"a","d":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    assert_eq!(read(&toy, &deep), Err((Reason::Malformed, None)));
    for number in ["1e3", "9223372036854775808", "1.0", "-9223372036854775809", "\"007\"", "\"\"", "true"] {
        let text = format!(r#"{{"words":"a","n":{number}}}"#);
        assert_eq!(read(&toy, &text), Err((Reason::Invalid, Some(Field::AttachmentSize))), "{number}");
    }
    let text = r#"{"words":"a","n":"9223372036854775807"}"#;
    assert_eq!(read(&toy, text).expect("fits").integer(Field::AttachmentSize), Some(i64::MAX));
}

#[test]
fn optional_members_and_stand_ins() {
    let toy = one_frame(
        "message/*",
        r#"{"a":"{body?}","b":"{reason|null}","c":"{attachment.url|''}","d":"{_|7}","e":"{_?}","f":"{sender.name|sender.id}"}"#,
        "",
    );
    let mut fields = Fields::about(EventKind::Message(MessageKind::Text));
    fields.set_text(Field::SenderId, "ann");
    let set = &toy.sockets[0].client;
    let written = set.write(&fields, Audience::Sender).expect("nothing is missing");
    assert_eq!(written, [r#"{"b":null,"c":"","d":7,"f":"ann"}"#]);
    let read = set.read(&written[0]).expect("its own frame");
    assert!(!read.fields.has(Field::AttachmentUrl) && !read.fields.has(Field::Reason), "stand-ins read as absent");
    fields.set_text(Field::Body, "x");
    fields.set_text(Field::AttachmentUrl, "/u");
    let written = set.write(&fields, Audience::Sender).expect("nothing is missing");
    assert_eq!(written, [r#"{"a":"x","b":null,"c":"/u","d":7,"f":"ann"}"#]);
}

#[test]
fn the_first_fault_is_the_first_in_order() {
    let toy = one_frame(
        "message/text",
        r#"{"a":"{body}","b":"{reason}","c":"{conversation.id}"}"#,
        "order = [\"conversation.id\", \"reason\"]\nrequired = { \"reason\" = \"say why\" }\n",
    );
    assert_eq!(read(&toy, "{}"), Err((Reason::Missing, Some(Field::ConversationId))));
    let fault =
        toy.sockets[0].client.read(r#"{"c":1,"b":""}"#).expect_err("empty counts as missing where there are words");
    assert_eq!((fault.field, fault.words.as_deref()), (Some(Field::Reason), Some("say why")));
}

#[test]
fn enums_lists_and_records() {
    let toy = dialect(
        r#"
[enums.sound]
write = { audio = true }
other = false
read = { false = "document" }
[shapes]
words = { event = "message/text", shape = '''{"t":"w","body":"{body}"}''' }
file = { event = "message/file", shape = '''{"t":"f","url":"{attachment.url}","sound":"{kind:sound}"}''' }
item = { one_of = ["words", "file"] }
who = '''{"id":"{id}","name":"{name|''}"}'''
[[http]]
id = "history"
op = "history"
method = "GET"
paths = ["/h/{conversation.id}/"]
answer = { status = 200, shape = '''{"items":["{each messages as item}"],"last":"{last_message as item|null}","by":"{sender as who}"}''' }
"#,
    );
    let text = r#"{"items":[{"t":"w","body":"a"},{"t":"f","url":"/x","sound":true},{"t":"f","url":"/y","sound":false}],"last":null,"by":{"id":"u","name":""}}"#;
    let answer = &toy.calls[0].answer.shapes;
    let read = answer.read(text).expect("its own answer");
    let kinds: Vec<_> = read.fields.list(Field::Messages).iter().map(|item| item.message_kind()).collect();
    assert_eq!(kinds, [Some(MessageKind::Text), Some(MessageKind::Audio), Some(MessageKind::Document)]);
    assert_eq!(read.fields.text(Field::SenderId), Some("u"));
    assert_eq!(answer.write(&read.fields, Audience::Receiver).expect("all is there"), [text]);
}

#[test]
fn every_mistake_is_named_with_its_place() {
    let found = mistakes(
        r#"
[[socket]]
id = "chat"
paths = ["/ws"]
scope = "everybody"
colour = 1
[[socket.frame]]
id = "one"
from = "client"
event = "message/txt"
shape = '''{"a":"{bodi}","b":"{body:tirm}","c":}'''
[[socket.frame]]
id = "two"
from = "client"
event = "message/text"
shape = '''{"a":"{bodi}","b":"{body:tirm}"}'''
"#,
    );
    for expected in [
        "toy.toml:8:9: no scope is called `everybody`",
        "toy.toml:9:1: unknown key `colour`",
        "toy.toml:13:9: no event is called `message/txt`",
        "toy.toml:14:48: not JSON",
        "toy.toml:19:17: no field is called `bodi`\n  help: did you mean `body`?",
        "toy.toml:19:30: no codec, enum or end of a URL is called `tirm`\n  help: did you mean `trim`?",
    ] {
        assert!(found.contains(expected), "{expected}\nis not in\n{found}");
    }
}

#[test]
fn a_path_that_cannot_be_redacted_is_a_mistake() {
    let found = mistakes("redact = [\"$..password\", \"$.a.b\"]\n");
    let expected =
        "toy.toml:4:26: `$.a.b` cannot be redacted\n  help: a member of any object, wherever it stands: \"$..name\"";
    assert_eq!(found, expected);
}

#[test]
fn a_shape_that_can_never_be_read_is_a_mistake() {
    let found = mistakes(
        r#"
[[socket]]
id = "chat"
paths = ["/ws"]
scope = "party"
[[socket.frame]]
id = "any"
from = "client"
event = "message/text"
shape = '''{"type":"text","a":"{body?}"}'''
[[socket.frame]]
id = "never"
from = "client"
event = "message/text"
shape = '''{"type":"text","a":"{body}"}'''
"#,
    );
    assert!(found.contains("frame `never` is never read"), "{found}");
}

#[test]
fn a_frame_for_all_messages_has_no_form_for_what_it_has_no_place_for() {
    let about = |kind| Some(EventKind::Message(kind));
    for name in ["divar", "luxmart"] {
        let dialect = builtin::find(name).unwrap();
        let sends = dialect.calls.iter().filter_map(|call| match &call.request {
            Request::Json(set) if call.op == Op::Send && call.written => Some(set),
            _ => None,
        });
        let mut seen = 0;
        for set in sends {
            for kind in MessageKind::ALL {
                let wanted = kind.is_file() || matches!(kind, MessageKind::Text | MessageKind::System);
                assert_eq!(set.has_form(about(*kind)), wanted, "{name}: {kind:?}");
                seen += 1;
            }
        }
        assert!(seen > 0, "{name} sends nothing");
    }
}

#[test]
fn every_builtin_file_is_without_mistakes() {
    for (name, text) in builtin::BUILTIN.iter().chain(builtin::OUTWARD) {
        if let Err(problems) = Dialect::parse(&format!("dialects/{name}.toml"), text, &Choice::default()) {
            panic!("{problems}");
        }
    }
    assert_eq!(builtin::all().len(), builtin::BUILTIN.len());
}

const VARIANTS: &str = r#"
[ids]
message = "int"
conversation = "int"
[options]
loud = false
[[socket]]
id = "chat"
paths = ["/ws"]
scope = "party"
[[socket.frame]]
id = "plain"
from = "server"
event = "message/text"
shape = '''{ "plain": "{body}" }'''
[[socket.frame]]
id = "ack"
from = "server"
event = "receipt"
to = ["origin"]
written = false
set = { "receipt.status" = "sent" }
shape = '''{ "ack": "{id}" }'''
[[socket.frame]]
id = "rich"
from = "server"
event = "message/text"
written = false
before = ["ack"]
then = ["update"]
shape = '''{ "rich": "{body}" }'''
[[socket.frame]]
id = "update"
from = "server"
event = "none"
shape = '''{ "type": "update", "words": "{body:head_3} of {sender.role:side}, {conversation.department:folded}" }'''
[[socket.frame]]
id = "read"
from = "server"
event = "receipt"
to = ["origin"]
set = { "receipt.status" = "read" }
shape = '''{ "read": "{conversation.id}" }'''
[enums.side]
write = { staff = "us" }
other = "them"
[variant.rich]
[variant.rich.options]
loud = true
[[variant.rich.socket]]
id = "chat"
confirm = "frame"
[[variant.rich.frame]]
id = "rich"
written = true
[[variant.rich.frame]]
id = "plain"
written = false
[variant.both]
like = "rich"
[[variant.both.frame]]
id = "rich"
then = ["update", "plain"]
"#;

fn variant(name: Option<&str>) -> Dialect {
    let text = format!("name = \"toy\"\nsummary = \"for tests\"\nsource = \"none\"\n{VARIANTS}");
    let choice = Choice { variant: name.map(str::to_owned), ..Choice::default() };
    Dialect::parse("toy.toml", &text, &choice).unwrap_or_else(|problems| panic!("{problems}"))
}

fn hello() -> Fields<'static> {
    let mut fields = Fields::about(EventKind::Message(MessageKind::Text));
    fields.set_text(Field::Id, "7");
    fields.set_text(Field::Body, "hello");
    fields.set_text(Field::SenderRole, "staff");
    fields.set_text(Field::ConversationDepartment, "Room Service");
    fields
}

#[test]
fn a_variant_changes_what_it_names_and_nothing_else() {
    let (plain, rich, both) = (variant(None), variant(Some("rich")), variant(Some("both")));
    assert_eq!((&*plain.name, &*rich.name, &*both.name), ("toy", "toy@rich", "toy@both"));
    assert!(!plain.flag("loud") && rich.flag("loud") && both.flag("loud"));
    assert_eq!((plain.sockets[0].confirm, rich.sockets[0].confirm), (Confirm::Echo, Confirm::Frame));
    assert_eq!(rich.sockets[0].paths, ["/ws"], "what is not named stays");
    let said =
        |dialect: &Dialect, audience| dialect.sockets[0].server.write(&hello(), audience).expect("it has a form");
    assert_eq!(said(&plain, Audience::Receiver), [r#"{"plain":"hello"}"#]);
    let update = r#"{"type":"update","words":"hel of us, room_service"}"#;
    assert_eq!(said(&rich, Audience::Receiver), [r#"{"rich":"hello"}"#, update]);
    assert_eq!(said(&both, Audience::Sender), [r#"{"rich":"hello"}"#, update, r#"{"plain":"hello"}"#]);
}

#[test]
fn the_socket_that_said_it_alone_is_told_that_it_was_taken() {
    let rich = variant(Some("rich"));
    let server = &rich.sockets[0].server;
    let mine = server.write(&hello(), Audience::Origin).expect("it has a form");
    assert_eq!(mine.first().map(String::as_str), Some(r#"{"ack":7}"#), "before the message");
    assert_eq!(mine.len(), 3);
    assert_eq!(server.write(&hello(), Audience::Sender).expect("it has a form").len(), 2);
    let mut read = Fields::about(EventKind::Receipt);
    read.set_text(Field::ConversationId, "3");
    read.set_text(Field::ReceiptStatus, "read");
    assert_eq!(server.answer(&read).as_deref(), Some(r#"{"read":3}"#));
    for audience in [Audience::Origin, Audience::Sender, Audience::Receiver] {
        assert_eq!(server.write(&read, audience), Err(Unwritable::NoShape), "as news it is for nobody");
    }
    assert_eq!(server.answer(&hello()), None, "a message is confirmed by its own frames");
}

#[test]
fn what_is_only_read_is_understood_in_every_variant() {
    for name in [None, Some("rich"), Some("both")] {
        let dialect = variant(name);
        let server = &dialect.sockets[0].server;
        let heard = |text| server.read(text).map(|read| read.fields.kind());
        assert_eq!(heard(r#"{"ack":7}"#), Ok(Some(EventKind::Receipt)));
        assert_eq!(heard(r#"{"rich":"x"}"#), Ok(Some(EventKind::Message(MessageKind::Text))));
        assert_eq!(heard(r#"{"type":"update"}"#), Ok(None), "known, and about nothing");
    }
}

#[test]
fn a_wrong_variant_is_a_mistake_with_its_place() {
    let mistakes = |variant: &str| {
        let text = format!("name = \"toy\"\nsummary = \"for tests\"\nsource = \"none\"\n{VARIANTS}{variant}");
        let choice = Choice { variant: Some("last".to_owned()), ..Choice::default() };
        Dialect::parse("toy.toml", &text, &choice).map(|_| ()).expect_err("a mistake").to_string()
    };
    assert!(mistakes("").contains("no variant `last`"));
    assert!(mistakes("[variant.last]\nlike = \"both\"").contains("`both` is itself like another"));
    assert!(mistakes("[variant.last]\nlike = \"nothing\"").contains("no variant `nothing`"));
    assert!(mistakes("[variant.last]\nremove = [\"frame.nothing\"]").contains("`frame.nothing` is not there"));
    assert!(mistakes("[variant.last]\n[[variant.last.socket]]\nid = \"chat\"\nconfirm = \"maybe\"").contains("maybe"));
}

#[test]
fn words_that_only_repeat_what_stands_in_for_them_were_not_there() {
    let toy = one_frame("message/document", r#"{"text":"{body|attachment.name}","name":"{attachment.name}"}"#, "");
    assert_eq!(read(&toy, r#"{"text":"a.pdf","name":"a.pdf"}"#).map(|fields| fields.has(Field::Body)), Ok(false));
    let said = read(&toy, r#"{"text":"Menu","name":"a.pdf"}"#).expect("of this shape");
    assert_eq!(said.text(Field::Body), Some("Menu"));
}

#[test]
fn a_file_is_declared_as_its_server_wants_it() {
    let toy = dialect(
        "[types.video]\nmax = \"1MiB\"\nextensions = { mov = \"video/quicktime\" }\n\
         declared = { \"video/quicktime\" = \"video/mov\" }",
    );
    assert_eq!(toy.types.declared(MessageKind::Video, "video/quicktime"), "video/mov");
    assert_eq!(toy.types.declared(MessageKind::Video, "video/mp4"), "video/mp4");
    assert_eq!(toy.types.declared(MessageKind::Image, "video/quicktime"), "video/quicktime");
}
