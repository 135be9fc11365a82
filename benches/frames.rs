//! Nanoseconds to decode and encode each documented frame: by the dialect engine, by hand-written borrowed serde structs
//! and by `serde_json::Value`, in turn within one run, so that a noisy machine slows all three alike. Read the ratios.
//!
//!   cargo bench --bench frames

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use dragoman::dialect::{FrameSet, builtin};
use serde::{Deserialize, Serialize};

/// Decodes and encodes a text once, into a buffer that is used again.
type Work = Box<dyn Fn(&str, &mut String)>;

struct Case {
    name: &'static str,
    text: String,
    engine: Work,
    structs: Work,
}

const ROUNDS: usize = 60;
const BATCH: u32 = 2_000;

fn main() {
    let cases = cases();
    println!(
        "{:<28} {:>6} {:>9} {:>9} {:>9}   engine/structs  engine/Value",
        "frame", "bytes", "engine", "structs", "Value"
    );
    let mut ratios = Vec::new();
    for case in &cases {
        check(case);
        let value: Work = Box::new(by_value);
        let contenders: [&Work; 3] = [&case.engine, &case.structs, &value];
        let [engine, structs, value] = median_nanoseconds(&case.text, contenders);
        ratios.push(engine / structs);
        println!(
            "{:<28} {:>6} {:>6.0} ns {:>6.0} ns {:>6.0} ns   {:>14.2}  {:>12.2}",
            case.name,
            case.text.len(),
            engine,
            structs,
            value,
            engine / structs,
            engine / value
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("engine/structs: median {:.2}, worst {:.2}", ratios[ratios.len() / 2], ratios[ratios.len() - 1]);
}

/// All contenders in turn, round by round; the median round of each.
fn median_nanoseconds(text: &str, contenders: [&Work; 3]) -> [f64; 3] {
    let mut rounds: [Vec<f64>; 3] = Default::default();
    let mut out = String::with_capacity(1024);
    for _ in 0..ROUNDS {
        for (work, rounds) in contenders.iter().zip(&mut rounds) {
            let began = Instant::now();
            for _ in 0..BATCH {
                out.clear();
                work(black_box(text), &mut out);
                black_box(&out);
            }
            rounds.push(began.elapsed().as_secs_f64() * 1e9 / f64::from(BATCH));
        }
    }
    rounds.map(|mut rounds| {
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    })
}

/// Nobody is timed for work that it does wrongly.
fn check(case: &Case) {
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    for (who, work) in [("engine", &case.engine), ("structs", &case.structs)] {
        let mut out = String::new();
        work(&case.text, &mut out);
        assert_eq!(parse(&out), parse(&case.text), "{}: {who}", case.name);
    }
}

fn by_value(text: &str, out: &mut String) {
    let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
    write(&value, out);
}

fn write<T: Serialize>(value: &T, out: &mut String) {
    // SAFETY is not needed: serde_json writes UTF-8 into the bytes of the buffer, which are taken out and put back.
    let mut bytes = std::mem::take(out).into_bytes();
    serde_json::to_writer(&mut bytes, value).expect("serialises");
    *out = String::from_utf8(bytes).expect("JSON is UTF-8");
}

fn set(dialect: &str, from_client: bool) -> &'static FrameSet {
    let all = builtin::all();
    let dialect = all.iter().find(|known| &*known.name == dialect).expect("built in");
    let socket = &dialect.sockets[0];
    if from_client { &socket.client } else { &socket.server }
}

/// A case whose struct is `$type`.
macro_rules! case {
    ($name:literal, $dialect:literal, $client:literal, $type:ty, $text:expr) => {{
        let set = set($dialect, $client);
        Case {
            name: $name,
            // As it goes over the wire: without blanks.
            text: serde_json::from_str::<serde_json::Value>($text).expect("JSON").to_string(),
            engine: Box::new(move |text, out| {
                let read = set.read(text).expect("a frame of the dialect");
                set.writer.write_frame(read.frame, &read.fields, out).expect("its own frame");
            }),
            structs: Box::new(|text, out| {
                let frame: $type = serde_json::from_str(text).expect("a frame of this type");
                write(&frame, out);
            }),
        }
    }};
}

macro_rules! frame {
    ($name:ident { $($member:ident: $type:ty),+ $(,)? }) => {
        #[derive(Serialize, Deserialize)]
        struct $name<'a> { $(#[serde(borrow)] $member: $type),+ }
    };
}

type Text<'a> = Cow<'a, str>;

#[derive(Serialize, Deserialize)]
struct Media<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    conversation_id: u64,
    #[serde(borrow)]
    file_url: Text<'a>,
    #[serde(borrow)]
    filename: Text<'a>,
    #[serde(borrow)]
    file_type: Text<'a>,
    #[serde(borrow)]
    caption: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct ChatMessage<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    message: Inner<'a>,
}

#[derive(Serialize, Deserialize)]
struct Inner<'a> {
    id: u64,
    conversation_id: u64,
    #[serde(borrow)]
    sender_type: Text<'a>,
    #[serde(borrow)]
    sender_name: Text<'a>,
    #[serde(borrow)]
    message_type: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow)]
    media_url: Option<Text<'a>>,
    #[serde(borrow)]
    media_filename: Option<Text<'a>>,
    #[serde(borrow)]
    created_at: Text<'a>,
    #[serde(borrow)]
    guest_info: GuestInfo<'a>,
}

frame!(GuestInfo { name: Text<'a>, room_number: Option<Text<'a>> });

#[derive(Serialize, Deserialize)]
struct Said<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct Heard<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    content: Text<'a>,
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct FileSaid<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    file: Text<'a>,
    is_audio: bool,
}

#[derive(Serialize, Deserialize)]
struct FileHeard<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    file: Text<'a>,
    #[serde(borrow)]
    file_name: Text<'a>,
    is_audio: bool,
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct Ended<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
}

frame!(TextMessage { action: Text<'a>, message_body: Text<'a>, receiver_id: Text<'a> });

#[derive(Serialize, Deserialize)]
struct FileMessage<'a> {
    #[serde(borrow)]
    action: Text<'a>,
    chat_id: u64,
}

frame!(ProfileMessage { attached_profile_id: Text<'a>, receiver_id: Text<'a>, action: Text<'a> });

#[derive(Serialize, Deserialize)]
struct ReText<'a> {
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    receiver_id: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    created_msg_id: u64,
    #[serde(borrow)]
    message_type: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct ReFile<'a> {
    #[serde(borrow)]
    message_body: Text<'a>,
    #[serde(borrow)]
    attached_file_name: Text<'a>,
    #[serde(borrow)]
    attached_file_size: Text<'a>,
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    receiver_id: Text<'a>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    created_msg_id: u64,
    #[serde(borrow)]
    action: Text<'a>,
    #[serde(borrow)]
    message_type: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct ReProfile<'a> {
    #[serde(borrow)]
    sender_id: Text<'a>,
    #[serde(borrow)]
    receiver_id: Text<'a>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Text<'a>,
    created_msg_id: u64,
    #[serde(borrow)]
    attached_profile: Profile<'a>,
    #[serde(borrow)]
    message_type: Text<'a>,
    #[serde(borrow)]
    action: Text<'a>,
}

frame!(Profile { id: Text<'a>, fullname: Text<'a>, phone_number: Text<'a> });

#[derive(Serialize, Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    payload: Typing,
}

#[derive(Serialize, Deserialize)]
struct Typing {
    is_typing: bool,
}

/// Every frame that the documents show, personal data invented.
fn cases() -> Vec<Case> {
    vec![
        case!(
            "frontdesk media",
            "frontdesk",
            true,
            Media<'_>,
            r#"{"type":"media","conversation_id":123,"file_url":"https://h.example/media/chat/2024/01/15/document.pdf","filename":"document.pdf","file_type":"document","caption":"Optional caption for the document"}"#
        ),
        case!(
            "frontdesk chat_message",
            "frontdesk",
            false,
            ChatMessage<'_>,
            r#"{"type":"chat_message","message":{"id":456,"conversation_id":123,"sender_type":"staff","sender_name":"Ann Staff","message_type":"document","content":"Optional caption for the document","media_url":"https://h.example/media/chat/2024/01/15/document.pdf","media_filename":"document.pdf","created_at":"2024-01-15T10:30:00Z","guest_info":{"name":"Guest Name","room_number":"101"}}}"#
        ),
        case!("andromedia text", "andromedia", true, Said<'_>, r#"{"type":"text","content":"Hello, I need help!"}"#),
        case!(
            "andromedia text heard",
            "andromedia",
            false,
            Heard<'_>,
            r#"{"type":"text","content":"Hello, I need help!","sender_id":"3f0c2b1e-0000-4000-8000-00000000000a","timestamp":"2025-07-02T12:00:00.000Z"}"#
        ),
        case!(
            "andromedia file",
            "andromedia",
            true,
            FileSaid<'_>,
            r#"{"type":"file","file":"https://a.example/media/chat_attachments/example.pdf","is_audio":false}"#
        ),
        case!(
            "andromedia file heard",
            "andromedia",
            false,
            FileHeard<'_>,
            r#"{"type":"file","file":"https://a.example/media/chat_attachments/example.pdf","file_name":"example.pdf","is_audio":false,"sender_id":"3f0c2b1e-0000-4000-8000-00000000000a","timestamp":"2025-07-02T12:02:00.000Z"}"#
        ),
        case!(
            "andromedia session_ended",
            "andromedia",
            false,
            Ended<'_>,
            r#"{"type":"session_ended","message":"The session has ended.","timestamp":"2025-07-02T12:10:00.000Z"}"#
        ),
        case!(
            "licomed text_message",
            "licomed",
            true,
            TextMessage<'_>,
            r#"{"action":"text_message","message_body":"hello there","receiver_id":"3f0c2b1e-0000-4000-8000-00000000000b"}"#
        ),
        case!("licomed file_message", "licomed", true, FileMessage<'_>, r#"{"action":"file_message","chat_id":5}"#),
        case!(
            "licomed user_profile_message",
            "licomed",
            true,
            ProfileMessage<'_>,
            r#"{"attached_profile_id":"3f0c2b1e-0000-4000-8000-00000000000c","receiver_id":"3f0c2b1e-0000-4000-8000-00000000000b","action":"user_profile_message"}"#
        ),
        case!(
            "licomed re_message text",
            "licomed",
            false,
            ReText<'_>,
            r#"{"sender_id":"3f0c2b1e-0000-4000-8000-00000000000a","receiver_id":"3f0c2b1e-0000-4000-8000-00000000000b","message":"hello there","timestamp":"2025-03-14T10:36:22.680911+00:00","created_msg_id":4,"message_type":"text","action":"re_message"}"#
        ),
        case!(
            "licomed re_message file",
            "licomed",
            false,
            ReFile<'_>,
            r#"{"message_body":"this is the file","attached_file_name":"shot.png","attached_file_size":"194.75KB","sender_id":"3f0c2b1e-0000-4000-8000-00000000000a","receiver_id":"3f0c2b1e-0000-4000-8000-00000000000b","timestamp":"2025-03-14T10:45:51.147140+00:00","created_msg_id":5,"action":"re_message","message_type":"file"}"#
        ),
        case!(
            "licomed re_message profile",
            "licomed",
            false,
            ReProfile<'_>,
            r#"{"sender_id":"3f0c2b1e-0000-4000-8000-00000000000a","receiver_id":"3f0c2b1e-0000-4000-8000-00000000000b","message":null,"timestamp":"2025-03-14T10:52:54.603043+00:00","created_msg_id":6,"attached_profile":{"id":"3f0c2b1e-0000-4000-8000-00000000000c","fullname":"Ada Admin","phone_number":"5550100"},"message_type":"user_profile","action":"re_message"}"#
        ),
        case!("luxmart typing", "luxmart", true, Typed<'_>, r#"{"type":"typing","payload":{"is_typing":true}}"#),
    ]
}
