//! What every relay promises; each implementation's tests run this suite.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::future::poll_immediate;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinSet;

use crate::event::{Event, EventKind, MessageKind};

use super::{MailboxEnd, MailboxLimits, MailboxReceiver, Parcel, Relay, Subscription, Topic, mailbox};

const ROOMY: MailboxLimits = MailboxLimits { messages: 1_000, bytes: 1 << 20 };

fn parcel(body: &str, topics: &[Topic]) -> Parcel {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.body = Some(body.to_owned());
    Parcel::new(Arc::new(event), topics.to_vec())
}

fn room(name: &str) -> Topic {
    Topic::Conversation(name.into())
}

async fn listen(relay: &dyn Relay, topics: &[Topic], limits: MailboxLimits) -> (Subscription, MailboxReceiver) {
    let (sender, receiver) = mailbox(limits);
    (relay.subscribe("ann".into(), topics.to_vec(), sender).await.expect("subscribed"), receiver)
}

async fn body(receiver: &mut MailboxReceiver) -> String {
    receiver.recv().await.expect("a parcel").event.details.body.clone().unwrap_or_default()
}

pub async fn hold(relay: Arc<dyn Relay>) {
    each_mailbox_once_and_in_order(&*relay).await;
    the_sender_hears_last(&*relay).await;
    all_mailboxes_see_one_order(&relay).await;
    who_left_hears_nothing(&*relay).await;
    a_full_mailbox_ends_and_harms_nobody(&*relay).await;
    assert!(relay.healthy().await.is_ok());
}

async fn each_mailbox_once_and_in_order(relay: &dyn Relay) {
    let both = [room("a"), Topic::Party("ann".into())];
    let (_first, mut two_topics) = listen(relay, &both, ROOMY).await;
    let (_second, mut other) = listen(relay, &[room("b")], ROOMY).await;
    for at in 0..100 {
        relay.publish(parcel(&at.to_string(), &both)).await.expect("published");
    }
    relay.publish(parcel("end", &[room("a"), room("b")])).await.expect("published");
    for at in 0..100 {
        assert_eq!(body(&mut two_topics).await, at.to_string());
    }
    assert_eq!(body(&mut two_topics).await, "end", "each parcel came once");
    assert_eq!(body(&mut other).await, "end", "what is for others did not come");
}

/// Readers that share one thread run in the order in which they are woken; the log shows that order.
async fn the_sender_hears_last(relay: &dyn Relay) {
    let (mut receivers, mut subscriptions) = (Vec::new(), Vec::new());
    for party in ["ann", "bob", "ann", "eve"] {
        let (sender, receiver) = mailbox(ROOMY);
        subscriptions.push(relay.subscribe(party.into(), vec![room("last")], sender).await.expect("subscribed"));
        receivers.push((party, receiver));
    }
    let log = Mutex::new(Vec::new());
    let (log, mut readers) = (&log, FuturesUnordered::new());
    for (party, mut receiver) in receivers {
        readers.push(async move {
            receiver.recv().await.expect("a parcel");
            log.lock().expect("not poisoned").push(party);
        });
    }
    assert!(poll_immediate(readers.next()).await.is_none(), "all wait");
    let last = Some("ann".into());
    relay.publish(Parcel { last, ..parcel("x", &[room("last")]) }).await.expect("published");
    while readers.next().await.is_some() {}
    assert_eq!(*log.lock().expect("not poisoned"), ["bob", "eve", "ann", "ann"]);
}

#[expect(clippy::disallowed_methods, reason = "tasks of a test")]
async fn all_mailboxes_see_one_order(relay: &Arc<dyn Relay>) {
    let (_first, mut one) = listen(&**relay, &[room("order")], ROOMY).await;
    let (_second, mut other) = listen(&**relay, &[room("order"), Topic::Everyone], ROOMY).await;
    let mut publishers = JoinSet::new();
    for publisher in 0..4 {
        let relay = Arc::clone(relay);
        publishers.spawn(async move {
            for at in 0..100 {
                let topics = [Topic::Everyone, room("order")];
                relay.publish(parcel(&format!("{publisher}/{at:02}"), &topics)).await.expect("published");
            }
        });
    }
    publishers.join_all().await;
    let mut bodies = Vec::new();
    for _ in 0..400 {
        bodies.push(body(&mut one).await);
        assert_eq!(body(&mut other).await, *bodies.last().expect("just pushed"));
    }
    for publisher in 0..4 {
        let own = bodies.iter().filter(|body| body.starts_with(&format!("{publisher}/")));
        assert!(own.is_sorted(), "what one publishes stays in its order");
    }
}

async fn who_left_hears_nothing(relay: &dyn Relay) {
    let (subscription, mut receiver) = listen(relay, &[room("left")], ROOMY).await;
    let (_stays, mut witness) = listen(relay, &[room("left")], ROOMY).await;
    relay.publish(parcel("before", &[room("left")])).await.expect("published");
    assert_eq!(body(&mut witness).await, "before", "who came later hears later");
    drop(subscription);
    relay.publish(parcel("after", &[room("left")])).await.expect("published");
    assert_eq!(body(&mut witness).await, "after");
    assert_eq!(body(&mut receiver).await, "before");
    assert_eq!(receiver.recv().await.map(|_| ()), Err(MailboxEnd::Closed));
}

async fn a_full_mailbox_ends_and_harms_nobody(relay: &dyn Relay) {
    let small = MailboxLimits { messages: 3, bytes: 1 << 20 };
    let light = MailboxLimits { messages: 1_000, bytes: 4_000 };
    let (_a, mut few) = listen(relay, &[room("full")], small).await;
    let (_b, mut thin) = listen(relay, &[room("full")], light).await;
    let (_c, mut roomy) = listen(relay, &[room("full")], ROOMY).await;
    for at in 0..10 {
        relay.publish(parcel(&at.to_string(), &[room("full")])).await.expect("never waits");
    }
    for at in 0..10 {
        assert_eq!(body(&mut roomy).await, at.to_string());
    }
    assert_eq!(few.recv().await.map(|_| ()), Err(MailboxEnd::Overflowed));
    assert_eq!(thin.recv().await.map(|_| ()), Err(MailboxEnd::Overflowed), "bytes count too");
}
