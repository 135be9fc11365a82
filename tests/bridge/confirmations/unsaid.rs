//! A backend whose dialect has no confirmation at all: it is said so where the upstream is, and a send is accepted once it
//! is written.

use super::{colleague, unconfirmed};
use crate::client::{Heard, Outcome};
use crate::pair::scene::{Scene, Staging};
use crate::standin::Failing;

async fn scene() -> Scene {
    let upstream = "options = { echo_sender = false }\nconfirm_within = \"30s\"".to_owned();
    let staging = Staging { upstream, echo_off: true, ..Staging::default() };
    Scene::set_as("frontdesk", "andromedia", &staging).await
}

#[tokio::test]
async fn what_is_written_is_accepted() {
    let mut scene = scene().await;
    let mut other = colleague(&scene).await;
    for text in ["yes", "yes", "no"] {
        scene.client.send_text(text).await;
    }
    for text in ["yes", "yes", "no"] {
        assert_eq!(scene.client.outcome().await, Outcome::Confirmed { body: text.to_owned() });
        assert_eq!(scene.backend.taken().await.body, text);
        assert_eq!(other.hears().await, Heard::Text(text.to_owned()));
    }
    assert_eq!(unconfirmed(&scene).await, 0.0);
    // Nothing of what others say is taken for an echo, whatever the words.
    for text in ["yes", "no", "yes"] {
        scene.backend.say(text).await;
        assert_eq!(scene.client.hears().await, Heard::Text(text.to_owned()));
        assert_eq!(other.hears().await, Heard::Text(text.to_owned()));
    }
    assert_eq!(scene.backend.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_and_its_caption_too() {
    let mut scene = scene().await;
    let file = crate::media::File::new(crate::media::Format::Png, 10_000, 5);
    scene.client.say_file(&file.name(), "image/png", &file.bytes(), "look").await.expect("accepted");
    assert_eq!(scene.backend.taken().await.file.as_deref(), Some(file.bytes().as_slice()));
    assert_eq!(scene.backend.taken().await.body, "look");
    scene.client.say("done").await;
    assert_eq!(unconfirmed(&scene).await, 0.0);
}

#[tokio::test]
async fn what_cannot_be_written_is_refused() {
    let mut scene = scene().await;
    scene.client.say("before").await;
    scene.backend.fail(Failing::Down);
    crate::faults::watch::until("the socket is gone", async || scene.backend.sockets() == 0).await;
    scene.client.send_text("nowhere").await;
    let outcome = scene.client.outcome().await;
    assert!(matches!(outcome, Outcome::Error { .. }), "{outcome:?}");
    assert_eq!(unconfirmed(&scene).await, 0.0);
}
