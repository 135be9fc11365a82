//! A backend that confirms a send by an id and nothing else: no words come back, so what waits longest was meant. What is read
//! there is told by the message's id alone.

use serde_json::json;

use super::unconfirmed;
use crate::client::{Heard, Outcome};
use crate::harness::socket::Socket;
use crate::media::{File, Format};
use crate::pair::scene::{Scene, Staging};

/// Nobody here waits for a time to run out.
async fn scene(from: &'static str) -> Scene {
    let upstream = "confirm_within = \"60s\"".to_owned();
    Scene::set_as(from, "licomed", &Staging { upstream, echo_off: true, ..Staging::default() }).await
}

#[tokio::test]
async fn each_send_is_confirmed_in_its_order() {
    for from in ["frontdesk", "andromedia"] {
        let mut scene = scene(from).await;
        for text in ["yes", "yes", "no"] {
            scene.client.send_text(text).await;
        }
        for text in ["yes", "yes", "no"] {
            assert_eq!(scene.client.outcome().await, Outcome::Confirmed { body: text.to_owned() }, "{from}");
            assert_eq!(scene.backend.taken().await.body, text, "{from}");
        }
        let file = File::new(Format::Png, 10_000, 3);
        scene.client.say_file(&file.name(), "image/png", &file.bytes(), "").await.expect("accepted");
        assert_eq!(scene.backend.taken().await.file, Some(file.bytes()), "{from}");
        scene.backend.say("welcome").await;
        assert_eq!(scene.client.hears().await, Heard::Text("welcome".to_owned()), "{from}");
        assert_eq!(unconfirmed(&scene).await, 0.0, "{from}");
        assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{from}");
    }
}

#[tokio::test]
async fn what_was_read_is_told_where_it_was_said() {
    let mut scene = scene("luxmart").await;
    let path = format!("/v1/chat/ws/admin/?token={}", scene.token);
    let mut beside = Socket::open(scene.gateway.address, &path, None).await.unwrap();
    scene.client.say("are you there?").await;
    let told = beside.frame().await;
    assert_eq!(told["payload"]["message"]["content"], "are you there?", "{told}");
    let read = json!({ "type": "messages_read", "payload": { "session_id": 7, "reader": "store" } });
    assert_eq!(beside.frame().await, read);
}
