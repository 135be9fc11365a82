//! Promises about keys and documents: one event per key, documents in one step with their event.

use std::sync::Arc;

use super::super::{Append, Collection, Journal};
use super::{all, bodies, document, text};

pub async fn a_key_is_one_event(journal: &Arc<dyn Journal>) {
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

pub async fn a_key_is_one_event_at_once(journal: &dyn Journal) {
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

pub async fn documents_go_with_their_event(journal: &Arc<dyn Journal>) {
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
    journal.amend(amended, Vec::new(), None).await.expect("amended");
    assert_eq!(bodies(&journal.read("documents", all()).await.expect("readable")), ["y"]);
}
