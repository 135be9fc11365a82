//! Several clients that are one account at the backend: a history that is read again says of each message which client sent it,
//! though the backend knows only the account.

use serde_json::{Value, json};

use crate::client::licomed::THEM;
use crate::harness::{Gateway, http};
use crate::pair::scene::{Scene, Staging, US, open};

async fn get(gateway: &Gateway, path: &str, token: &str) -> Value {
    let bearer = format!("Bearer {token}");
    let answer = http::get(gateway.address, path, &[("Authorization", &bearer)]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Words and the sender of each message, oldest first.
async fn written(scene: &Scene) -> Vec<(String, String)> {
    let mut history = get(&scene.gateway, &format!("/chat/messages/{THEM}/"), &scene.token).await;
    let messages = history["data"]["messages"].as_array_mut().unwrap();
    messages.reverse();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    messages.iter().map(|message| (text(&message["message"]), text(&message["sender"]["id"]))).collect()
}

#[tokio::test]
async fn what_a_client_said_is_its_own_in_the_history() {
    for to in ["frontdesk", "frontdesk@deployed", "andromedia", "luxmart"] {
        let mut scene = Scene::set_as("licomed", to, &Staging::default()).await;
        scene.client.say("mine").await;
        scene.backend.taken().await;
        scene.backend.say("theirs").await;
        scene.client.hears().await;
        scene.client.say("mine again").await;
        scene.backend.taken().await;
        let expected = [("mine", US), ("theirs", THEM), ("mine again", US)];
        let expected = expected.map(|(words, sender)| (words.to_owned(), sender.to_owned()));
        assert_eq!(written(&scene).await, expected, "{to}");
    }
}

#[tokio::test]
async fn each_of_several_is_told_apart_also_after_a_restart() {
    let mut scene = Scene::set_as("frontdesk", "licomed", &Staging::default()).await;
    let bob = json!({ "sub": "3", "role": "staff", "name": "Bob Staff", "department": "reception" });
    let mut bob = open("frontdesk", scene.gateway.address, scene.gateway.token(bob)).await.unwrap();
    scene.client.say("this is Ann").await;
    bob.say("this is Bob").await;
    scene.backend.say("this is the guest").await;
    for restarted in [false, true] {
        if restarted {
            scene.gateway.terminate();
            assert!(scene.gateway.ended().await.success());
            scene.gateway.restart().await;
        }
        let history = get(&scene.gateway, "/api/chat/conversations/101/", &scene.token).await;
        let messages = history["messages"].as_array().unwrap();
        let told =
            messages.iter().map(|message| json!([message["content"], message["sender_type"], message["sender_name"]]));
        let told: Vec<Value> = told.collect();
        assert_eq!(
            told[..2],
            [json!(["this is Ann", "staff", "Ann Staff"]), json!(["this is Bob", "staff", "Bob Staff"])]
        );
        assert_eq!(told[2][1], "guest", "{told:?}");
    }
}
