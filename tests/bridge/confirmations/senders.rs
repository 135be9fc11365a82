//! Two who send at once into one conversation: each is told of its own, and hears the other's once.

use crate::client::{Client, Heard, Outcome};
use crate::faults::watch::until;
use crate::pair::scene::{Scene, Staging};

use super::{colleague, unconfirmed};

const EACH: usize = 25;

/// Every third text is one that both say.
fn text(who: &str, at: usize) -> String {
    if at.is_multiple_of(3) { "both say this".to_owned() } else { format!("{who} says {at}") }
}

async fn interleaved(from: &'static str, to: &'static str, own_accounts: bool) {
    let mut scene = Scene::set_as(from, to, &Staging { own_accounts, ..Staging::default() }).await;
    let mut other = colleague(&scene).await;
    until("both listen", async || scene.backend.sockets() >= if own_accounts { 2 } else { 0 }).await;
    // Each is known there by a first word, as in any conversation that goes on.
    for (one, text) in [(&mut scene.client, "I am here"), (&mut other, "I am here, too")] {
        one.say(text).await;
    }
    assert_eq!(other.hears().await, Heard::Text("I am here".to_owned()));
    assert_eq!(scene.client.hears().await, Heard::Text("I am here, too".to_owned()));
    for at in 0..EACH {
        scene.client.send_text(&text("one", at)).await;
        other.send_text(&text("the other", at)).await;
    }
    told_of_its_own(&mut scene.client, "one").await;
    told_of_its_own(&mut other, "the other").await;
    hears_all(&mut scene.client, "the other").await;
    hears_all(&mut other, "one").await;
    assert_eq!(scene.backend.counts().0, 2 * EACH + 2);
    assert_eq!(unconfirmed(&scene).await, 0.0);
    scene.backend.say("that was all").await;
    for client in [&mut scene.client, &mut other] {
        assert_eq!(client.hears().await, Heard::Text("that was all".to_owned()), "{from} → {to}");
    }
}

async fn told_of_its_own(client: &mut Box<dyn Client>, who: &str) {
    for at in 0..EACH {
        assert_eq!(client.outcome().await, Outcome::Confirmed { body: text(who, at) }, "{who}");
    }
}

async fn hears_all(client: &mut Box<dyn Client>, who: &str) {
    for at in 0..EACH {
        assert_eq!(client.hears().await, Heard::Text(text(who, at)), "{who}");
    }
}

#[tokio::test]
async fn of_one_account_in_a_session() {
    interleaved("frontdesk", "andromedia", false).await;
}

#[tokio::test]
async fn of_one_account_that_writes_to_another() {
    interleaved("frontdesk", "licomed", false).await;
}

#[tokio::test]
async fn of_one_account_among_admins() {
    interleaved("frontdesk", "luxmart", false).await;
}

#[tokio::test]
async fn of_one_app() {
    interleaved("frontdesk", "divar", false).await;
}

#[tokio::test]
async fn of_their_own_accounts_in_a_session() {
    interleaved("frontdesk", "andromedia", true).await;
}

/// Where a frame tells of its sender no more than the side, or a name: known by what they say.
async fn told_apart(from: &'static str, to: &'static str) {
    let mut scene = Scene::set_as(from, to, &Staging { own_accounts: true, ..Staging::default() }).await;
    let mut other = colleague(&scene).await;
    let text = |who: &str, at: usize| format!("{who} says {at}");
    for at in 0..EACH {
        scene.client.send_text(&text("one", at)).await;
        other.send_text(&text("the other", at)).await;
    }
    for (client, own, theirs) in [(&mut scene.client, "one", "the other"), (&mut other, "the other", "one")] {
        for at in 0..EACH {
            assert_eq!(client.outcome().await, Outcome::Confirmed { body: text(own, at) });
        }
        for at in 0..EACH {
            assert_eq!(client.hears().await, Heard::Text(text(theirs, at)));
        }
    }
    assert_eq!(unconfirmed(&scene).await, 0.0);
}

#[tokio::test]
async fn of_their_own_accounts_in_a_department() {
    told_apart("luxmart", "frontdesk").await;
}

#[tokio::test]
async fn of_their_own_accounts_among_admins() {
    told_apart("frontdesk", "luxmart").await;
}

/// Nobody is known there yet, and both begin with the same words: each is confirmed once, and hears it once.
#[tokio::test]
async fn of_accounts_that_are_not_known_yet() {
    for to in ["andromedia", "luxmart"] {
        let mut scene = Scene::set_as("frontdesk", to, &Staging { own_accounts: true, ..Staging::default() }).await;
        let mut other = colleague(&scene).await;
        until("both listen", async || scene.backend.sockets() == 2).await;
        let said = |who: &str| ["good morning".to_owned(), format!("{who} is here"), format!("{who} has time")];
        for (one, the_other) in said("one").iter().zip(&said("the other")) {
            scene.client.send_text(one).await;
            other.send_text(the_other).await;
        }
        for (client, own, theirs) in [(&mut scene.client, "one", "the other"), (&mut other, "the other", "one")] {
            for text in said(own) {
                assert_eq!(client.outcome().await, Outcome::Confirmed { body: text }, "{to}");
            }
            for text in said(theirs) {
                assert_eq!(client.hears().await, Heard::Text(text), "{to}");
            }
        }
        assert_eq!(unconfirmed(&scene).await, 0.0);
    }
}
