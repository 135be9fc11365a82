//! Promises across a restart: an implementation fills a journal, opens it again, and asks.

use std::sync::Arc;

use crate::event::{Event, IdForm, Resource};

use super::super::{Append, Collection, Journal};
use super::{all, document, namespace, text};

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
