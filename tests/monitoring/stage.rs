//! A gateway with all that there is to be watched: five clients of five dialects in one room of the hub, an app that is called,
//! a route that leads to an upstream; and what they do.

use std::sync::Arc;

use serde_json::json;

use crate::client::andromedia::Andromedia;
use crate::client::divar::{Divar, Events};
use crate::client::frontdesk::Frontdesk;
use crate::client::licomed::{Licomed, THEM};
use crate::client::luxmart::Luxmart;
use crate::client::{Client, Heard};
use crate::harness::socket::Socket;
use crate::harness::{ACCESS_TOKEN, API_KEY, Gateway, SECRET, http};
use crate::standin::{self, Standin};

const US: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";
const VISITOR: &str = "11111111-2222-4333-8444-555555555555";
const BACKEND_SECRET: &str = "9a1c5e7f20b34d6688aa9cbe01d2f3e4";

/// As long as a film must be to be known for one.
const FILM: &[u8] = b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2\0\0\0\0\0\0\0\0";

pub struct Stage {
    pub gateway: Gateway,
    everybody: Vec<Box<dyn Client>>,
    /// At the upstream's route, and the credential there.
    bridged: Socket,
    bearer: String,
    backend: standin::licomed::Licomed,
    _events: Arc<Events>,
    _spare: tempfile::TempDir,
}

impl Stage {
    pub async fn set() -> Self {
        let events = Events::start().await;
        let backend = standin::licomed::Licomed::start(BACKEND_SECRET, US, THEM).await;
        let spare = tempfile::tempdir().expect("a folder");
        let more = format!(
            r#"
[stores.spare]
kind = "fs"
root = "{spare}"

[scanners.virus]
kind = "command"
argv = ["sh", "-c", "cat >/dev/null"]

[upstreams.clinic]
dialect    = "licomed"
http       = "{http}"
socket     = "{socket}"
credential = {{ kind = "mint", secret = "{BACKEND_SECRET}", claims = {{ sub = "{US}" }} }}
role       = "user"

[[routes]]
name    = "bridged"
dialect = "frontdesk"
prefix  = "/bridged"
to      = "clinic"
uploads = {{ primary = "local", copies = ["spare"] }}
scan    = "virus"
auth    = {{ kind = "jwt", secret = "{SECRET}" }}

[[conversations]]
name       = "room-101"
kind       = "service"
department = "reception"
frontdesk  = 101
andromedia = {{ business = "hotel", external_customer_id = "room-101" }}
licomed    = ["{US}", "{THEM}"]
divar      = "conversation-101"
luxmart    = 7
guest      = {{ name = "Gil", room_number = "101" }}
"#,
            http = backend.http(),
            socket = backend.socket(),
            spare = spare.path().display(),
        );
        let (url, key) = (events.url(), events.key().to_owned());
        let gateway = Gateway::start_quiet(&more, move |dialect| match dialect {
            "divar" => format!("events = {{ url = \"{url}\", key = \"{key}\" }}"),
            "licomed" => "replay = \"missed\"".to_owned(),
            _ => String::new(),
        })
        .await;
        let address = gateway.address;
        let staff =
            gateway.token(json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" }));
        let visitor = gateway.token(json!({ "sub": VISITOR, "role": "visitor", "business": "hotel" }));
        let user = gateway.token(json!({ "sub": US, "role": "user", "name": "Cara" }));
        let admin = gateway.token(json!({ "sub": "2", "role": "admin", "name": "Eve" }));
        let app = events.token(API_KEY, Some(ACCESS_TOKEN));
        let bridged = Socket::open(address, &format!("/bridged/ws/chat/?token={staff}"), None).await.expect("a socket");
        let bearer = format!("Bearer {staff}");
        let everybody: Vec<Box<dyn Client>> = vec![
            Box::new(Frontdesk::connect(address, staff).await),
            Box::new(Andromedia::connect(address, visitor).await),
            Box::new(Licomed::connect(address, user).await),
            Box::new(Divar::connect(address, app).await),
            Box::new(Luxmart::connect(address, admin).await),
        ];
        Stage { gateway, everybody, bridged, bearer, backend, _events: events, _spare: spare }
    }

    /// Everybody says something and hears the others, somebody sends what not all can be shown, somebody is refused.
    pub async fn act(&mut self) {
        for speaker in 0..self.everybody.len() {
            self.everybody[speaker].say("hello").await;
            self.heard_by_all_but(speaker).await;
        }
        self.everybody[0].say_file("tour.mp4", "video/mp4", FILM, "").await.expect("taken");
        self.heard_by_all_but(0).await;
        let frame = json!({ "type": "text", "conversation_id": 101, "content": "over there" });
        self.bridged.say(&frame.to_string()).await;
        assert_eq!(self.backend.taken().await.body, "over there");
        self.bridged.say("{}").await;
        let headers = [("Authorization", self.bearer.as_str())];
        let parts = [http::field("conversation_id", "101"), http::file("file", "tour.mp4", "video/mp4", FILM)];
        let path = "/bridged/api/chat/upload-media/";
        assert_eq!(http::post_form(self.gateway.address, path, &headers, &parts).await.status, 200);
        let path = "/bridged/api/chat/conversations/101";
        let history = http::get(self.gateway.address, path, &[("Authorization", &self.bearer)]).await;
        assert_eq!(history.status, 200, "{history:?}");
    }

    async fn heard_by_all_but(&mut self, speaker: usize) {
        for (listener, client) in self.everybody.iter_mut().enumerate() {
            if listener != speaker {
                assert!(matches!(client.hears().await, Heard::Text(_) | Heard::File { .. }));
            }
        }
    }
}
