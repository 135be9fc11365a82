//! One conversation over two replicas, without faults.

use serde_json::json;

use super::harness::{Gateway, http};
use super::stage::{ALICE, BOB, Stage, connect, hear, hear_all, say};

#[tokio::test]
async fn confirmations_and_deliveries_cross_replicas() {
    let stage = Stage::set().await;
    let mut bob = connect(&stage.other, BOB).await;
    let mut alice_there = connect(&stage.other, ALICE).await;
    let mut alice = connect(&stage.one, ALICE).await;
    let expected: Vec<String> = (0..50).map(|at| format!("message {at}")).collect();
    for text in &expected {
        say(&mut alice, BOB, text).await;
    }
    assert_eq!(hear_all(&mut alice, "conf_message", 50).await, expected, "where it was said");
    assert_eq!(hear_all(&mut alice_there, "conf_message", 50).await, expected, "the sender's other socket");
    assert_eq!(hear_all(&mut bob, "re_message", 50).await, expected, "the receiver, on the other replica");
    say(&mut bob, ALICE, "answer").await;
    let (text, id) = hear(&mut alice, "re_message").await;
    assert_eq!(text, "answer");
    assert_eq!(hear(&mut alice_there, "re_message").await, (text, id), "one message has one id everywhere");
}

/// Two who talk at once through two replicas: both sides see one order.
#[tokio::test]
async fn all_see_one_order() {
    let stage = Stage::set().await;
    let (mut alice, mut bob) = (connect(&stage.one, ALICE).await, connect(&stage.other, BOB).await);
    let (mut seen_by_alice, mut seen_by_bob) = (Vec::new(), Vec::new());
    // The conversation is there before both write in it.
    say(&mut alice, BOB, "begin").await;
    hear(&mut alice, "conf_message").await;
    hear(&mut bob, "re_message").await;
    for at in 0..40 {
        say(&mut alice, BOB, &format!("a{at}")).await;
        say(&mut bob, ALICE, &format!("b{at}")).await;
    }
    for (socket, seen) in [(&mut alice, &mut seen_by_alice), (&mut bob, &mut seen_by_bob)] {
        for _ in 0..80 {
            let frame = tokio::time::timeout(super::harness::PATIENCE, socket.frame()).await.expect("in time");
            seen.push(frame["message"].as_str().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(seen_by_alice, seen_by_bob);
    for sender in ["a", "b"] {
        let own: Vec<_> = seen_by_bob.iter().filter(|text| text.starts_with(sender)).cloned().collect();
        assert_eq!(own, (0..40).map(|at| format!("{sender}{at}")).collect::<Vec<_>>());
    }
}

/// A guest who comes through both replicas at once gets one session.
#[tokio::test]
async fn a_decision_is_taken_once() {
    let stage = Stage::set().await;
    for round in 0..5 {
        let guest = format!("11111111-2222-4333-8444-{round:012}");
        let visitor = stage.one.token(json!({ "sub": guest, "role": "visitor", "business": "hotel" }));
        let bearer = format!("Bearer {visitor}");
        let start = async |gateway: &Gateway| {
            let headers = [("Authorization", bearer.as_str())];
            let body = br#"{"business":"hotel"}"#;
            let answer = http::post_json(gateway.address, "/chat/start-session/", &headers, body).await;
            answer.json()["data"]["session_id"].as_str().expect("a session").to_owned()
        };
        let (one, other) = (&stage.one, &stage.other);
        let all = [one, other, one, other, one, other].map(|replica| Box::pin(start(replica)));
        let sessions = futures_util::future::join_all(all).await;
        assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
    }
}
