//! The relay over real servers: the promises of every relay, two processes' worth of relays, and connections that end.

use std::time::Duration;

use super::super::{MailboxLimits, MailboxReceiver, mailbox, promises};
use super::*;
use crate::event::{Event, EventKind};
use crate::redis::parse_url;
use crate::redis::server::RedisServer;

const PATIENCE: Duration = Duration::from_secs(10);

async fn open(server: &RedisServer) -> RedisRelay {
    let settings = parse_url(&server.url()).expect("a URL");
    let settings = RedisSettings { heartbeat: Duration::from_millis(200), ..settings };
    let relay = RedisRelay::open(RedisRelaySettings { redis: settings, fill_gaps: true }, &Tasks::new());
    relay.ready(PATIENCE).await.expect("connects");
    relay
}

async fn listen(relay: &RedisRelay, topic: &Topic) -> (Subscription, MailboxReceiver) {
    let (sender, receiver) = mailbox(MailboxLimits { messages: 1_000, bytes: 1 << 20 });
    (relay.subscribe("ann".into(), vec![topic.clone()], sender).await.expect("subscribed"), receiver)
}

async fn say(relay: &RedisRelay, topic: &Topic, body: &str) {
    let mut event = Event::new(EventKind::Typing);
    event.details.body = Some(body.to_owned());
    relay.publish(Parcel::new(event.into(), vec![topic.clone()])).await.expect("published");
}

async fn hears(receiver: &mut MailboxReceiver) -> String {
    let parcel = tokio::time::timeout(PATIENCE, receiver.recv()).await.expect("in time").expect("a parcel");
    parcel.event.details.body.clone().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn promises_hold() {
    let server = RedisServer::start();
    promises::hold(Arc::new(open(&server).await)).await;
}

#[tokio::test]
async fn one_process_hears_another() {
    let server = RedisServer::start();
    let (one, other) = (open(&server).await, open(&server).await);
    let room = Topic::Conversation("room".into());
    let (_here, mut here) = listen(&one, &room).await;
    let (_there, mut there) = listen(&other, &room).await;
    say(&one, &room, "hello").await;
    assert_eq!((hears(&mut here).await, hears(&mut there).await), ("hello".to_owned(), "hello".to_owned()));
}

#[tokio::test]
async fn a_channel_is_subscribed_to_while_somebody_needs_it() {
    let server = RedisServer::start();
    let relay = open(&server).await;
    let room = Topic::Conversation("room".into());
    let channels = || server.command(&["PUBSUB", "NUMSUB", "dragoman:tell:conversation:room"]);
    let count = || server.command(&["PUBSUB", "CHANNELS", "dragoman:tell:*"]);
    assert_eq!(count(), "*0", "{}", channels());
    let (first, _) = listen(&relay, &room).await;
    let (second, _) = listen(&relay, &room).await;
    assert_eq!(count(), "*1");
    drop(first);
    let (_other, mut other) = listen(&relay, &Topic::Everyone).await;
    assert_eq!(count(), "*2");
    drop(second);
    let left = async {
        while count() != "*1" {
            // Leaving is done by a task, which runs while this one waits for a message.
            say(&relay, &Topic::Everyone, "tick").await;
            hears(&mut other).await;
        }
    };
    tokio::time::timeout(PATIENCE, left).await.expect("the channel is left");
}

#[tokio::test]
async fn a_cut_subscription_is_made_again_and_told_of() {
    let mut server = RedisServer::start();
    let relay = open(&server).await;
    let room = Topic::Conversation("room".into());
    let (_subscription, mut receiver) = listen(&relay, &room).await;
    let mut gaps = relay.gaps().expect("it can miss things");
    for round in 0..4 {
        match round {
            3 => server.restart(),
            _ => drop(server.command(&["CLIENT", "KILL", "TYPE", "pubsub"])),
        }
        tokio::time::timeout(PATIENCE, gaps.changed()).await.expect("told of").expect("the relay lives");
        assert_eq!(relay.behind().await.topics.len(), 1);
        say(&relay, &room, &round.to_string()).await;
        assert_eq!(hears(&mut receiver).await, round.to_string());
    }
}

#[tokio::test]
async fn without_its_server_it_tells_here_and_takes_nobody() {
    let mut server = RedisServer::start();
    let relay = open(&server).await;
    let mut state = relay.0.link.state();
    let room = Topic::Conversation("room".into());
    let (here, mut hearing) = listen(&relay, &room).await;
    server.kill();
    let down = state.wait_for(|state| matches!(state, crate::redis::LinkState::Down(_)));
    tokio::time::timeout(PATIENCE, down).await.expect("noticed").expect("the link lives");
    assert!(relay.healthy().await.is_err());
    say(&relay, &room, "typing").await;
    assert_eq!(hears(&mut hearing).await, "typing", "those here still hear each other");
    drop(here);
    let (sender, _receiver) = mailbox(MailboxLimits { messages: 1, bytes: 1_000 });
    let refused = relay.subscribe("ann".into(), vec![Topic::Everyone], sender).await;
    assert!(refused.is_err(), "what cannot be heard is not promised");
    drop(refused);
    assert!(relay.0.state().all_topics().is_empty(), "nothing is left of who was refused");
}

/// What is told once it is recorded, as a journal does it.
fn recorded(turn: u64, topics: &[Topic]) -> crate::event::Announced {
    let mut event = Event::new(EventKind::Typing);
    event.details.conversation.id = "room".to_owned();
    event.details.body = Some(turn.to_string());
    let audience = Audience { topics: topics.to_vec(), last: None };
    crate::event::Announced { event: event.into(), audience, turn, places: Vec::new() }
}

#[tokio::test]
async fn who_joins_while_what_was_missed_is_looked_up_hears_all_that_is_told_afterwards() {
    let server = RedisServer::start();
    let relay = open(&server).await;
    let (ann, room) = (Topic::Party("ann".into()), Topic::Conversation("room".into()));
    let (_earlier, mut earlier) = listen(&relay, &ann).await;
    relay.0.state().fall_behind();
    let behind = relay.behind().await;
    assert_eq!(behind.topics, [(ann.clone(), Place::default())]);

    // Somebody joins the room between the question and its answer, if the relay lets them; an event is recorded then.
    let joining = listen(&relay, &room);
    tokio::pin!(joining);
    let joined = tokio::time::timeout(Duration::from_millis(300), &mut joining).await.ok();
    let was_there = joined.is_some();
    let place = |number| Place { number, mark: 40 + number };
    let missed = Missed {
        // Of the topics of its audience the journal was asked about one.
        announced: vec![recorded(1, std::slice::from_ref(&ann))],
        reached: vec![(ann.clone(), place(1))],
        lost: Vec::new(),
    };
    relay.fill(behind, missed).await;
    let (_later, mut later) = match joined {
        Some(joined) => joined,
        None => joining.await,
    };
    let both = [ann.clone(), room.clone()];
    let hear = |topic, number| {
        let announced = recorded(number, &both);
        relay.0.state().hear(topic, place(number), announced, &relay.0.local)
    };
    // What the server says of it at the room comes when it comes.
    if was_there {
        assert!(hear(&room, 1));
        assert_eq!(hears(&mut later).await, "1", "it had joined before that was told");
    } else {
        relay.0.state().begin(&room, Place { number: 1, mark: 0 });
    }
    assert!(hear(&ann, 2));
    assert_eq!([hears(&mut earlier).await, hears(&mut earlier).await], ["1", "2"]);
    assert_eq!(hears(&mut later).await, "2");
}

/// How far a topic had come is known with its mark: a message that another history has at the same number is another one.
#[tokio::test]
async fn a_topic_begins_with_its_mark() {
    let server = RedisServer::start();
    let relay = open(&server).await;
    server.command(&["HSET", "dragoman:told", "conversation:room", "3"]);
    let entry = ["conversation", "room", "sequence", "3", "turn", "3", "mark", "77"];
    server.command(&[&["XADD", "dragoman:feed:conversation:room", "3-0"][..], &entry[..]].concat());
    let room = Topic::Conversation("room".into());
    let (_subscription, _receiver) = listen(&relay, &room).await;
    assert_eq!(relay.0.state().places(std::slice::from_ref(&room)), [(room, Place { number: 3, mark: 77 })]);
}

/// Turns that another server does not have are yet to come, also of conversations that nobody listened to meanwhile.
#[tokio::test]
async fn turns_that_are_gone_are_waited_for() {
    let server = RedisServer::start();
    let relay = open(&server).await;
    let room = Topic::Conversation("other".into());
    let (_subscription, _receiver) = listen(&relay, &room).await;
    for (conversation, turn) in [("shorter", 5), ("longer", 5)] {
        relay.0.state().remember_turn(conversation, turn);
    }
    server.command(&["HSET", "dragoman:told", "turn:shorter", "2", "turn:longer", "9"]);
    let mut gaps = relay.gaps().expect("it can miss things");
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    tokio::time::timeout(PATIENCE, gaps.changed()).await.expect("told of").expect("the relay lives");
    let turns = ["shorter", "longer"].map(|conversation| relay.0.state().turn(conversation));
    assert_eq!(turns, [Some(2), Some(5)]);
}

/// Word of a loss is a gap at the topic that it is said of.
#[tokio::test]
async fn word_of_a_loss_is_a_gap() {
    let server = RedisServer::start();
    let relay = open(&server).await;
    let room = Topic::Conversation("room".into());
    let (_subscription, _receiver) = listen(&relay, &room).await;
    let mut gaps = relay.gaps().expect("it can miss things");
    server.command(&["PUBLISH", "dragoman:tell:conversation:room", "lost 1\n\n"]);
    tokio::time::timeout(PATIENCE, gaps.changed()).await.expect("told of").expect("the relay lives");
    assert_eq!(relay.behind().await.topics.len(), 1);
}
