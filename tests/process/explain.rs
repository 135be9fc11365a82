//! `dragoman explain` as it is used: a frame or a body on standard input, lines or an object on standard output, why not on
//! standard error, and an exit code.

use std::io::Write;
use std::process::{Command, Stdio};

const CONFIG: &str = r#"
[upstreams.clinic]
dialect = "licomed"
http = "http://127.0.0.1:8000"
credential = { kind = "forward" }

[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "shops"
dialect = "luxmart"
to = "hub"
auth = { kind = "none" }

[[routes]]
name = "market"
dialect = "divar"
to = "hub"
auth = { kind = "tokens", tokens = [{ token = "0123456789abcdef", party = "app" }] }

[[routes]]
name = "patients"
dialect = "luxmart"
prefix = "/patients"
to = "clinic"
auth = { kind = "none" }
"#;

struct Ended {
    code: Option<i32>,
    data: String,
    talk: String,
}

fn explain(arguments: &[&str], said: &[u8]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("routes.toml");
    std::fs::write(&config, CONFIG).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dragoman"));
    command.arg("explain").arg("--config").arg(&config).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
    let mut input = child.stdin.take().unwrap();
    let said = said.to_vec();
    // It may end before it has read everything, and what it says must be read meanwhile.
    let writing = std::thread::spawn(move || drop(input.write_all(&said)));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    Ended {
        code: output.status.code(),
        data: String::from_utf8(output.stdout).unwrap(),
        talk: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_frame_to_the_hub_is_heard_in_every_dialect_there() {
    let said = br#"{"type":"text","conversation_id":7,"content":"two towels"}"#;
    let ended = explain(&["--route", "staff"], said);
    assert_eq!((ended.code, ended.talk.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.data.lines().collect();
    for line in [
        "said on staff, in frontdesk",
        "  ✓ socket.chat text",
        "  · socket.chat typing: `type` is not \"typing\"",
        "event message/text",
        "frontdesk: socket.chat chat_text",
        "luxmart: socket.store message_text",
        "divar: webhook.text text",
        "  examples here: id, sent_at",
    ] {
        assert!(lines.contains(&line), "{line}\nis not in\n{}", ended.data);
    }
    assert_eq!(ended.data.matches("two towels").count(), 4, "the event and three frames: {}", ended.data);
    assert!(!ended.data.contains("licomed"), "it is no dialect of the hub: {}", ended.data);
}

#[test]
fn a_frame_to_an_upstream_and_back_as_data() {
    let said = br#"{"type":"message","payload":{"session_id":7,"content":"hi"}}"#;
    let ended = explain(&["--route", "patients", "--format", "json"], said);
    assert_eq!((ended.code, ended.talk.as_str()), (Some(0), ""));
    let found: serde_json::Value = serde_json::from_str(&ended.data).unwrap();
    assert_eq!((&found["heard"][0]["dialect"], &found["heard"][1]), (&"licomed".into(), &serde_json::Value::Null));
    assert_eq!(found["heard"][0]["frames"][0]["message_body"], "hi");
    let said = found["heard"][0]["frames"][0].to_string();
    let ended = explain(&["--route", "patients", "--from", "upstream"], said.as_bytes());
    assert_eq!(ended.code, Some(1), "what is sent there is not what comes from there: {}", ended.data);
}

#[test]
fn a_call_is_explained_with_what_its_path_says() {
    let call = "POST /v1/open-platform/chat/bot/conversations/7/messages";
    let said = br#"{"type":"TEXT","text_message":"hi"}"#;
    let ended = explain(&["--route", "market", "--call", call, "--heard-by", "staff"], said);
    assert_eq!((ended.code, ended.talk.as_str()), (Some(0), ""), "{}", ended.data);
    assert!(ended.data.contains("✓ http.bot_send bot_send\n"), "{}", ended.data);
    assert!(ended.data.contains("\"conversation_id\":7,") && ended.data.contains("\nfrontdesk: "), "{}", ended.data);
    let ended = explain(&["--route", "market", "--call", call], b"{}");
    assert!(ended.code == Some(1) && ended.data.contains("\nrefused (missing): "), "{}", ended.data);
    let history = "GET /v1/open-platform/chat/conversations/7";
    let ended = explain(&["--route", "market", "--call", history], b"");
    assert!(ended.code == Some(0) && ended.data.contains("\nno message: it asks for `history`"), "{}", ended.data);
    let ended = explain(&["--route", "market", "--call", "POST /nowhere"], b"{}");
    assert!(ended.code == Some(1) && ended.data.contains("no call has this path"), "{}", ended.data);
}

#[test]
fn what_is_no_frame_is_refused() {
    for (said, reason) in [
        (&b"no JSON"[..], "malformed"),
        (b"", "malformed"),
        (b"[1, 2]", "unknown_action"),
        (br#"{"type":"text","conversation_id":7}"#, "missing"),
        (br#"{"type":"dance"}"#, "unknown_action"),
    ] {
        let ended = explain(&["--route", "staff"], said);
        assert_eq!((ended.code, ended.talk.as_str()), (Some(1), ""), "{}", ended.data);
        assert!(ended.data.contains(&format!("\nrefused ({reason}): ")), "{reason}: {}", ended.data);
    }
}

#[test]
fn what_cannot_be_taken_is_said_on_standard_error() {
    let too_long = vec![b' '; (16 << 20) + 1];
    for (said, words) in [(&too_long[..], "has more than 16 MiB"), (b"\xff\xfe", "is not UTF-8")] {
        let ended = explain(&["--route", "staff"], said);
        assert_eq!((ended.code, ended.data.as_str()), (Some(1), ""));
        assert!(ended.talk.contains(words), "{}", ended.talk);
    }
}

#[test]
fn what_is_asked_wrongly_is_wrong_usage() {
    for (arguments, words) in [
        (&["--route", "stuff"][..], "did you mean `staff`?"),
        (&["--route", "staff", "--heard-by", "nobody"], "there is no route `nobody`"),
        (&["--route", "patients", "--heard-by", "staff"], "leads to an upstream, which hears it"),
        (&["--route", "staff", "--from", "upstream"], "leads to no upstream"),
        (&["--route", "market", "--call", "POST"], "a method and a path"),
        (&["--route", "patients", "--from", "upstream", "--call", "POST /x"], "what a client does"),
        (&[], "--route"),
    ] {
        let ended = explain(arguments, b"{}");
        assert_eq!((ended.code, ended.data.as_str()), (Some(2), ""), "{arguments:?}: {}", ended.talk);
        assert!(ended.talk.contains(words), "{arguments:?}: {}", ended.talk);
    }
    let ended = explain(&["--route", "staff", "--config", "/no/such/routes.toml"], b"{}");
    assert_eq!((ended.code, ended.data.as_str()), (Some(2), ""), "the config is named twice: {}", ended.talk);
}
