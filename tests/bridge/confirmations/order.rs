//! Equal texts in a row: each is confirmed, in order.

use serde_json::json;

use super::{over_backends, scene, unconfirmed};
use crate::client::Outcome;
use crate::harness::socket::{Heard, Socket};

const TEXTS: [&str; 8] = ["yes", "yes", "no", "yes", "yes", "no", "no", "yes"];

over_backends!(equal_texts);

async fn equal_texts(from: &'static str, to: &'static str) {
    let mut scene = scene(from, to, "5s").await;
    for text in TEXTS {
        scene.client.send_text(text).await;
    }
    for text in TEXTS {
        assert_eq!(scene.client.outcome().await, Outcome::Confirmed { body: text.to_owned() });
    }
    for text in TEXTS {
        assert_eq!(scene.backend.taken().await.body, text);
    }
    assert_eq!(scene.backend.counts().0, TEXTS.len());
    assert_eq!(unconfirmed(&scene).await, 0.0);
    // No confirmation is left over, and none is a message.
    scene.client.say("over").await;
    scene.backend.say("and out").await;
    assert_eq!(scene.client.hears().await, crate::client::Heard::Text("and out".to_owned()));
}

/// Where a confirmation says which message it is of, these are the backend's, in its order.
#[tokio::test]
async fn confirmations_name_the_backends_messages() {
    let scene = scene("licomed", "frontdesk", "5s").await;
    let path = format!("/ws/chat/room/?token={}", scene.token);
    let mut socket = Socket::open(scene.gateway.address, &path, None).await.expect("a socket");
    let them = crate::client::licomed::THEM;
    for _ in 0..5 {
        let frame = json!({ "action": "text_message", "message_body": "yes", "receiver_id": them });
        socket.say(&frame.to_string()).await;
    }
    let mut ids = Vec::new();
    while ids.len() < 5 {
        match socket.hear().await {
            Heard::Frame(frame) if frame["action"] == "conf_message" => {
                ids.push(frame["created_msg_id"].as_u64().expect("a number"));
            }
            Heard::Frame(_) => {}
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }
    assert_eq!(ids, [1, 2, 3, 4, 5]);
}
