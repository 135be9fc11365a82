//! `replay = "missed"`: whoever comes back, on whichever replica, hears what it missed, in order, once.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::harness::socket::Socket;
use super::harness::{Gateway, http};
use super::stage::{ALICE, BOB, Stage, connect, connect_with, hear, hear_all, say, token};

const REPLAY: &str = "replay = \"missed\"\nreplay_window = \"30s\"";

/// Nothing more comes.
async fn hears_nothing(socket: &mut Socket) {
    let more = socket.hear_within(Duration::from_millis(300)).await;
    assert!(more.is_none(), "{more:?}");
}

fn texts(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|at| format!("message {at}")).collect()
}

async fn say_all(socket: &mut Socket, texts: &[String]) {
    for text in texts {
        say(socket, BOB, text).await;
    }
    assert_eq!(hear_all(socket, "conf_message", texts.len()).await, texts);
}

/// Reads on until pings are answered, so that the gateway knows what was heard.
async fn settle(socket: &mut Socket) {
    hears_nothing(socket).await;
}

#[tokio::test]
async fn who_comes_back_elsewhere_hears_what_it_missed() {
    let stage = Stage::set_with(REPLAY).await;
    let token = token(&stage.one, BOB);
    let mut alice = connect(&stage.one, ALICE).await;
    let mut bob = connect_with(&stage.one, &token).await;
    say_all(&mut alice, &texts(0..10)).await;
    assert_eq!(hear_all(&mut bob, "re_message", 10).await, texts(0..10));
    settle(&mut bob).await;
    for round in 1..6 {
        drop(bob);
        // Where Bob was: Alice is on one, and alone there or nobody is left.
        let (gateway, left) = if round % 2 == 1 { (&stage.one, 1) } else { (&stage.other, 0) };
        until_left(gateway, left).await;
        say_all(&mut alice, &texts(round * 10..round * 10 + 10)).await;
        bob = connect_with(if round % 2 == 0 { &stage.one } else { &stage.other }, &token).await;
        assert_eq!(hear_all(&mut bob, "re_message", 10).await, texts(round * 10..round * 10 + 10));
        // New ones come after them, and nothing comes twice.
        say(&mut alice, BOB, "live").await;
        hear(&mut alice, "conf_message").await;
        assert_eq!(hear(&mut bob, "re_message").await.0, "live");
        settle(&mut bob).await;
    }
    // The sender missed nothing, and is told nothing again.
    settle(&mut alice).await;
    drop(alice);
    let mut alice = connect(&stage.other, ALICE).await;
    hears_nothing(&mut alice).await;
}

#[tokio::test]
async fn a_killed_replica_s_clients_hear_everything_elsewhere() {
    let mut stage = Stage::set_with(REPLAY).await;
    let mut alice = connect(&stage.one, ALICE).await;
    let token = token(&stage.one, BOB);
    let mut heard = Vec::new();
    let mut at = 0;
    for _ in 0..3 {
        let mut bob = connect_with(&stage.other, &token).await;
        let some = texts(at..at + 40);
        at += 40;
        for (number, text) in some.iter().enumerate() {
            say(&mut alice, BOB, text).await;
            if number == 20 {
                heard.push(hear(&mut bob, "re_message").await.0);
                stage.other.kill_and_restart().await;
            }
        }
        assert_eq!(hear_all(&mut alice, "conf_message", 40).await, some);
        // To the replica that did not die.
        let mut bob = connect_with(&stage.one, &token).await;
        while heard.last() != some.last() {
            heard.push(hear(&mut bob, "re_message").await.0);
        }
        settle(&mut bob).await;
    }
    let told = heard.len();
    let mut once = heard.clone();
    once.dedup();
    let mut seen = std::collections::HashSet::new();
    once.retain(|text| seen.insert(text.clone()));
    println!("{} messages, {told} told: {} of them again, since nobody knew that they were heard", at, told - at);
    assert_eq!(once, texts(0..at), "in order, none lost");
}

#[tokio::test]
async fn a_reader_that_was_too_slow_loses_nothing() {
    let stage = Stage::set_with(REPLAY).await;
    let token = token(&stage.one, BOB);
    let mut alice = connect(&stage.one, ALICE).await;
    let mut bob = connect_with(&stage.other, &token).await;
    // More than a mailbox and the buffers of a connection hold; Bob reads none of it.
    let long = "x".repeat(8_000);
    let count = 2_000;
    let expected: Vec<String> = (0..count).map(|at| format!("{at} {long}")).collect();
    for some in expected.chunks(100) {
        say_all(&mut alice, some).await;
    }
    let mut heard: Vec<String> = Vec::new();
    let mut closes = 0usize;
    while heard.len() < count {
        match timeout(Duration::from_secs(20), bob.hear()).await.expect("something in time") {
            super::harness::socket::Heard::Frame(frame) => {
                let text = frame["message"].as_str().unwrap_or_default().to_owned();
                if heard.last().is_none_or(|last| number(last) < number(&text)) {
                    heard.push(text);
                }
            }
            super::harness::socket::Heard::Closed(_) => {
                closes += 1;
                bob = connect_with(&stage.one, &token).await;
            }
        }
    }
    assert!(closes > 0, "it was never too slow");
    assert!(heard == expected, "something is missing or out of order");
}

fn number(text: &str) -> usize {
    text.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[tokio::test]
async fn after_the_window_nothing_is_replayed() {
    let stage = Stage::set_with("replay = \"missed\"\nreplay_window = \"1s\"").await;
    let mut alice = connect(&stage.one, ALICE).await;
    let mut bob = connect(&stage.one, BOB).await;
    say_all(&mut alice, &texts(0..1)).await;
    hear(&mut bob, "re_message").await;
    settle(&mut bob).await;
    drop(bob);
    until_left(&stage.one, 1).await;
    say_all(&mut alice, &texts(1..3)).await;
    sleep(Duration::from_millis(1_500)).await;
    let mut bob = connect(&stage.other, BOB).await;
    say_all(&mut alice, &texts(3..4)).await;
    assert_eq!(hear(&mut bob, "re_message").await.0, "message 3");
}

/// A client whose token was renewed is the same client.
#[tokio::test]
async fn another_credential_goes_on_where_the_last_left() {
    let stage = Stage::set_with(REPLAY).await;
    let mut alice = connect(&stage.one, ALICE).await;
    let mut bob = connect(&stage.one, BOB).await;
    say_all(&mut alice, &texts(0..1)).await;
    hear(&mut bob, "re_message").await;
    settle(&mut bob).await;
    drop(bob);
    until_left(&stage.one, 1).await;
    say_all(&mut alice, &texts(1..3)).await;
    let renewed = stage.other.token(serde_json::json!({ "sub": BOB, "role": "user", "name": "Bob", "jti": "2" }));
    let path = format!("/ws/chat/room/?token={renewed}");
    let mut bob = Socket::open(stage.other.address, &path, None).await.unwrap();
    assert_eq!(hear_all(&mut bob, "re_message", 2).await, texts(1..3));
    hears_nothing(&mut bob).await;
}

/// Until only so many sockets are open there: how far the others had heard is kept then.
async fn until_left(gateway: &Gateway, count: usize) {
    let open = format!("dragoman_websocket_connections{{route=\"licomed\"}} {count}\n");
    let left = async {
        loop {
            let page = http::get(gateway.admin, "/metrics", &[]).await.body;
            if String::from_utf8_lossy(&page).contains(&open) {
                return;
            }
        }
    };
    timeout(super::harness::PATIENCE, left).await.expect("the socket ends");
}
