//! A backend whose socket is open and answers pings, and which takes messages and does nothing with them.

use super::unconfirmed;
use crate::client::Outcome;
use crate::faults::watch::{metric, until};
use crate::pair::scene::{Scene, Staging};
use crate::standin::Failing;

/// Another socket is opened; what was swallowed was refused once, and all that is said after that arrives once.
async fn stalled(from: &'static str, to: &'static str) {
    let upstream = "confirm_within = \"300ms\"\nstalled_after = \"1s\"".to_owned();
    let mut scene = Scene::set_as(from, to, &Staging { upstream, ..Staging::default() }).await;
    scene.client.say("before").await;
    assert_eq!(metric(&scene.gateway, "dragoman_upstream_stalls_total").await, 0.0);
    scene.backend.fail(Failing::Silent);
    for text in ["one", "two"] {
        scene.client.send_text(text).await;
        let outcome = scene.client.outcome().await;
        assert!(matches!(outcome, Outcome::Error { .. }), "{text}: {outcome:?}");
    }
    until("it is noticed", async || metric(&scene.gateway, "dragoman_upstream_stalls_total").await == 1.0).await;
    scene.backend.fail(Failing::No);
    let mut tries = 0;
    loop {
        // Until the socket is there again a send is refused at once, and never sent.
        scene.client.send_text("after").await;
        match scene.client.outcome().await {
            Outcome::Confirmed { body } => break assert_eq!(body, "after"),
            Outcome::Error { .. } => tries += 1,
            closed => panic!("{closed:?}"),
        }
        assert!(tries < 200, "the socket does not come back\n{}", scene.gateway.log());
    }
    for text in ["before", "after"] {
        assert_eq!(scene.backend.taken().await.body, text);
    }
    assert_eq!((scene.backend.counts().0, unconfirmed(&scene).await), (2, 0.0));
    assert_eq!(metric(&scene.gateway, "dragoman_upstream_stalls_total").await, 1.0);
    assert!(scene.gateway.log().contains("confirms none"));
}

#[tokio::test]
async fn in_a_department() {
    stalled("licomed", "frontdesk").await;
}

#[tokio::test]
async fn of_a_user() {
    stalled("frontdesk", "licomed").await;
}
