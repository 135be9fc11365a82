//! What every journal promises. Each implementation's tests run this suite on a fresh journal; a later one (Redis) runs
//! the same.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::event::{Event, EventKind, IdForm, MessageKind, Resource};

use super::{Append, Collection, Journal, JournalError, Namespace, Put, Span};

/// A text message of a conversation.
pub fn text(conversation: &str, body: &str) -> Append {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = conversation.to_owned();
    event.details.body = Some(body.to_owned());
    Append { event, key: None, documents: Vec::new() }
}

pub fn all() -> Span {
    Span { after: None, before: None, limit: usize::MAX, newest_first: false }
}

fn bodies(events: &[Arc<Event>]) -> Vec<String> {
    events.iter().map(|event| event.details.body.clone().unwrap_or_default()).collect()
}

/// Runs every promise.
pub async fn hold(journal: Arc<dyn Journal>) {
    numbers_without_holes(&journal).await;
    spans(&journal).await;
    a_key_is_one_event(&journal).await;
    documents_go_with_their_event(&journal).await;
    ids_stay(&journal).await;
    followers_hear_in_order(&journal).await;
    journal.close().await;
    let refused = journal.append(text("late", "x")).await;
    assert!(matches!(refused, Err(JournalError::Unavailable(_))), "a closed journal takes nothing");
}

#[expect(clippy::disallowed_methods, reason = "tasks of a test")]
async fn numbers_without_holes(journal: &Arc<dyn Journal>) {
    let mut senders = JoinSet::new();
    for sender in 0..16 {
        let journal = Arc::clone(journal);
        senders.spawn(async move {
            for at in 0..20 {
                let conversation = format!("crowd-{}", at % 3);
                journal.append(text(&conversation, &format!("{sender}/{at:02}"))).await.expect("recorded");
            }
        });
    }
    senders.join_all().await;
    let mut ids = Vec::new();
    for conversation in ["crowd-0", "crowd-1", "crowd-2"] {
        let events = journal.read(conversation, all()).await.expect("readable");
        let sequences: Vec<_> = events.iter().map(|event| event.details.sequence).collect();
        let expected: Vec<_> = (1..=events.len() as u64).map(Some).collect();
        assert_eq!(sequences, expected, "{conversation} has no holes");
        for sender in 0..16 {
            let prefix = format!("{sender}/");
            let own: Vec<_> = bodies(&events).into_iter().filter(|body| body.starts_with(&prefix)).collect();
            assert!(own.is_sorted(), "a sender's messages stay in its order: {own:?}");
        }
        ids.extend(events.iter().map(|event| event.details.id.clone()));
    }
    assert_eq!(ids.len(), 320);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 320, "every message has its own id");
}

async fn spans(journal: &Arc<dyn Journal>) {
    for body in ["1", "2", "3", "4", "5"] {
        journal.append(text("span", body)).await.expect("recorded");
    }
    journal.append(text("span-neighbour", "no")).await.expect("recorded");
    let read = async |span| bodies(&journal.read("span", span).await.expect("readable"));
    assert_eq!(read(all()).await, ["1", "2", "3", "4", "5"]);
    assert_eq!(read(Span { limit: 2, newest_first: true, ..all() }).await, ["5", "4"]);
    assert_eq!(read(Span { after: Some(2), before: Some(5), ..all() }).await, ["3", "4"]);
    assert_eq!(read(Span { after: Some(5), ..all() }).await, Vec::<String>::new());
    assert_eq!(read(Span { before: Some(0), ..all() }).await, Vec::<String>::new());
    assert_eq!(journal.read("nobody", all()).await, Ok(Vec::new()));
}

async fn a_key_is_one_event(journal: &Arc<dyn Journal>) {
    let keyed = |body: &str| Append { key: Some("k".to_owned()), ..text("keys", body) };
    let first = journal.append(keyed("first")).await.expect("recorded");
    let second = journal.append(keyed("second")).await.expect("recognised");
    assert!(!first.repeated && second.repeated);
    assert_eq!(second.event, first.event);
    let elsewhere = Append { key: Some("k".to_owned()), ..text("keys-elsewhere", "third") };
    assert!(!journal.append(elsewhere).await.expect("recorded").repeated, "a key belongs to its conversation");
    assert_eq!(journal.event(&first.event.details.id).await, Ok(Some(first.event)));
    assert_eq!(journal.event("no such id").await, Ok(None));
}

async fn documents_go_with_their_event(journal: &Arc<dyn Journal>) {
    let put = |key: &str, value: Option<&str>| Put {
        collection: Collection::Uploads,
        key: key.to_owned(),
        value: value.map(|text| text.as_bytes().to_vec()),
    };
    let append = Append { documents: vec![put("d/1", Some("one")), put("d/2", Some("two"))], ..text("documents", "x") };
    let recorded = journal.append(append).await.expect("recorded");
    assert_eq!(journal.get(Collection::Uploads, "d/1").await, Ok(Some(b"one".to_vec())));
    assert_eq!(journal.get(Collection::Parties, "d/1").await, Ok(None), "collections are apart");
    journal.put(vec![put("d/1", None), put("d/3", Some("three")), put("e", Some("other"))]).await.expect("written");
    let found = journal.scan(Collection::Uploads, "d/", None, 10).await.expect("readable");
    assert_eq!(found, [("d/2".to_owned(), b"two".to_vec()), ("d/3".to_owned(), b"three".to_vec())]);
    let after = journal.scan(Collection::Uploads, "d/", Some("d/2"), 10).await.expect("readable");
    assert_eq!(after, [("d/3".to_owned(), b"three".to_vec())]);
    let mut amended = (*recorded.event).clone();
    amended.details.body = Some("y".to_owned());
    journal.amend(amended, Vec::new()).await.expect("amended");
    assert_eq!(bodies(&journal.read("documents", all()).await.expect("readable")), ["y"]);
}

async fn ids_stay(journal: &Arc<dyn Journal>) {
    let integers = Namespace { owner: "toy".into(), resource: Resource::Conversation };
    journal.bind(&integers, "pinned", "2").await.expect("free");
    journal.bind(&integers, "pinned", "2").await.expect("the same again");
    let conflict = journal.bind(&integers, "thief", "2").await;
    assert_eq!(conflict, Err(JournalError::Bound { native: "2".to_owned(), bound: "pinned".to_owned() }));
    let native = async |canonical, form| journal.native(&integers, canonical, form).await.expect("named");
    assert_eq!(native("a", IdForm::Integer).await, "1");
    assert_eq!(native("b", IdForm::Integer).await, "3", "what is pinned is passed over");
    assert_eq!(native("a", IdForm::Integer).await, "1", "an id is for ever");
    assert_eq!(native("77", IdForm::Integer).await, "77", "an integer is its own");
    assert_eq!(native("pinned", IdForm::Integer).await, "2");
    assert_eq!(journal.canonical(&integers, "3").await, Ok(Some("b".to_owned())));
    assert_eq!(journal.canonical(&integers, "99").await, Ok(None));
    let parties = Namespace { owner: "toy".into(), resource: Resource::Party };
    assert_eq!(journal.native(&parties, "a", IdForm::Integer).await, Ok("1".to_owned()), "resources are apart");
    let derived = journal.native(&parties, "ann", IdForm::Uuid).await.expect("named");
    assert!(uuid::Uuid::try_parse(&derived).is_ok());
    assert_eq!(journal.canonical(&parties, &derived).await, Ok(Some("ann".to_owned())));
    let own = "3f0c2b1e-0000-4000-8000-00000000000a";
    assert_eq!(journal.native(&parties, own, IdForm::Uuid).await, Ok(own.to_owned()));
}

async fn followers_hear_in_order(journal: &Arc<dyn Journal>) {
    let mut follower = journal.follow();
    for at in 0..50 {
        journal.append(text("followed", &at.to_string())).await.expect("recorded");
    }
    for at in 1..=50 {
        let event = follower.recv().await.expect("followed");
        assert_eq!(event.details.sequence, Some(at));
    }
}
