//! Ids there and back, for each way in which dialects name things; and that no upstream reads another's.

use super::*;
use crate::dialect::builtin;
use crate::event::EventKind;
use crate::journal::EmbeddedJournal;

const US: &str = "3f0c2b1e-0000-4000-8000-00000000000a";
const THEM: &str = "3f0c2b1e-0000-4000-8000-00000000000b";

struct Place {
    journal: Arc<dyn Journal>,
    _folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).expect("opens"));
        Place { journal, _folder: folder }
    }

    async fn names(&self, upstream: &str, dialect: &str, pinned: &[PinnedConversation]) -> Names {
        let dialect = builtin::find(dialect).expect("a dialect that is built in");
        Names::open(upstream.into(), dialect, Arc::clone(&self.journal), pinned).await.expect("opens")
    }
}

fn pinned(name: &str, names: &[(&str, PinnedName)]) -> PinnedConversation {
    let names = names.iter().map(|(dialect, name)| ((*dialect).to_owned(), name.clone())).collect();
    PinnedConversation {
        name: name.to_owned(),
        names,
        kind: None,
        department: None,
        business: None,
        post_token: None,
        guest: None,
    }
}

fn fields(pairs: &[(Field, &str)]) -> Fields<'static> {
    let mut fields = Fields::about(EventKind::Typing);
    for (field, text) in pairs {
        fields.set_text(*field, (*text).to_owned());
    }
    fields
}

fn text(fields: &Fields<'_>, field: Field) -> Option<String> {
    fields.id(field).map(|id| id.into_owned())
}

#[tokio::test]
async fn what_comes_in_goes_out_the_same() {
    let place = Place::new();
    let names = place.names("desk", "frontdesk", &[]).await;
    let natives = [(Field::ConversationId, "17"), (Field::SenderId, "4"), (Field::GuestId, "9"), (Field::Id, "1")];
    let mut known = fields(&natives);
    names.inward(&mut known, None).await.expect("named");
    assert_eq!(text(&known, Field::SenderId).as_deref(), Some("desk.4"), "told apart from another's 4");
    assert_eq!(text(&known, Field::Id).as_deref(), Some("1"));
    let conversation = text(&known, Field::ConversationId).expect("it has one");
    assert_ne!(conversation, "17");
    let mut again = fields(&natives);
    names.inward(&mut again, None).await.expect("named");
    assert_eq!(again, known, "the same for ever");
    names.outward(&mut known).await.expect("named");
    assert_eq!(known, fields(&natives));
}

#[tokio::test]
async fn no_upstream_reads_the_names_of_another() {
    let place = Place::new();
    let (one, two) = (place.names("one", "frontdesk", &[]).await, place.names("two", "frontdesk", &[]).await);
    let conversation = one.conversation_of("17").await.expect("named");
    assert_ne!(two.conversation_of("17").await.expect("named"), conversation);
    let mut there = fields(&[(Field::ConversationId, &conversation)]);
    let refused = two.outward(&mut there).await.expect_err("it has no name there");
    assert_eq!(refused.reason, Reason::ConversationNotFound);
    let mut party = fields(&[(Field::SenderId, "4")]);
    one.inward(&mut party, None).await.expect("named");
    two.outward(&mut party).await.expect("nothing is named");
    assert_eq!(text(&party, Field::SenderId), None, "whom it has not named is nobody there");
}

#[tokio::test]
async fn a_dialect_and_an_upstream_of_one_name_are_two() {
    let place = Place::new();
    let names = place.names("frontdesk", "frontdesk", &[]).await;
    let dialects = Namespace { owner: "frontdesk".into(), resource: Resource::Conversation };
    place.journal.bind(&dialects, "of-the-hub", "17").await.expect("bound");
    assert_ne!(names.conversation_of("17").await.expect("named"), "of-the-hub");
}

#[tokio::test]
async fn the_account_that_reads_is_its_caller() {
    let place = Place::new();
    let names = place.names("desk", "frontdesk", &[]).await;
    let mut said = fields(&[(Field::SenderId, "4"), (Field::GuestId, "5")]);
    names.inward(&mut said, Some(("4", "gil"))).await.expect("named");
    assert_eq!(text(&said, Field::SenderId).as_deref(), Some("gil"));
    assert_eq!(text(&said, Field::GuestId).as_deref(), Some("desk.5"));
}

#[tokio::test]
async fn pinned_names_are_reserved_the_upstreams_own_before_its_dialects() {
    let place = Place::new();
    let room = pinned(
        "room-101",
        &[("frontdesk", PinnedName::Id("101".to_owned())), ("desk", PinnedName::Id("7".to_owned()))],
    );
    let names = place.names("desk", "frontdesk", std::slice::from_ref(&room)).await;
    assert_eq!(names.conversation_of("7").await.expect("named"), "room-101");
    assert_ne!(names.conversation_of("101").await.expect("named"), "room-101");
    let other = place.names("other", "frontdesk", &[room]).await;
    assert_eq!(other.conversation_of("101").await.expect("named"), "room-101");
}

#[tokio::test]
async fn a_pair_stands_for_its_conversation_both_ways() {
    let place = Place::new();
    let pair = PinnedName::Pair([US.to_owned(), THEM.to_owned()]);
    let names = place.names("clinic", "licomed", &[pinned("room-101", &[("licomed", pair)])]).await;
    for (sender, receiver) in [(US, THEM), (THEM, US)] {
        let mut said = fields(&[(Field::SenderId, sender), (Field::ReceiverId, receiver)]);
        names.inward(&mut said, None).await.expect("named");
        assert_eq!(text(&said, Field::ConversationId).as_deref(), Some("room-101"));
    }
    let mut going = fields(&[(Field::ConversationId, "room-101"), (Field::SenderId, "somebody")]);
    names.outward(&mut going).await.expect("named");
    assert_eq!(going, fields(&[(Field::SenderId, US), (Field::ReceiverId, THEM)]));
    let stranger = "3f0c2b1e-0000-4000-8000-00000000000c";
    let mut said = fields(&[(Field::SenderId, stranger), (Field::ReceiverId, US)]);
    names.inward(&mut said, None).await.expect("named");
    assert_eq!(text(&said, Field::ConversationId), Some(direct(stranger, US)), "one-to-one is not the room's");
    let mut going = fields(&[(Field::ConversationId, "room-102")]);
    assert_eq!(names.outward(&mut going).await.map_err(|fault| fault.reason), Err(Reason::ConversationNotFound));
}

#[tokio::test]
async fn of_two_who_name_a_conversation_at_once_the_first_stands() {
    let place = Place::new();
    let names = place.names("desk", "frontdesk", &[]).await;
    assert_eq!(names.name_conversation("a", "17").await.as_deref(), Ok("a"));
    assert_eq!(names.name_conversation("b", "17").await.as_deref(), Ok("a"));
    assert_eq!(names.conversation("b").await.expect("read"), None);
    let many = futures_util::future::join_all((0..20).map(|_| names.conversation_of("18"))).await;
    let all: std::collections::BTreeSet<_> = many.into_iter().map(|name| name.expect("named")).collect();
    assert_eq!(all.len(), 1, "{all:?}");
}

#[tokio::test]
async fn a_message_that_was_noted_is_known_and_only_here() {
    let place = Place::new();
    let (one, two) = (place.names("one", "divar", &[]).await, place.names("two", "divar", &[]).await);
    assert!(!one.is_known("m-1").await.expect("read"));
    one.note("m-1").await.expect("noted");
    one.note("m-1").await.expect("noted twice");
    assert!(one.is_known("m-1").await.expect("read") && !two.is_known("m-1").await.expect("read"));
}

#[tokio::test]
async fn lists_are_named_record_by_record() {
    let place = Place::new();
    let names = place.names("desk", "frontdesk", &[]).await;
    let mut answer = Fields::new();
    let records = vec![fields(&[(Field::ConversationId, "1")]), fields(&[(Field::ConversationId, "2")])];
    answer.set(Field::Conversations, Value::List(records));
    let named = names.inward_list(&mut answer, Field::Conversations, None).await.expect("named");
    let one = names.conversation_of("1").await.expect("named");
    assert_eq!(named.iter().map(|record| text(record, Field::ConversationId)).next(), Some(Some(one)));
    assert_eq!(named.len(), 2);
    assert!(names.inward_list(&mut Fields::new(), Field::Conversations, None).await.expect("read").is_empty());
}
