//! Who sent what is known at once and after a restart, and a flood is bounded.

use std::time::Duration;

use super::*;
use crate::event::{EventKind, MessageKind};
use crate::journal::EmbeddedJournal;

const SOON: Duration = Duration::from_secs(30);

fn said(conversation: &str, id: usize) -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.id = format!("{conversation}.{id}");
    event.details.conversation.id = conversation.to_owned();
    event.details.sender.id = format!("client-{}", id % 7);
    event
}

fn opened(folder: &tempfile::TempDir) -> Arc<dyn Journal> {
    Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).expect("opens"))
}

fn over(journal: &Arc<dyn Journal>, upstream: &str) -> (Senders, Tasks) {
    let tasks = Tasks::new();
    (Senders::new(upstream.into(), Arc::clone(journal), tasks.clone()), tasks)
}

#[tokio::test]
async fn they_are_known_before_the_journal_has_them_and_after() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = opened(&folder);
    let (senders, tasks) = over(&journal, "bank");
    for id in 0..20 {
        senders.note(&said("room", id));
        senders.note(&said("other", id));
    }
    // No task had a turn yet.
    assert_eq!(senders.of("room").await.expect("read").len(), 20);
    assert_eq!(tasks.drain(SOON).await, 0, "one task wrote all and ended");
    let (again, _) = over(&journal, "bank");
    let found = again.of("room").await.expect("read");
    assert_eq!(found.len(), 20);
    assert_eq!(found["room.9"].id, "client-2");
    assert_eq!(over(&journal, "clinic").0.of("room").await.expect("read").len(), 0, "each upstream has its own");
}

#[tokio::test]
async fn a_flood_is_bounded_and_what_falls_out_is_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = opened(&folder);
    let (senders, tasks) = over(&journal, "flooded");
    for id in 0..2 * LATEST {
        senders.note(&said("room", id));
    }
    assert_eq!(senders.0.state().waiting.len(), WAITING);
    let known = senders.of("room").await.expect("read");
    assert!((LATEST..2 * LATEST).all(|id| known.contains_key(&format!("room.{id}"))), "the latest are known");
    assert_eq!(tasks.drain(SOON).await, 0);
    let line = format!("dragoman_upstream_unnoted_senders_total{{upstream=\"flooded\"}} {}\n", 2 * LATEST - WAITING);
    assert!(metrics::render().contains(&line), "{line}");
    // What comes after is written again.
    senders.note(&said("later", 1));
    assert_eq!(tasks.drain(SOON).await, 0);
    let (again, _) = over(&journal, "flooded");
    assert_eq!(again.of("room").await.expect("read").len(), WAITING);
    assert_eq!(again.of("later").await.expect("read").len(), 1);
}
