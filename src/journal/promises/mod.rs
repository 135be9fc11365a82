//! What every journal promises. Each implementation's tests, the embedded one's and those of Redis, run this suite on a
//! fresh journal.

mod events;
mod ids;
mod once;
mod restart;
mod told;

use std::sync::Arc;

use crate::event::{Event, EventKind, IdForm, MessageKind, Resource};

use super::{Append, Collection, Journal, JournalError, Namespace, Put, Span};
pub use restart::{fill, remembered, remembered_but_feeds};

/// A text message of a conversation.
pub fn text(conversation: &str, body: &str) -> Append {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = conversation.to_owned();
    event.details.body = Some(body.to_owned());
    Append { event, key: None, documents: Vec::new(), audience: None }
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
    events::numbers_without_holes(&journal).await;
    events::the_place_is_taken_at_the_call(&*journal).await;
    events::what_the_journal_adds(&*journal).await;
    events::spans(&journal).await;
    once::a_key_is_one_event(&journal).await;
    once::a_key_is_one_event_at_once(&*journal).await;
    once::documents_go_with_their_event(&journal).await;
    events::only_what_is_there_is_amended(&*journal).await;
    ids::ids_stay(&journal).await;
    ids::one_id_for_all_who_ask_at_once(&*journal).await;
    one_refusal_harms_nobody_else(&*journal).await;
    events::followers_hear_in_order(&journal).await;
    told::what_was_missed_is_known(&*journal).await;
    told::a_feed_has_a_bound(&*journal).await;
    told::a_feed_is_kept_for_who_reserved_it(&*journal).await;
    journal.close().await;
    let refused = journal.append(text("late", "x")).await;
    assert!(matches!(refused, Err(JournalError::Unavailable(_))), "a closed journal takes nothing");
}

/// Writes that arrive together are committed together; a refusal among them stays with its own.
async fn one_refusal_harms_nobody_else(journal: &dyn Journal) {
    let names = Namespace { owner: "conflicts".into(), resource: Resource::Party };
    journal.bind(&names, "ann", "bob").await.expect("free");
    let before = journal.append(text("beside", "before"));
    let text_taken = journal.native(&names, "bob", IdForm::Text);
    let unknown = journal.amend(text("beside", "no").event, Vec::new(), None);
    let (before, text_taken, unknown, after) =
        tokio::join!(before, text_taken, unknown, journal.append(text("beside", "after")));
    assert!(before.is_ok() && after.is_ok());
    assert!(matches!(text_taken, Err(JournalError::Bound { .. })), "{text_taken:?}");
    assert!(unknown.is_err());
    assert_eq!(bodies(&journal.read("beside", all()).await.expect("readable")), ["before", "after"]);
}
