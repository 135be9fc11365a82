//! A sender with two sockets, and one that goes before its confirmation comes.

use super::{colleague, scene, unconfirmed};
use crate::client::{Heard, Outcome};
use crate::faults::watch::until;
use crate::pair::scene::open;
use crate::standin::Failing;

/// What a sender's other socket gets is what its dialect documents: its confirmation, or the message.
#[tokio::test]
async fn a_second_socket_of_the_sender_is_told_once() {
    let pairs =
        [("licomed", "frontdesk"), ("frontdesk", "licomed"), ("andromedia", "luxmart"), ("luxmart", "andromedia")];
    for (from, to) in pairs {
        let mut scene = scene(from, to, "5s").await;
        let mut second = open(from, scene.gateway.address, scene.token.clone()).await.expect("a second socket");
        scene.client.say("from the first").await;
        if from == "licomed" {
            assert_eq!(second.outcome().await, Outcome::Confirmed { body: "from the first".to_owned() });
        } else {
            assert_eq!(second.hears().await, Heard::Text("from the first".to_owned()), "{from} → {to}");
        }
        scene.backend.say("to both").await;
        for client in [&mut scene.client, &mut second] {
            assert_eq!(client.hears().await, Heard::Text("to both".to_owned()), "{from} → {to}");
        }
        assert_eq!(unconfirmed(&scene).await, 0.0);
    }
}

#[tokio::test]
async fn a_sender_that_goes_is_not_waited_for() {
    for (from, to) in [
        ("luxmart", "frontdesk"),
        ("frontdesk", "licomed"),
        ("frontdesk", "andromedia"),
        ("frontdesk", "luxmart"),
        ("frontdesk", "divar"),
    ] {
        let mut scene = scene(from, to, "5s").await;
        let mut other = colleague(&scene).await;
        scene.backend.fail(Failing::LateNext(500));
        scene.client.send_text("parting words").await;
        until("it waits", async || unconfirmed(&scene).await == 1.0).await;
        // It goes without a word.
        scene.client = colleague(&scene).await;
        assert_eq!(other.hears().await, Heard::Text("parting words".to_owned()), "{from} → {to}");
        until("nobody waits", async || unconfirmed(&scene).await == 0.0).await;
        assert_eq!(scene.backend.taken().await.body, "parting words");
        other.say("farewell").await;
        assert_eq!(scene.backend.taken().await.body, "farewell");
        assert_eq!(scene.backend.counts().0, 2, "{from} → {to}");
    }
}
