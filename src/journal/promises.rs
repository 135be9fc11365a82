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

fn document(key: &str, value: Option<&str>) -> Put {
    let value = value.map(|text| text.as_bytes().to_vec());
    Put { collection: Collection::Uploads, key: key.to_owned(), value }
}

fn namespace(resource: Resource) -> Namespace {
    Namespace { owner: "toy".into(), resource }
}

/// Runs every promise but that of a restart.
pub async fn hold(journal: Arc<dyn Journal>) {
    numbers_without_holes(&journal).await;
    the_place_is_taken_at_the_call(&*journal).await;
    what_the_journal_adds(&*journal).await;
    spans(&journal).await;
    a_key_is_one_event(&journal).await;
    a_key_is_one_event_at_once(&*journal).await;
    documents_go_with_their_event(&journal).await;
    only_what_is_there_is_amended(&*journal).await;
    ids_stay(&journal).await;
    one_id_for_all_who_ask_at_once(&*journal).await;
    one_refusal_harms_nobody_else(&*journal).await;
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
    let append = Append {
        documents: vec![document("d/1", Some("one")), document("d/2", Some("two"))],
        ..text("documents", "x")
    };
    let recorded = journal.append(append).await.expect("recorded");
    assert_eq!(journal.get(Collection::Uploads, "d/1").await, Ok(Some(b"one".to_vec())));
    assert_eq!(journal.get(Collection::Parties, "d/1").await, Ok(None), "collections are apart");
    journal
        .put(vec![document("d/1", None), document("d/3", Some("three")), document("e", Some("other"))])
        .await
        .expect("written");
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
    let integers = namespace(Resource::Conversation);
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
    assert_eq!(native("3", IdForm::Integer).await, "4", "an integer that is taken is not its own");
    assert_eq!(native("007", IdForm::Integer).await, "5", "nor is one in another spelling");
    assert_eq!(journal.canonical(&integers, "3").await, Ok(Some("b".to_owned())));
    assert_eq!(journal.canonical(&integers, "99").await, Ok(None));
    let parties = namespace(Resource::Party);
    assert_eq!(journal.native(&parties, "a", IdForm::Integer).await, Ok("1".to_owned()), "resources are apart");
    let derived = journal.native(&parties, "ann", IdForm::Uuid).await.expect("named");
    assert!(uuid::Uuid::try_parse(&derived).is_ok());
    assert_eq!(journal.canonical(&parties, &derived).await, Ok(Some("ann".to_owned())));
    let own = "3f0c2b1e-0000-4000-8000-00000000000a";
    assert_eq!(journal.native(&parties, own, IdForm::Uuid).await, Ok(own.to_owned()));
}

async fn the_place_is_taken_at_the_call(journal: &dyn Journal) {
    let (first, second) = (journal.append(text("called", "first")), journal.append(text("called", "second")));
    let dropped = journal.append(text("called", "dropped"));
    drop(dropped);
    let second = second.await.expect("recorded");
    let first = first.await.expect("recorded");
    assert_eq!((first.event.details.sequence, second.event.details.sequence), (Some(1), Some(2)));
    let last = journal.append(text("called", "last")).await.expect("recorded");
    assert_eq!(last.event.details.sequence, Some(4), "who no longer waits has sent all the same");
}

async fn what_the_journal_adds(journal: &dyn Journal) {
    let recorded = journal.append(text("added", "x")).await.expect("recorded").event;
    assert!(recorded.details.received_at.is_some());
    assert!(recorded.details.id.parse::<u64>().is_ok_and(|id| id > 0), "{:?}", recorded.details.id);
    let mut own = text("added", "y");
    own.event.details.id = "own-id".to_owned();
    own.event.details.received_at = recorded.details.received_at;
    let kept = journal.append(own.clone()).await.expect("recorded").event;
    assert_eq!((kept.details.id.as_str(), kept.details.received_at), ("own-id", recorded.details.received_at));
    let about_it = journal.append(own).await.expect("recorded").event;
    assert_eq!(about_it.details.sequence, Some(3));
    assert_eq!(journal.event("own-id").await, Ok(Some(kept)), "an id names the first event that has it");
    let next = recorded.details.id.parse::<u64>().expect("a number") + 1;
    let mut taken = text("added", "z");
    taken.event.details.id = next.to_string();
    journal.append(taken).await.expect("recorded");
    let after = journal.append(text("added", "w")).await.expect("recorded").event;
    assert_eq!(after.details.id, (next + 1).to_string(), "an id that is taken is passed over");
}

async fn a_key_is_one_event_at_once(journal: &dyn Journal) {
    let append = |at: usize| Append {
        key: Some("same".to_owned()),
        documents: vec![document("repeats", Some(&at.to_string()))],
        ..text("keys-at-once", &at.to_string())
    };
    let recorded = futures_util::future::join_all((0..20).map(|at| journal.append(append(at)))).await;
    let fresh = recorded.iter().filter(|recorded| recorded.as_ref().is_ok_and(|recorded| !recorded.repeated));
    assert_eq!(fresh.count(), 1);
    assert_eq!(bodies(&journal.read("keys-at-once", all()).await.expect("readable")), ["0"]);
    let written = journal.get(Collection::Uploads, "repeats").await;
    assert_eq!(written, Ok(Some(b"0".to_vec())), "what is not recorded again writes no documents");
}

async fn only_what_is_there_is_amended(journal: &dyn Journal) {
    let recorded = journal.append(text("amended", "x")).await.expect("recorded").event;
    let mut elsewhere = (*recorded).clone();
    elsewhere.details.sequence = Some(7);
    let mut other = (*recorded).clone();
    other.details.id = "another".to_owned();
    let mut nowhere = (*recorded).clone();
    nowhere.details.sequence = None;
    for event in [elsewhere, other, nowhere] {
        let refused = journal.amend(event, vec![document("amended", Some("x"))]).await;
        assert!(matches!(refused, Err(JournalError::Unreadable(_))), "{refused:?}");
    }
    assert_eq!(journal.read("amended", all()).await, Ok(vec![recorded]));
    assert_eq!(journal.get(Collection::Uploads, "amended").await, Ok(None));
}

async fn one_id_for_all_who_ask_at_once(journal: &dyn Journal) {
    let names = Namespace { owner: "crowd".into(), resource: Resource::Party };
    let asked = (0..20).map(|at| ["ann", "bob"][at % 2]);
    let asked = futures_util::future::join_all(asked.map(|who| journal.native(&names, who, IdForm::Integer))).await;
    let expected: Vec<_> = (0..20).map(|at| Ok((at % 2 + 1).to_string())).collect();
    assert_eq!(asked, expected);
}

/// Writes that arrive together are committed together; a refusal among them stays with its own.
async fn one_refusal_harms_nobody_else(journal: &dyn Journal) {
    let names = Namespace { owner: "conflicts".into(), resource: Resource::Party };
    journal.bind(&names, "ann", "bob").await.expect("free");
    let before = journal.append(text("beside", "before"));
    let text_taken = journal.native(&names, "bob", IdForm::Text);
    let unknown = journal.amend(text("beside", "no").event, Vec::new());
    let (before, text_taken, unknown, after) =
        tokio::join!(before, text_taken, unknown, journal.append(text("beside", "after")));
    assert!(before.is_ok() && after.is_ok());
    assert!(matches!(text_taken, Err(JournalError::Bound { .. })), "{text_taken:?}");
    assert!(unknown.is_err());
    assert_eq!(bodies(&journal.read("beside", all()).await.expect("readable")), ["before", "after"]);
}

/// What a journal must still know after a restart.
pub struct Memory {
    events: Vec<Arc<Event>>,
}

/// Records something of every sort.
pub async fn fill(journal: &dyn Journal) -> Memory {
    let keyed = Append { key: Some("k".to_owned()), documents: vec![document("d", Some("v"))], ..text("kept", "1") };
    let events = vec![
        journal.append(keyed).await.expect("recorded").event,
        journal.append(text("kept", "2")).await.expect("recorded").event,
    ];
    let names = namespace(Resource::Party);
    assert_eq!(journal.native(&names, "ann", IdForm::Integer).await, Ok("1".to_owned()));
    journal.bind(&names, "pinned", "2").await.expect("free");
    Memory { events }
}

/// After a restart: all of it is there, and what is counted goes on.
pub async fn remembered(journal: &dyn Journal, memory: Memory) {
    let last_id: u64 = memory.events[1].details.id.parse().expect("a number");
    let again = Append { key: Some("k".to_owned()), ..text("kept", "again") };
    assert!(journal.append(again).await.expect("recognised").repeated);
    assert_eq!(journal.read("kept", all()).await, Ok(memory.events));
    assert_eq!(journal.get(Collection::Uploads, "d").await, Ok(Some(b"v".to_vec())));
    let names = namespace(Resource::Party);
    assert_eq!(journal.canonical(&names, "1").await, Ok(Some("ann".to_owned())));
    assert_eq!(journal.native(&names, "ann", IdForm::Integer).await, Ok("1".to_owned()));
    assert_eq!(journal.native(&names, "bob", IdForm::Integer).await, Ok("3".to_owned()));
    let next = journal.append(text("kept", "3")).await.expect("recorded").event;
    assert_eq!(next.details.sequence, Some(3));
    assert!(next.details.id.parse::<u64>().is_ok_and(|id| id > last_id), "an id is never given twice");
}

async fn followers_hear_in_order(journal: &Arc<dyn Journal>) {
    let mut follower = journal.follow();
    let mut other = journal.follow();
    for at in 0..50 {
        journal.append(text("followed", &at.to_string())).await.expect("recorded");
    }
    for at in 1..=50 {
        assert_eq!(follower.recv().await.expect("followed").details.sequence, Some(at));
        assert_eq!(other.recv().await.expect("followed").details.sequence, Some(at), "each follower hears all");
    }
}
