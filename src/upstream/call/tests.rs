//! Where a call goes, what its body is, and what its refusal means: by the dialects' files.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt;

use super::*;
use crate::dialect::{Dialect, builtin};

fn dialect(name: &str) -> Arc<Dialect> {
    builtin::find(name).expect("a dialect that is built in")
}

fn call<'a>(dialect: &'a Dialect, id: &str) -> &'a Call {
    dialect.calls.iter().find(|call| call.id == id).expect("a call of the dialect")
}

fn about(pairs: &[(Field, &str)]) -> Fields<'static> {
    let mut fields = Fields::new();
    for (field, text) in pairs {
        fields.set_text(*field, (*text).to_owned());
    }
    fields
}

#[test]
fn a_path_holds_one_segment_for_each_name() {
    let dialect = dialect("andromedia");
    let history = call(&dialect, "history");
    for (id, path) in [
        ("a", Some("/chat/history/a/")),
        ("a/b", Some("/chat/history/a%2Fb/")),
        ("a?b#c&d=e%2f", Some("/chat/history/a%3Fb%23c%26d%3De%252f/")),
        ("a\r\nb", Some("/chat/history/a%0D%0Ab/")),
        ("..%2f", Some("/chat/history/..%252f/")),
        ("..", None),
        (".", None),
        ("", None),
    ] {
        assert_eq!(path_of(history, &about(&[(Field::ConversationId, id)]), None).as_deref(), path, "{id:?}");
    }
    assert_eq!(path_of(history, &Fields::new(), None), None, "nothing to fill it with");
}

#[test]
fn a_query_holds_what_it_is_given_and_no_more() {
    let pairs = [("a", "1 2&b=3#/?%".to_owned()), ("c", String::new())];
    assert_eq!(with_query("/p".to_owned(), pairs.into_iter()), "/p?a=1%202%26b%3D3%23%2F%3F%25&c=");
    assert_eq!(with_query("/p".to_owned(), [].into_iter()), "/p");
}

#[test]
fn the_kind_of_a_file_is_the_word_of_the_dialect() {
    let dialect = dialect("divar");
    let upload = call(&dialect, "upload");
    let path = |kind| path_of(upload, &Fields::new(), kind);
    assert_eq!(path(Some(MessageKind::Audio)).as_deref(), Some("/upload/voice"));
    assert_eq!(path(Some(MessageKind::Location)), None);
    assert_eq!(path(None), None);
}

async fn form(name: &str, mime: &str, caption: &str) -> (HeaderMap, String) {
    let dialect = dialect("frontdesk");
    let upload = call(&dialect, "upload");
    let chunks = stream::iter([Ok(Bytes::from("one ")), Ok(Bytes::from("two"))]).boxed();
    let file = Outgoing { name: name.to_owned(), mime: mime.to_owned(), size: Some(7), chunks };
    let mut headers = HeaderMap::new();
    let fields = about(&[(Field::ConversationId, "101"), (Field::Body, caption)]);
    let body = body::of(&dialect.types, upload, &fields, Some((MessageKind::Image, file)), &mut headers)
        .expect("it can be written");
    let bytes = body.collect().await.expect("its source does not fail").to_bytes();
    (headers, String::from_utf8(bytes.to_vec()).expect("a text"))
}

#[tokio::test]
async fn a_form_has_the_length_that_it_says() {
    let (headers, body) = form("a.png", "image/png", "look").await;
    assert_eq!(headers[CONTENT_LENGTH], body.len().to_string());
    let kind = headers[CONTENT_TYPE].to_str().expect("a text");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    assert_eq!(parts.len(), 5, "three parts, what stands before and after: {body}");
    assert!(parts[1].ends_with("name=\"conversation_id\"\r\n\r\n101\r\n"), "{body}");
    assert!(parts[2].ends_with("\r\nContent-Type: image/png\r\n\r\none two\r\n"), "{body}");
    assert_eq!(parts[4], "--\r\n");
}

#[tokio::test]
async fn a_form_cannot_be_broken_by_what_is_in_it() {
    let (headers, body) = form("a\"\r\nX: y.png", "image/png\r\nX: y", "b\r\n--dragoman").await;
    assert_eq!(headers[CONTENT_LENGTH], body.len().to_string());
    assert!(body.contains("filename=\"a%22%0D%0AX: y.png\"\r\nContent-Type: application/octet-stream\r\n"), "{body}");
}

/// The reason, whether the client did it, and the words that are passed on.
fn refused(name: &str, id: &str, status: u16, body: &str, forwarded: bool) -> (Reason, Option<String>) {
    let dialect = dialect(name);
    let fault = refusal::of_call(&dialect, call(&dialect, id), status, body, forwarded);
    (fault.reason, fault.words.map(|words| words.to_string()))
}

#[test]
fn a_refusal_is_told_by_its_words_then_its_code_then_its_status() {
    let cases = [
        ("andromedia", "history", 404, r#"{"message":"Session not found."}"#, Reason::ConversationNotFound, None),
        ("andromedia", "history", 400, r#"{"message":"Odd."}"#, Reason::Invalid, Some("Odd.")),
        (
            "frontdesk",
            "upload",
            400,
            r#"{"error":"File size exceeds 10MB limit","success":false,"message":"File size exceeds 10MB limit"}"#,
            Reason::TooLarge,
            None,
        ),
        ("luxmart", "claim", 409, "{}", Reason::Conflict, None),
        ("divar", "send", 412, r#"{"code":9,"message":"no","details":[]}"#, Reason::Ended, Some("no")),
        ("divar", "send", 400, r#"{"code":3,"message":"no","details":[]}"#, Reason::Invalid, Some("no")),
        ("divar", "send", 404, r#"{"code":5,"message":"no","details":[]}"#, Reason::ConversationNotFound, Some("no")),
        ("divar", "send", 429, r#"{"code":8,"message":"slowly","details":[]}"#, Reason::RateLimited, Some("slowly")),
        ("divar", "send", 503, "not JSON", Reason::Upstream, None),
        ("andromedia", "history", 500, r#"{"message":"Traceback: secret"}"#, Reason::Upstream, None),
        ("andromedia", "history", 302, "", Reason::Upstream, None),
        ("andromedia", "history", 413, "<html>", Reason::TooLarge, None),
    ];
    for (name, id, status, body, reason, words) in cases {
        let expected = (reason, words.map(str::to_owned));
        assert_eq!(refused(name, id, status, body, false), expected, "{name} {id} {status} {body}");
    }
}

#[test]
fn who_refuses_the_gateways_credential_does_not_refuse_the_client() {
    for status in [401, 403] {
        let ours = refused("andromedia", "history", status, r#"{"message":"Invalid token."}"#, false);
        let theirs = refused("andromedia", "history", status, r#"{"message":"Invalid token."}"#, true);
        if status == 401 {
            assert_eq!((ours.0, ours.1), (Reason::Upstream, None), "its words are about the gateway");
            assert_eq!(theirs.0, Reason::Unauthorized);
        } else {
            assert_eq!(theirs.0, Reason::Forbidden, "known, and not allowed");
        }
    }
    assert_eq!(refusal::of_handshake(401, false), Reason::Upstream);
    assert_eq!(refusal::of_handshake(401, true), Reason::Unauthorized);
}

#[test]
fn words_that_are_passed_on_are_short() {
    let body = format!(r#"{{"message":"{}"}}"#, "x".repeat(100_000));
    let (_, words) = refused("andromedia", "history", 400, &body, true);
    assert_eq!(words.map(|words| words.len()), Some(200));
}
