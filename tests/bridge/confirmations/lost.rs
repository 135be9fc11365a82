//! A backend that loses a message, and one that confirms too late.

use super::{colleague, over_backends, scene, unconfirmed};
use crate::client::{Heard, Outcome};
use crate::faults::watch::until;
use crate::pair::scene::Scene;
use crate::standin::Failing;

over_backends!(a_message_that_is_dropped a_confirmation_that_is_late);

/// One error after the deadline, and then all is as before.
async fn a_message_that_is_dropped(from: &'static str, to: &'static str) {
    let mut scene = scene(from, to, "600ms").await;
    scene.client.say("before").await;
    scene.backend.fail(Failing::DropNext);
    scene.client.send_text("lost").await;
    until("it waits", async || unconfirmed(&scene).await == 1.0).await;
    error(&mut scene).await;
    assert_eq!(unconfirmed(&scene).await, 0.0);
    // The same text again is another send: its confirmation is its own, and no second error comes.
    for text in ["lost", "found", "lost"] {
        scene.client.say(text).await;
    }
    for text in ["before", "lost", "found", "lost"] {
        assert_eq!(scene.backend.taken().await.body, text);
    }
    assert_eq!((scene.backend.counts().0, scene.backend.lost()), (4, 1));
    nothing_else_came(&mut scene).await;
}

/// An error after the deadline, and no confirmation after that.
async fn a_confirmation_that_is_late(from: &'static str, to: &'static str) {
    let mut scene = scene(from, to, "400ms").await;
    scene.client.say("before").await;
    assert_eq!(scene.backend.taken().await.body, "before");
    scene.backend.fail(Failing::LateNext(1_200));
    scene.client.send_text("late").await;
    error(&mut scene).await;
    assert_eq!(unconfirmed(&scene).await, 0.0);
    // A call that nobody waits for is cut off; a frame that was written is taken all the same.
    if to != "divar" {
        assert_eq!(scene.backend.taken().await.body, "late");
    }
    scene.client.say("after").await;
    assert_eq!(scene.backend.taken().await.body, "after");
    nothing_else_came(&mut scene).await;
}

async fn error(scene: &mut Scene) {
    let outcome = scene.client.outcome().await;
    assert!(matches!(outcome, Outcome::Error { .. }), "{} → {}: {outcome:?}", scene.from, scene.to);
}

/// What the backend says next is the next that its client hears.
async fn nothing_else_came(scene: &mut Scene) {
    scene.backend.say("and now").await;
    assert_eq!(scene.client.hears().await, Heard::Text("and now".to_owned()), "{} → {}", scene.from, scene.to);
    assert_eq!(unconfirmed(scene).await, 0.0);
}

/// For everybody but its sender a late message is a message.
#[tokio::test]
async fn others_hear_what_came_late() {
    for to in ["andromedia", "licomed", "luxmart"] {
        let mut scene = scene("frontdesk", to, "400ms").await;
        let mut other = colleague(&scene).await;
        scene.backend.fail(Failing::LateNext(900));
        scene.client.send_text("late").await;
        error(&mut scene).await;
        assert_eq!(other.hears().await, Heard::Text("late".to_owned()), "{to}");
        nothing_else_came(&mut scene).await;
        assert_eq!(other.hears().await, Heard::Text("and now".to_owned()), "{to}");
    }
}
