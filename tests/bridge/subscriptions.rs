//! Event subscriptions of an app whose route leads to a backend that has none: the gateway keeps them itself, and tells what
//! the backend says by them.

use serde_json::{Value, json};

use crate::client::Heard;
use crate::faults::watch::until;
use crate::harness::{API_KEY, Gateway, http};
use crate::pair::scene::{Scene, Staging};

async fn subscribe(gateway: &Gateway, body: Value) -> (u16, Value) {
    let path = "/v1/open-platform/events/subscriptions";
    let answer = http::post_json(gateway.address, path, &[("X-API-Key", API_KEY)], body.to_string().as_bytes()).await;
    (answer.status, answer.json())
}

#[tokio::test]
async fn they_are_kept_here_and_decide_what_the_app_is_told() {
    for to in ["frontdesk", "luxmart"] {
        let staging = Staging { route: "options = { subscribed_only = true }".to_owned(), ..Staging::default() };
        let mut scene = Scene::set_as("divar", to, &staging).await;
        // Its own sends open what the gateway hears by.
        scene.client.say("hello").await;
        assert_eq!(scene.backend.taken().await.body, "hello");
        scene.backend.say("nobody asked for this").await;
        let passed_over = || scene.gateway.log().contains("that no webhook tells the app of");
        until("what the backend said is passed over", async || passed_over()).await;

        let (status, refused) = subscribe(&scene.gateway, json!({ "event_type": "NEW_MOON" })).await;
        assert_eq!((status, &refused["code"]), (400, &json!(3)), "{to}: {refused}");
        let asked = json!({ "event_type": "NEW_MESSAGE_ON_POST", "metadata": { "shop": "lamps" } });
        assert_eq!(subscribe(&scene.gateway, asked).await, (200, json!({})), "{to}");
        scene.backend.say("you asked for this").await;
        assert_eq!(scene.client.hears().await, Heard::Text("you asked for this".to_owned()), "{to}");
        let events = scene.events.as_ref().unwrap();
        let told = events.all();
        assert_eq!(told.len(), 1, "{to}: {told:?}");
        assert_eq!(told[0]["metadata"], json!({ "shop": "lamps" }), "{to}");

        // Another one in its place counts from then on.
        let asked = json!({ "event_type": "NEW_MESSAGE_ON_POST", "metadata": { "shop": "chairs" } });
        assert_eq!(subscribe(&scene.gateway, asked).await, (200, json!({})), "{to}");
        scene.backend.say("and for this").await;
        assert_eq!(scene.client.hears().await, Heard::Text("and for this".to_owned()), "{to}");
        assert_eq!(events.all()[1]["metadata"], json!({ "shop": "chairs" }), "{to}");

        let is_about_them = |call: &&String| call.contains("subscription");
        assert_eq!(scene.backend.calls().iter().find(is_about_them), None, "{to}: the backend has no such call");
        assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{to}");
    }
}
