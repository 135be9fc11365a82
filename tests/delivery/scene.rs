//! A hotel: its staff at the front desk, a visitor of its site, an agent elsewhere, and guests who are told by phone. In: who
//! says what. Out: what the chat confirms, at once whatever becomes of the phone.

use std::time::Duration;

use serde_json::{Value, json};

use super::api::Api;
use super::harness::http::{self, field, file};
use super::harness::socket::Socket;
use super::harness::{Gateway, PATIENCE, SECRET};
use super::request::{SENDER, TOKEN};

/// The guests' numbers: nobody's.
pub const GUEST: &str = "+15550001111";
pub const OTHER_GUEST: &str = "+15550002222";

/// Conversations by what the front desk calls them.
pub const ROOM: u64 = 101;
pub const OTHER_ROOM: u64 = 102;
/// Of a kind that is not delivered.
pub const SUPPORT: u64 = 103;
/// With a guest who has no number.
pub const NUMBERLESS: u64 = 104;

/// What was said, of the metrics.
pub const TOLD: &str = r#"dragoman_delivery_calls_total{delivery="guests",outcome="told"}"#;

/// The conversations, and the delivery. `more` is of the delivery.
pub fn config(api: &Api, more: &str) -> String {
    let room = |number: u64, kind: &str, guest: &str| {
        format!(
            r#"
[[conversations]]
name       = "room-{number}"
kind       = "{kind}"
department = "reception"
frontdesk  = {number}
andromedia = {{ business = "hotel", external_customer_id = "room-{number}" }}
luxmart    = {number}
guest      = {guest}
"#
        )
    };
    let with = |number: &str| format!("{{ name = \"Guest\", whatsapp_number = \"{number}\" }}");
    let rooms = [
        room(ROOM, "service", &with(GUEST)),
        room(OTHER_ROOM, "service", &with(OTHER_GUEST)),
        room(SUPPORT, "support", &with(GUEST)),
        room(NUMBERLESS, "service", "{ name = \"Guest\" }"),
    ];
    format!(
        r#"{}
[deliveries.guests]
dialect  = "whatsapp_cloud"
base_url = "http://{}"
sender   = "{SENDER}"
token    = "{TOKEN}"
{more}
"#,
        rooms.concat(),
        api.address()
    )
}

/// A gateway with one hotel.
pub async fn open(api: &Api) -> Gateway {
    open_with(api, "").await
}

/// The same, with further lines of the delivery.
pub async fn open_with(api: &Api, more: &str) -> Gateway {
    let more = config(api, more);
    // What was said before a restart must name its files still.
    let fixed = "root = \"";
    Gateway::start_changed(|text| {
        text.replacen(fixed, &format!("public_url = \"http://chat.hotel.example\"\n{fixed}"), 1) + &more
    })
    .await
}

/// Somebody of the staff at a socket.
pub struct Staff {
    socket: Socket,
}

impl Staff {
    pub async fn at(gateway: &Gateway) -> Staff {
        let claims = json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" });
        let path = format!("/ws/chat/?token={}", gateway.token(claims));
        Staff { socket: Socket::open(gateway.address, &path, None).await.unwrap() }
    }

    /// Says a text, which the chat must confirm as always.
    pub async fn say(&mut self, room: u64, text: &str) {
        self.send(json!({ "type": "text", "conversation_id": room, "content": text })).await;
    }

    /// Sends a file by the address that its upload gave.
    pub async fn show(&mut self, room: u64, kind: &str, url: &str, name: &str, caption: &str) {
        self.send(json!({
            "type": "media", "conversation_id": room, "file_url": url, "filename": name, "file_type": kind, "caption": caption,
        }))
        .await;
    }

    async fn send(&mut self, frame: Value) {
        self.socket.say(&frame.to_string()).await;
        let heard = tokio::time::timeout(PATIENCE, self.socket.frame()).await.expect("confirmed in time");
        assert_eq!(heard["type"], "chat_message", "{heard}");
        let said = frame["content"].as_str().or(frame["caption"].as_str()).unwrap_or_default();
        let content = heard["message"]["content"].as_str().unwrap_or_default();
        assert!(content.contains(said), "{heard}");
    }

    /// The next frame that somebody else says.
    pub async fn hear(&mut self) -> Value {
        self.socket.frame().await
    }
}

/// An upload by the staff: its address.
pub async fn upload(gateway: &Gateway, room: u64, name: &str, mime: &str, content: &[u8]) -> String {
    let claims = json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" });
    let bearer = format!("Bearer {}", gateway.token(claims));
    let parts = [field("conversation_id", &room.to_string()), file("file", name, mime, content)];
    let answer =
        http::post_form(gateway.address, "/api/chat/upload-media/", &[("Authorization", &bearer)], &parts).await;
    answer.json()["file_url"].as_str().unwrap_or_else(|| panic!("{name}: {answer:?}")).to_owned()
}

/// A visitor of the site in the same conversation: the guest.
pub async fn visitor(gateway: &Gateway, room: u64) -> Socket {
    let claims = json!({ "sub": "11111111-2222-4333-8444-555555555555", "role": "visitor", "business": "hotel" });
    let token = gateway.token(claims);
    let bearer = format!("Bearer {token}");
    let body = json!({ "business": "hotel", "external_customer_id": format!("room-{room}") }).to_string();
    let headers = [("Authorization", bearer.as_str())];
    let opened = http::post_json(gateway.address, "/chat/start-session/", &headers, body.as_bytes()).await;
    let session = opened.json()["data"]["session_id"].as_str().expect("a session").to_owned();
    let path = format!("/ws/visitor-chat/?session_id={session}");
    let mut socket = Socket::open(gateway.address, &path, Some(&format!("Bearer, {token}"))).await.unwrap();
    assert_eq!(socket.frame().await["type"], "connection_established");
    socket
}

/// An agent of the house who speaks another dialect says something.
pub async fn agent_says(gateway: &Gateway, room: u64, text: &str) {
    let token = gateway.token(json!({ "sub": "20", "role": "agent", "name": "Noa" }));
    let body = json!({ "session_id": room, "content": text }).to_string();
    let headers = [("Authorization", format!("Token {token}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let answer = http::post_json(gateway.address, "/v1/chat/admin/message/", &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// One figure of the metrics; 0 where it is not there.
pub async fn figure(gateway: &Gateway, series: &str) -> u64 {
    let page = String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

/// Waits until the sum of a figure at these gateways is at least this.
pub async fn figure_is(gateways: &[&Gateway], series: &str, wanted: u64) {
    until(gateways, series, |found| found >= wanted).await;
}

/// Waits until nothing is to be said any more.
pub async fn nothing_waits(gateway: &Gateway) {
    until(&[gateway], r#"dragoman_delivery_waiting{delivery="guests"}"#, |found| found == 0).await;
}

async fn until(gateways: &[&Gateway], series: &str, is_so: impl Fn(u64) -> bool) {
    let began = std::time::Instant::now();
    loop {
        let mut found = 0;
        for gateway in gateways {
            found += figure(gateway, series).await;
        }
        if is_so(found) {
            return;
        }
        assert!(began.elapsed() < PATIENCE * 4, "{series} is {found}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Nothing that the gateway says of itself has a guest's number or a credential in it, and its own lines no word that was
/// said: at this level the library of sockets shows every frame.
pub async fn assert_discreet(gateway: &Gateway, said: &[&str]) {
    let page = String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap();
    let log = gateway.log();
    let secrets =
        [TOKEN, SECRET, GUEST, OTHER_GUEST, GUEST.trim_start_matches('+'), OTHER_GUEST.trim_start_matches('+')];
    for secret in secrets.iter().chain(said) {
        assert!(!page.contains(secret), "the metrics have {secret:?}");
        let mut lines = log.lines().filter(|line| line.contains("dragoman") || secrets.contains(secret));
        let line = lines.find(|line| line.contains(secret));
        assert!(line.is_none(), "the log has {secret:?}: {}", line.unwrap_or_default());
    }
}
