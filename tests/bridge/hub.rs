//! The five clients in one room of the hub, with no upstream: what each says and sends, the four others hear, see in their
//! history and can get. It shows the clients good before anything stands between them and a backend.

use serde_json::json;

use crate::client::andromedia::Andromedia;
use crate::client::divar::{Divar, Events};
use crate::client::frontdesk::Frontdesk;
use crate::client::licomed::{Licomed, THEM};
use crate::client::luxmart::Luxmart;
use crate::client::{Client, Heard};
use crate::harness::{ACCESS_TOKEN, API_KEY, Gateway};
use crate::media::{File, Format};

const US: &str = "0e9d4c1b-7a25-4f83-b6c0-58d3a1f2e794";
const VISITOR: &str = "11111111-2222-4333-8444-555555555555";

/// Everybody, by dialect.
pub async fn everybody() -> (Gateway, std::sync::Arc<Events>, Vec<(&'static str, Box<dyn Client>)>) {
    let events = Events::start().await;
    let room = format!(
        r#"
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
"#
    );
    let (url, key) = (events.url(), events.key().to_owned());
    let gateway = Gateway::start_with(&room, move |dialect| match dialect {
        "divar" => format!("events = {{ url = \"{url}\", key = \"{key}\" }}"),
        _ => String::new(),
    })
    .await;
    let address = gateway.address;
    let staff = json!({ "sub": "staff-1", "role": "staff", "name": "Ann", "department": "reception" });
    let visitor = json!({ "sub": VISITOR, "role": "visitor", "business": "hotel" });
    let user = json!({ "sub": US, "role": "user", "name": "Cara" });
    let admin = json!({ "sub": "2", "role": "admin", "name": "Eve" });
    let app = events.token(API_KEY, Some(ACCESS_TOKEN));
    let everybody: Vec<(&'static str, Box<dyn Client>)> = vec![
        ("frontdesk", Box::new(Frontdesk::connect(address, gateway.token(staff)).await)),
        ("andromedia", Box::new(Andromedia::connect(address, gateway.token(visitor)).await)),
        ("licomed", Box::new(Licomed::connect(address, gateway.token(user)).await)),
        ("divar", Box::new(Divar::connect(address, app).await)),
        ("luxmart", Box::new(Luxmart::connect(address, gateway.token(admin)).await)),
    ];
    (gateway, events, everybody)
}

#[tokio::test]
async fn everybody_hears_everybody() {
    let (gateway, events, mut everybody) = everybody().await;
    for speaker in 0..everybody.len() {
        let words = format!("words of {}", everybody[speaker].0);
        everybody[speaker].1.say(&words).await;
        for (listener, (dialect, client)) in everybody.iter_mut().enumerate() {
            if listener != speaker {
                assert_eq!(client.hears().await, Heard::Text(words.clone()), "{dialect}");
            }
        }
    }
    for (dialect, client) in &mut everybody {
        let history = client.history().await.expect("each of the five has one");
        assert_eq!(history.len(), 5, "{dialect}: {history:?}");
    }
    assert_eq!(events.complaints(), Vec::<String>::new());
    drop(gateway);
}

#[tokio::test]
async fn everybody_gets_the_file_of_everybody() {
    let (gateway, events, mut everybody) = everybody().await;
    for speaker in 0..everybody.len() {
        let made = File::new(Format::Png, 30_000, speaker as u64);
        everybody[speaker].1.say_file(&made.name(), made.format.mime(), &made.bytes(), "").await.unwrap();
        for (listener, (dialect, client)) in everybody.iter_mut().enumerate() {
            if listener == speaker {
                continue;
            }
            let url = match client.hears().await {
                Heard::File { url, .. } => url,
                heard => panic!("{dialect} hears no file of {speaker} but {heard:?}"),
            };
            assert_eq!(client.fetch(&url).await, (200, made.bytes()), "{dialect} at {url}");
        }
    }
    assert_eq!(events.complaints(), Vec::<String>::new());
    drop(gateway);
}
