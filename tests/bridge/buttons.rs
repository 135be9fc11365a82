//! Buttons that an app sends, where the others have none: everybody reads what there is to choose, live and in the history,
//! in the hub and behind an upstream of each dialect; it is counted, or refused where the route says so.

use serde_json::{Value, json};

use crate::client::Heard;
use crate::client::divar::CONVERSATION;
use crate::harness::{ACCESS_TOKEN, API_KEY, Gateway, http};
use crate::hub;
use crate::pair::scene::{Scene, Staging};

const CHOICES: &str = "Pick one\n[Open] https://app.example/a\n[Ask]";

fn button(label: &str, action: &Value) -> Value {
    json!({ "caption": label, "icon": "HOME", "action": action })
}

/// What the app says: the other side may open or ask, its own user may edit.
async fn offer(gateway: &Gateway) -> http::Answer {
    let open = button("Open", &json!({ "open_direct_link": "https://app.example/a" }));
    let ask = button("Ask", &json!({ "get_dynamic_action": { "data": {} } }));
    let edit = button("Edit", &json!({ "open_direct_link": "https://app.example/edit" }));
    let body = json!({
        "message": "Pick one",
        "receiver_buttons": { "rows": [{ "buttons": [open] }, { "buttons": [ask] }] },
        "sender_buttons": { "rows": [{ "buttons": [edit] }] },
    });
    let path = format!("/v2/open-platform/conversations/{CONVERSATION}/messages");
    let bearer = format!("Bearer {ACCESS_TOKEN}");
    let headers = [("X-API-Key", API_KEY), ("Authorization", bearer.as_str())];
    http::post_json(gateway.address, &path, &headers, body.to_string().as_bytes()).await
}

/// One message had its buttons told in words.
async fn expect_counted(gateway: &Gateway, to: &str) {
    let page = String::from_utf8(http::get(gateway.admin, "/metrics", &[]).await.body).unwrap();
    let line = format!("dragoman_degraded_total{{from=\"divar\",reason=\"buttons\",to=\"{to}\"}} 1");
    assert!(page.contains(&line), "{line}\nis not in\n{page}");
}

#[tokio::test]
async fn everybody_in_the_hub_reads_what_there_is_to_choose() {
    let (gateway, events, mut everybody) = hub::everybody().await;
    assert_eq!(offer(&gateway).await.status, 200);
    for (dialect, client) in everybody.iter_mut().filter(|(dialect, _)| *dialect != "divar") {
        assert_eq!(client.hears().await, Heard::Text(CHOICES.to_owned()), "{dialect}");
        assert_eq!(client.history().await.unwrap(), [CHOICES], "{dialect}");
    }
    for to in ["frontdesk", "andromedia", "licomed", "luxmart"] {
        expect_counted(&gateway, to).await;
    }
    assert_eq!(events.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn an_upstream_reads_what_there_is_to_choose() {
    for to in ["frontdesk", "andromedia", "licomed", "luxmart"] {
        let scene = Scene::set_as("divar", to, &Staging::default()).await;
        let answer = offer(&scene.gateway).await;
        assert_eq!(answer.status, 200, "{to}: {answer:?}");
        assert_eq!(scene.backend.taken().await.body, CHOICES, "{to}");
        assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{to}");
        expect_counted(&scene.gateway, to).await;
    }
}

#[tokio::test]
async fn a_route_that_refuses_losses_refuses_buttons() {
    let staging = Staging { route: "on_loss = \"refuse\"".to_owned(), ..Staging::default() };
    let mut scene = Scene::set_as("divar", "luxmart", &staging).await;
    let answer = offer(&scene.gateway).await;
    assert_eq!((answer.status, &answer.json()["message"]), (422, &json!("This cannot be delivered")));
    scene.client.say("without buttons").await;
    assert_eq!(scene.backend.taken().await.body, "without buttons");
}
