//! Promises about the id map.

use std::sync::Arc;

use crate::event::{IdForm, Resource};

use super::super::{Journal, JournalError, Namespace};
use super::namespace;

pub async fn ids_stay(journal: &Arc<dyn Journal>) {
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
    assert_eq!(journal.bound(&integers, "pinned").await, Ok(Some("2".to_owned())));
    assert_eq!(journal.bound(&integers, "nobody").await, Ok(None), "asking makes nothing");
    let parties = namespace(Resource::Party);
    assert_eq!(journal.native(&parties, "a", IdForm::Integer).await, Ok("1".to_owned()), "resources are apart");
    let derived = journal.native(&parties, "ann", IdForm::Uuid).await.expect("named");
    assert!(uuid::Uuid::try_parse(&derived).is_ok());
    assert_eq!(journal.canonical(&parties, &derived).await, Ok(Some("ann".to_owned())));
    let own = "3f0c2b1e-0000-4000-8000-00000000000a";
    assert_eq!(journal.native(&parties, own, IdForm::Uuid).await, Ok(own.to_owned()));
}

pub async fn one_id_for_all_who_ask_at_once(journal: &dyn Journal) {
    let names = Namespace { owner: "crowd".into(), resource: Resource::Party };
    let asked = (0..20).map(|at| ["ann", "bob"][at % 2]);
    let asked = futures_util::future::join_all(asked.map(|who| journal.native(&names, who, IdForm::Integer))).await;
    let expected: Vec<_> = (0..20).map(|at| Ok((at % 2 + 1).to_string())).collect();
    assert_eq!(asked, expected);
}
