//! Promises across a restart: an implementation fills a journal, opens it again, and asks.

use std::sync::Arc;

use crate::event::{Audience, Event, IdForm, Place, Resource, Topic};

use super::super::{Append, Collection, Journal};
use super::{all, document, namespace, text};

/// What a journal must still know after a restart.
pub struct Memory {
    events: Vec<Arc<Event>>,
    heard: Vec<(Topic, Place)>,
}

/// Records something of every sort.
pub async fn fill(journal: &dyn Journal) -> Memory {
    let keyed = Append { key: Some("k".to_owned()), documents: vec![document("d", Some("true"))], ..text("kept", "1") };
    let events = vec![
        journal.append(keyed).await.expect("recorded").event,
        journal.append(text("kept", "2")).await.expect("recorded").event,
    ];
    journal.append(told("told 1")).await.expect("recorded");
    let heard = journal.places(&[Topic::Everyone]).await.expect("known");
    journal.append(told("told 2")).await.expect("recorded");
    let names = namespace(Resource::Party);
    assert_eq!(journal.native(&names, "ann", IdForm::Integer).await, Ok("1".to_owned()));
    journal.bind(&names, "pinned", "2").await.expect("free");
    Memory { events, heard }
}

fn told(body: &str) -> Append {
    let audience = Some(Audience { topics: vec![Topic::Everyone], last: None });
    Append { audience, ..text("kept and told", body) }
}

/// After a restart: all of it is there, and what is counted goes on.
pub async fn remembered(journal: &dyn Journal, memory: Memory) {
    journal.append(told("told 3")).await.expect("recorded");
    let missed = journal.missed(&memory.heard).await.expect("known");
    let bodies: Vec<_> = missed.announced.iter().filter_map(|told| told.event.details.body.as_deref()).collect();
    assert_eq!((bodies, missed.lost), (vec!["told 2", "told 3"], Vec::new()));
    remembered_but_feeds(journal, memory).await;
}

/// The same where feeds begin anew.
pub async fn remembered_but_feeds(journal: &dyn Journal, memory: Memory) {
    let last_id: u64 = memory.events[1].details.id.parse().expect("a number");
    let again = Append { key: Some("k".to_owned()), ..text("kept", "again") };
    assert!(journal.append(again).await.expect("recognised").repeated);
    assert_eq!(journal.read("kept", all()).await, Ok(memory.events));
    assert_eq!(journal.get(Collection::Uploads, "d").await, Ok(Some(b"true".to_vec())));
    let names = namespace(Resource::Party);
    assert_eq!(journal.canonical(&names, "1").await, Ok(Some("ann".to_owned())));
    assert_eq!(journal.native(&names, "ann", IdForm::Integer).await, Ok("1".to_owned()));
    assert_eq!(journal.native(&names, "bob", IdForm::Integer).await, Ok("3".to_owned()));
    let next = journal.append(text("kept", "3")).await.expect("recorded").event;
    assert_eq!(next.details.sequence, Some(3));
    assert!(next.details.id.parse::<u64>().is_ok_and(|id| id > last_id), "an id is never given twice");
}
