//! Promises about events: their places, what is added to them, reading, amending, following.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::super::{Append, Collection, Journal, JournalError, Span};
use super::{all, bodies, document, text};
use crate::event::{Audience, Event, Topic};

#[expect(clippy::disallowed_methods, reason = "tasks of a test")]
pub async fn numbers_without_holes(journal: &Arc<dyn Journal>) {
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

pub async fn the_place_is_taken_at_the_call(journal: &dyn Journal) {
    let (first, second) = (journal.append(text("called", "first")), journal.append(text("called", "second")));
    let dropped = journal.append(text("called", "dropped"));
    drop(dropped);
    let second = second.await.expect("recorded");
    let first = first.await.expect("recorded");
    assert_eq!((first.event.details.sequence, second.event.details.sequence), (Some(1), Some(2)));
    let last = journal.append(text("called", "last")).await.expect("recorded");
    assert_eq!(last.event.details.sequence, Some(4), "who no longer waits has sent all the same");
}

pub async fn what_the_journal_adds(journal: &dyn Journal) {
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
    let number = |event: &Event| event.details.id.parse::<u64>().expect("a number");
    let another = journal.append(text("added", "z")).await.expect("recorded").event;
    let step = number(&another) - number(&recorded);
    let next = number(&another) + step;
    let mut taken = text("added elsewhere", "z");
    taken.event.details.id = next.to_string();
    journal.append(taken).await.expect("recorded");
    let after = journal.append(text("added", "w")).await.expect("recorded").event;
    assert_eq!(number(&after), next + step, "an id that is taken is passed over");
}

pub async fn spans(journal: &Arc<dyn Journal>) {
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

pub async fn only_what_is_there_is_amended(journal: &dyn Journal) {
    let recorded = journal.append(text("amended", "x")).await.expect("recorded").event;
    let mut elsewhere = (*recorded).clone();
    elsewhere.details.sequence = Some(7);
    let mut other = (*recorded).clone();
    other.details.id = "another".to_owned();
    let mut nowhere = (*recorded).clone();
    nowhere.details.sequence = None;
    for event in [elsewhere, other, nowhere] {
        let refused = journal.amend(event, vec![document("amended", Some("x"))], None).await;
        assert!(matches!(refused, Err(JournalError::Unreadable(_))), "{refused:?}");
    }
    assert_eq!(journal.read("amended", all()).await, Ok(vec![recorded]));
    assert_eq!(journal.get(Collection::Uploads, "amended").await, Ok(None));
}

pub async fn followers_hear_in_order(journal: &Arc<dyn Journal>) {
    let (Some(mut follower), Some(mut other)) = (journal.follow(), journal.follow()) else { return };
    journal.append(text("followed", "for nobody")).await.expect("recorded");
    let audience = Audience { topics: vec![Topic::Everyone], last: None };
    let mut last = None;
    for at in 0..50 {
        let append = Append { audience: Some(audience.clone()), ..text("followed", &at.to_string()) };
        last = Some(journal.append(append).await.expect("recorded").event);
    }
    let mut amended = (*last.expect("appended")).clone();
    amended.details.body = Some("amended".to_owned());
    journal.amend(amended.clone(), Vec::new(), None).await.expect("amended for nobody");
    journal.amend(amended, Vec::new(), Some(audience.clone())).await.expect("amended");
    let mut turns = Vec::new();
    for at in (2..=51).chain([51]) {
        let told = follower.recv().await.expect("followed");
        assert_eq!((told.event.details.sequence, &told.audience), (Some(at), &audience));
        turns.push(told.turn);
        let places = told.places.iter().map(|(topic, place)| (topic, place.number)).collect::<Vec<_>>();
        assert_eq!(places, [(&Topic::Everyone, told.turn)], "each with how far it came");
        let told = other.recv().await.expect("followed");
        assert_eq!(told.event.details.sequence, Some(at), "each follower hears all");
    }
    assert_eq!(turns, (1..=51).collect::<Vec<_>>());
}
