//! The table of bad frames, and of bad bodies where messages are calls.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::harness::{DIALECTS, Gateway};
use super::place::{BOB, CONVERSATIONS, Place, Reply};

/// Bad in every dialect: what it is called, and the bytes.
fn everywhere() -> Vec<(&'static str, String)> {
    vec![
        ("nothing", String::new()),
        ("spaces", "   ".to_owned()),
        ("a brace", "{".to_owned()),
        ("no JSON", "hello".to_owned()),
        ("null", "null".to_owned()),
        ("true", "true".to_owned()),
        ("a number", "42".to_owned()),
        ("a text", "\"text\"".to_owned()),
        ("an array", "[]".to_owned()),
        ("an array of objects", "[{\"type\":\"text\",\"action\":\"text_message\"}]".to_owned()),
        ("an object without members", "{}".to_owned()),
        ("unknown members", "{\"x\":1}".to_owned()),
        ("deep arrays", "[".repeat(20_000)),
        ("deep arrays, closed", format!("{}{}", "[".repeat(20_000), "]".repeat(20_000))),
        ("deep objects", "{\"a\":".repeat(5_000)),
        ("unknown type", "{\"type\":\"dance\",\"action\":\"dance\"}".to_owned()),
        ("type of another type", "{\"type\":7,\"action\":7,\"message\":7}".to_owned()),
        ("a number that does not fit", "{\"type\":1e999,\"action\":1e999,\"message\":1e999}".to_owned()),
        ("half a surrogate", "{\"type\":\"\\ud800\",\"action\":\"\\ud800\",\"message\":\"\\ud800\"}".to_owned()),
        ("a byte order mark", "\u{feff}{}".to_owned()),
        ("control characters", "{\"type\":\"te\u{1}xt\"}".to_owned()),
        ("a comment", "/* */{}".to_owned()),
        ("single quotes", "{'type':'text'}".to_owned()),
    ]
}

/// Bad because of what a good message of the dialect looks like.
fn made_from_good(place: &Place) -> Vec<(String, String)> {
    let good = place.message("never seen");
    let mut cases = Vec::new();
    for cut in [1, good.len() / 2, good.len() - 1] {
        cases.push((format!("cut after {cut} bytes"), good[..cut].to_owned()));
    }
    cases.push(("followed by more".to_owned(), format!("{good}{good}")));
    cases.push(("followed by a comma".to_owned(), format!("{good},")));
    // The text of the message is replaced by what is none.
    for wrong in [json!(7), json!(true), json!({ "a": 1 }), json!(["never seen"]), Value::Null] {
        cases.push((format!("text is {wrong}"), place.message_of(&wrong)));
    }
    cases.push(("no text".to_owned(), place.message("")));
    // Two answers to one question: which one counts must not be left to chance.
    cases.push(("a member twice".to_owned(), good.replacen('{', &format!("{{{},", &good[1..good.len() - 1]), 1)));
    cases
}

/// Bad by the rules of one dialect.
fn of_dialect(dialect: &str) -> Vec<(&'static str, Value)> {
    let foreign = "http://127.0.0.1:1/media/chat/x.pdf";
    match dialect {
        "frontdesk" => vec![
            ("unknown conversation", json!({ "type": "text", "conversation_id": 999, "content": "x" })),
            ("no conversation", json!({ "type": "text", "content": "x" })),
            ("conversation of a wrong type", json!({ "type": "text", "conversation_id": [123], "content": "x" })),
            ("conversation that is a fraction", json!({ "type": "text", "conversation_id": 12.5, "content": "x" })),
            ("conversation below zero", json!({ "type": "text", "conversation_id": -1, "content": "x" })),
            ("conversation like a path", json!({ "type": "text", "conversation_id": "../123", "content": "x" })),
            ("media without a link", json!({ "type": "media", "conversation_id": 123 })),
            (
                "media of a foreign link",
                json!({ "type": "media", "conversation_id": 123, "file_url": foreign, "filename": "x.pdf", "file_type": "document" }),
            ),
            (
                "media of an unknown kind",
                json!({ "type": "media", "conversation_id": 123, "file_url": foreign, "filename": "x.pdf", "file_type": "smell" }),
            ),
        ],
        "andromedia" => vec![
            ("a file without a link", json!({ "type": "file", "is_audio": false })),
            ("a foreign link", json!({ "type": "file", "file": foreign, "is_audio": false })),
            ("a link of a wrong type", json!({ "type": "file", "file": 7, "is_audio": false })),
            ("an end that is not a client's", json!({ "type": "session_ended", "message": "x" })),
        ],
        "licomed" => vec![
            (
                "unknown receiver",
                json!({ "action": "text_message", "message_body": "x", "receiver_id": "00000000-0000-4000-8000-000000000000" }),
            ),
            (
                "receiver that is no uuid",
                json!({ "action": "text_message", "message_body": "x", "receiver_id": "bob" }),
            ),
            ("no receiver", json!({ "action": "text_message", "message_body": "x" })),
            (
                "to oneself",
                json!({ "action": "text_message", "message_body": "x", "receiver_id": super::place::ALICE }),
            ),
            ("unknown chat_id", json!({ "action": "file_message", "chat_id": 4711 })),
            ("chat_id of a wrong type", json!({ "action": "file_message", "chat_id": { "id": 1 } })),
            (
                "chat_id that does not fit",
                json!({ "action": "file_message", "chat_id": 99_999_999_999_999_999_999_f64 }),
            ),
            (
                "profile of nobody",
                json!({ "action": "user_profile_message", "receiver_id": BOB, "attached_profile_id": "nobody" }),
            ),
            ("a server's word", json!({ "action": "conf_message", "message": "x", "receiver_id": BOB })),
        ],
        "divar" => vec![
            ("neither text nor media", json!({})),
            ("unknown media token", json!({ "message": "", "media_token": "nonsense" })),
            ("media token of a wrong type", json!({ "message": "", "media_token": 7 })),
        ],
        "luxmart" => vec![
            ("no payload", json!({ "type": "message" })),
            ("payload of a wrong type", json!({ "type": "message", "payload": "x" })),
            ("neither text nor attachment", json!({ "type": "message", "payload": {} })),
        ],
        other => unreachable!("no dialect {other}"),
    }
}

#[tokio::test]
async fn bad_frames_are_refused_in_the_dialects_own_words() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let mut place = Place::open(&gateway, dialect).await;
        let mut cases: Vec<(String, String)> =
            everywhere().into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
        cases.extend(made_from_good(&place));
        cases.extend(of_dialect(dialect).into_iter().map(|(name, json)| (name.to_owned(), json.to_string())));

        let mut good = Vec::new();
        let mut wrong = Vec::new();
        for (name, text) in cases {
            let reply = place.offer(&gateway, Message::text(text)).await;
            if !place.refuses(&reply) {
                wrong.push(format!("{name}: {reply:?}"));
            }
            if matches!(reply, Reply::Closed(_)) {
                place.reopen(&gateway).await;
            }
            let text = format!("good after {name}");
            place.confirmed(&gateway, &text).await;
            good.push(text);
        }
        assert!(wrong.is_empty(), "{dialect} did not refuse:\n{}", wrong.join("\n"));
        assert_eq!(place.history(&gateway).await, good, "{dialect}: the history");
    }
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn binary_frames_are_refused() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for mut place in Place::all(&gateway).await.into_iter().filter(Place::has_socket) {
        for bytes in [Vec::new(), vec![0xff, 0x00, 0xfe], place.message("in a binary frame").into_bytes()] {
            let reply = place.offer(&gateway, Message::binary(bytes)).await;
            assert!(place.refuses(&reply), "{}: {reply:?}", place.dialect);
        }
        place.confirmed(&gateway, "after binary frames").await;
        assert_eq!(place.history(&gateway).await, ["after binary frames"]);
    }
    assert!(gateway.is_alive());
}

/// The documents say no limit of a frame; the config does. A longer one is refused, or the socket closes with 1009.
#[tokio::test]
async fn frames_over_the_limit_end_nothing_but_their_socket() {
    let limits = |_: &str| "limits = { frame = \"16KiB\" }".to_owned();
    let mut gateway = Gateway::start_with(CONVERSATIONS, limits).await;
    for mut place in Place::all(&gateway).await {
        place.confirmed(&gateway, "before").await;
        for length in [16 * 1024 + 1, 1 << 20, 8 << 20] {
            let long = "x".repeat(length);
            let reply = place.offer(&gateway, Message::text(place.message(&long))).await;
            match reply {
                Reply::Closed(1009) => place.reopen(&gateway).await,
                // The reset of a connection that was closed with bytes unread can overtake the close frame.
                Reply::Closed(1006) if length > 1 << 20 => place.reopen(&gateway).await,
                Reply::Answer(413, ref body) => assert!(super::place::is_refusal(place.dialect, body), "{body}"),
                ref reply => assert!(place.refuses(reply), "{}: {reply:?}", place.dialect),
            }
        }
        place.confirmed(&gateway, "after").await;
        assert_eq!(place.history(&gateway).await, ["before", "after"], "{}", place.dialect);
    }
    assert!(gateway.is_alive());
}
