//! The hub over the embedded journal and the memory relay: decisions that must be taken once, and one order for all.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::auth::Principal;
use crate::event::{ConversationKind, EventKind, Role};
use crate::journal::{EmbeddedJournal, Span};
use crate::relay::{MailboxLimits, MemoryRelay, mailbox};

struct Place {
    hub: Hub,
    tasks: Tasks,
    _folder: tempfile::TempDir,
}

async fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).expect("opens"));
    let tasks = Tasks::new();
    let hub = Hub::open(journal, Arc::new(MemoryRelay::new()), &tasks);
    Place { hub, tasks, _folder: folder }
}

fn caller(id: &str, role: Role) -> Caller {
    Caller {
        principal: Principal { role: Some(role), ..Principal::named(id) },
        route: "r".into(),
        dialect: "toy".into(),
        connection: 0,
        presented: None,
        terms: crate::backend::Terms::default(),
    }
}

fn text(conversation: &str, body: &str) -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = conversation.to_owned();
    event.details.body = Some(body.to_owned());
    event
}

fn session(customer: Option<&str>) -> SessionRequest {
    SessionRequest {
        business: Some("shop".to_owned()),
        customer: customer.map(str::to_owned),
        kind: Some(ConversationKind::Visitor),
        ..SessionRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reader_hears_the_journals_order() {
    let place = place().await;
    let visitor = caller("visitor", Role::Visitor);
    let mut rooms = Vec::new();
    for customer in ["a", "b", "c"] {
        rooms.push(place.hub.open_session(&visitor, session(Some(customer))).await.expect("opened").id);
    }
    let staff = caller("staff", Role::Staff);
    let (sender, mut heard) = mailbox(MailboxLimits { messages: 10_000, bytes: 64 << 20 });
    let connect =
        Connect { scope: Scope::Everyone, conversation: None, mailbox: sender, replay: None, presence: false };
    let connected = place.hub.connect(&staff, connect).await.expect("hears");
    for number in 0..64 {
        let (hub, room, writer) =
            (place.hub.clone(), rooms[number % 3].clone(), caller(&format!("agent-{number}"), Role::Agent));
        place.tasks.spawn(async move {
            for message in 0..5 {
                hub.send(&writer, text(&room, &format!("{number}/{message}"))).await.expect("accepted");
            }
        });
    }
    let mut orders: std::collections::BTreeMap<String, Vec<u64>> = std::collections::BTreeMap::new();
    for _ in 0..320 {
        let event = heard.recv().await.expect("a parcel").event;
        let sequence = event.details.sequence.expect("numbered");
        orders.entry(event.details.conversation.id.clone()).or_default().push(sequence);
    }
    for room in &rooms {
        let everything = Span { after: None, before: None, limit: 1_000, newest_first: false };
        let recorded = place.hub.journal.read(room, everything).await.expect("readable");
        let expected: Vec<u64> = (1..=recorded.len() as u64).collect();
        assert_eq!(orders[room], expected, "{room} was heard in another order than it was recorded");
    }
    drop(connected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_has_one_active_session_however_many_ask_at_once() {
    let place = place().await;
    let (done, mut results) = tokio::sync::mpsc::channel(100);
    for _ in 0..100 {
        let (hub, done) = (place.hub.clone(), done.clone());
        place.tasks.spawn(async move {
            let opened = hub.open_session(&caller("guest", Role::Visitor), session(None)).await.expect("opened");
            done.send(opened.id).await.expect("somebody counts");
        });
    }
    drop(done);
    let mut sessions = BTreeSet::new();
    while let Some(session) = results.recv().await {
        sessions.insert(session);
    }
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    let first = sessions.into_iter().next().expect("one");
    place.hub.close(&caller("agent", Role::Agent), &first).await.expect("closed");
    let late = place.hub.send(&caller("guest", Role::Visitor), text(&first, "late")).await.expect_err("it is over");
    assert_eq!(late.reason, Reason::Ended);
    let next = place.hub.open_session(&caller("guest", Role::Visitor), session(None)).await.expect("opened").id;
    assert_ne!(next, first, "a closed session frees its guest");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_claim_one_gets_it() {
    let place = place().await;
    let opened = place.hub.open_session(&caller("guest", Role::Visitor), session(None)).await.expect("opened").id;
    let (done, mut results) = tokio::sync::mpsc::channel(20);
    for number in 0..20 {
        let (hub, done, room) = (place.hub.clone(), done.clone(), opened.clone());
        place.tasks.spawn(async move {
            let claimed = hub.claim(&caller(&format!("agent-{number}"), Role::Agent), &room).await;
            done.send(claimed.map(|_| ()).map_err(|fault| fault.reason)).await.expect("somebody counts");
        });
    }
    drop(done);
    let (mut won, mut lost) = (0, 0);
    while let Some(result) = results.recv().await {
        match result {
            Ok(()) => won += 1,
            Err(Reason::Conflict) => lost += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((won, lost), (1, 19));
    let visitor = place.hub.claim(&caller("guest", Role::Visitor), &opened).await.expect_err("not for guests");
    assert_eq!(visitor.reason, Reason::Role);
}

#[test]
fn who_may_see_what() {
    let room = |kind: ConversationKind, department: Option<&str>, members: &[&str]| Room {
        conversation: Conversation {
            id: "room".to_owned(),
            kind: Some(kind),
            department: department.map(str::to_owned),
            ..Conversation::default()
        },
        members: members.iter().map(|member| (*member).to_owned()).collect(),
        ..Room::default()
    };
    let direct = room(ConversationKind::Direct, None, &["ann", "bob"]);
    let desk = room(ConversationKind::Department, Some("Front Office"), &["guest"]);
    let open = room(ConversationKind::Visitor, None, &["guest"]);
    let with = |id: &str, role: Role, departments: &[&str], conversations: &[&str]| {
        let mut caller = caller(id, role);
        caller.principal.departments = departments.iter().map(|name| (*name).to_owned()).collect();
        caller.principal.conversations = conversations.iter().map(|name| (*name).to_owned()).collect();
        caller
    };
    for (who, room, may) in [
        (with("ann", Role::User, &[], &[]), &direct, true),
        (with("eve", Role::User, &[], &[]), &direct, false),
        (with("eve", Role::Admin, &[], &[]), &direct, false),
        (with("eve", Role::Staff, &["front_office"], &[]), &desk, true),
        (with("eve", Role::Staff, &["kitchen"], &[]), &desk, false),
        (with("eve", Role::Staff, &["kitchen"], &[]), &open, true),
        (with("eve", Role::Staff, &[], &[]), &desk, true),
        (with("guest", Role::Visitor, &[], &[]), &open, true),
        (with("other", Role::Visitor, &[], &[]), &open, false),
        (with("guest", Role::Visitor, &[], &["room"]), &open, true),
        (with("guest", Role::Visitor, &[], &["elsewhere"]), &open, false),
        (with("app", Role::Bot, &[], &[]), &open, false),
        (with("shop", Role::Store, &[], &[]), &desk, false),
    ] {
        assert_eq!(directory::may_see(&who, room).is_ok(), may, "{:?} {:?}", who.principal, room.conversation);
    }
}
