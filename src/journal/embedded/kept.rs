//! What is kept and what goes: by age, number and size; and that the file becomes shorter.

use std::time::Duration;

use super::super::promises;
use super::retention::{Reason, Step, Sweep, figures, step};
use super::*;
use crate::event::Timestamp;

const DAY: i64 = 86_400_000_000;

async fn open() -> (tempfile::TempDir, EmbeddedJournal) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = EmbeddedJournal::open(&folder.path().join("journal")).expect("opens");
    (folder, journal)
}

/// Records a message of so many days ago.
async fn record(journal: &EmbeddedJournal, conversation: &str, body: &str, days: i64) -> Arc<Event> {
    let mut append = promises::text(conversation, body);
    append.event.details.received_at = Some(Timestamp::from_micros(Timestamp::now().micros() - days * DAY));
    append.key = Some(format!("key of {body}"));
    journal.append(append).await.expect("recorded").event
}

async fn bodies(journal: &EmbeddedJournal, conversation: &str) -> Vec<String> {
    let events = journal.read(conversation, promises::all()).await.expect("readable");
    events.iter().map(|event| event.details.body.clone().unwrap_or_default()).collect()
}

/// Lets go of all that is not to be kept; how many of each reason.
fn trim(journal: &EmbeddedJournal, keep: Keep) -> Vec<(Reason, u64)> {
    let (mut sweep, mut gone) = (Sweep::default(), Vec::new());
    for _ in 0..100 {
        let Step { gone: some, is_done } = step(&journal.medium, keep, &mut sweep).expect("done");
        gone.extend(some);
        if is_done {
            return gone;
        }
    }
    panic!("no end: {gone:?}");
}

#[tokio::test]
async fn the_old_goes_with_all_that_names_it_but_never_the_last() {
    let (_folder, journal) = open().await;
    let first = record(&journal, "room", "1", 9).await;
    record(&journal, "room", "2", 2).await;
    record(&journal, "room", "3", 0).await;
    record(&journal, "silent", "only", 99).await;
    let keep = Keep { age: Some(Duration::from_secs(86_400)), ..Keep::default() };
    assert_eq!(trim(&journal, keep), [(Reason::Age, 2)]);
    assert_eq!(bodies(&journal, "room").await, ["3"]);
    assert_eq!(bodies(&journal, "silent").await, ["only"], "the last stays");
    assert_eq!(journal.event(&first.details.id).await, Ok(None));
    assert_eq!(record(&journal, "room", "1", 0).await.details.sequence, Some(4), "its key is free, the count goes on");
    assert_eq!(record(&journal, "silent", "next", 0).await.details.sequence, Some(2));
    assert_eq!(trim(&journal, keep), [(Reason::Age, 1)], "what was last and old goes once it is not last");
    assert_eq!(bodies(&journal, "silent").await, ["next"]);
    assert_eq!(trim(&journal, keep), []);
    let figures = journal.medium.read(figures).expect("readable");
    assert_eq!(figures.events, 3);
    assert!(figures.oldest.is_some_and(|at| at + 60_000 > tables::milliseconds(Timestamp::now())));
}

#[tokio::test]
async fn each_conversation_has_its_length() {
    let (_folder, journal) = open().await;
    let appends: Vec<_> = (0..1_300).map(|at| journal.append(promises::text("long", &at.to_string()))).collect();
    assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
    for at in 0..12 {
        record(&journal, &format!("short {}", at % 3), &at.to_string(), 9).await;
    }
    let keep = Keep { messages: Some(3), ..Keep::default() };
    let mut sweep = Sweep::default();
    let first = step(&journal.medium, keep, &mut sweep).expect("done");
    assert_eq!((first.gone, first.is_done), (vec![(Reason::Length, 512)], false), "a step has a bound");
    let gone: u64 = trim(&journal, keep).into_iter().map(|(_, count)| count).sum();
    assert_eq!(gone, 1_300 - 512 - 3 + 3);
    assert_eq!(bodies(&journal, "long").await, ["1297", "1298", "1299"]);
    assert_eq!(bodies(&journal, "short 1").await, ["4", "7", "10"]);
}

#[tokio::test]
async fn what_is_too_large_goes_oldest_first() {
    let (_folder, journal) = open().await;
    for at in 0..40 {
        record(&journal, &format!("room {}", at % 4), &format!("{at:02}"), 100 - at).await;
    }
    let before = journal.medium.read(figures).expect("readable");
    assert_eq!(before.events, 40);
    let keep = Keep { bytes: Some(before.bytes / 2), ..Keep::default() };
    let gone = trim(&journal, keep);
    // The first have shorter numbers.
    assert_eq!(gone, [(Reason::Size, 21)]);
    let after = journal.medium.read(figures).expect("readable");
    assert_eq!((after.events, after.bytes <= before.bytes / 2), (19, true));
    assert_eq!(bodies(&journal, "room 0").await, ["24", "28", "32", "36"]);
    assert_eq!(bodies(&journal, "room 1").await, ["21", "25", "29", "33", "37"]);
    trim(&journal, Keep { bytes: Some(0), ..keep });
    assert_eq!(bodies(&journal, "room 0").await, ["36"], "the last of each stays");
}

#[tokio::test]
async fn old_announcements_go() {
    let (_folder, journal) = open().await;
    let topic = Topic::Party("ann".into());
    let audience = Audience { topics: vec![topic.clone(), Topic::Everyone], last: None };
    for body in ["1", "2"] {
        let append = Append { audience: Some(audience.clone()), ..promises::text("room", body) };
        journal.append(append).await.expect("recorded");
    }
    let heard = [(topic.clone(), Place { number: 1, mark: 0 })];
    assert_eq!(journal.missed(&heard).await.expect("known").announced.len(), 1);
    let told_by = Timestamp::now();
    while tables::milliseconds(Timestamp::now()) <= tables::milliseconds(told_by) {
        tokio::task::yield_now().await;
    }
    let forget = |life| {
        journal.medium.write(|transaction| told::forget(transaction, None, 10, 10, life)).expect("forgotten");
        journal.medium.read(|transaction| told::has_older(transaction, None, 10, life)).expect("known").1
    };
    assert!(!forget(Duration::from_secs(60)));
    assert_eq!(journal.missed(&heard).await.expect("known").lost, []);
    assert!(!forget(Duration::ZERO));
    assert_eq!(journal.missed(&heard).await.expect("known").lost, [topic], "it is said that it is gone");
}

#[tokio::test]
async fn the_keeper_keeps_by_itself_and_a_file_with_much_room_is_compacted() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let journal = EmbeddedJournal::open(&path).expect("opens");
    let large = "x".repeat(64 << 10);
    let appends: Vec<_> = (0..400).map(|_| journal.append(promises::text("room", &large))).collect();
    assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
    journal.close().await;
    let length = || std::fs::metadata(&path).expect("there").len();
    let before = length();
    assert!(before > 20 << 20, "{before}");
    let keep = Keep { messages: Some(5), ..Keep::default() };
    let journal = EmbeddedJournal::open_with(&path, keep).expect("opens");
    tokio::time::timeout(Duration::from_secs(30), async {
        while bodies(&journal, "room").await.len() > 5 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the surplus goes in the background");
    journal.close().await;
    let journal = EmbeddedJournal::open_with(&path, keep).expect("opens");
    assert!(length() < before / 4, "{} of {before} are left", length());
    assert_eq!(bodies(&journal, "room").await.len(), 5);
    assert_eq!(journal.append(promises::text("room", "on")).await.expect("recorded").event.details.sequence, Some(401));
}
