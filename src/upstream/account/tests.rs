//! Who hears what by an account, and who gets which of its sockets.

use std::cell::Cell;

use super::*;
use crate::auth::Principal;
use crate::event::Role;
use crate::event::{Conversation, ConversationKind, EventKind, MessageKind};
use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, mailbox};

const LIMITS: MailboxLimits = MailboxLimits { messages: 10, bytes: 100_000 };

fn caller(id: &str, role: Role) -> Caller {
    Caller { principal: Principal { role: Some(role), ..Principal::named(id) }, ..Caller::nobody() }
}

fn account(shared: bool) -> Account {
    Account::new("key".into(), shared, caller("first", Role::Guest), Known::default())
}

fn room(id: &str, kind: ConversationKind, members: &[&str]) -> Room {
    let conversation = Conversation { id: id.to_owned(), kind: Some(kind), ..Conversation::default() };
    let members = members.iter().map(|member| (*member).to_owned()).collect();
    Room { conversation, members, ..Room::default() }
}

fn event(sender: &str) -> Arc<Event> {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.sender.id = sender.to_owned();
    Arc::new(event)
}

fn listens(account: &Account, caller: Caller, conversation: Option<&str>) -> MailboxReceiver {
    let (mailbox, receiver) = mailbox(LIMITS);
    account.listen(Listener::new(caller, conversation.map(str::to_owned), mailbox));
    receiver
}

fn heard(receiver: &mut MailboxReceiver) -> usize {
    let mut count = 0;
    while let Some(Ok(_)) = receiver.try_recv() {
        count += 1;
    }
    count
}

#[test]
fn of_an_account_that_all_share_each_hears_what_it_may_see() {
    let account = account(true);
    let mut member = listens(&account, caller("guest-1", Role::Guest), None);
    let mut stranger = listens(&account, caller("guest-2", Role::Guest), None);
    let mut confined = listens(&account, caller("guest-3", Role::Guest), Some("a"));
    let mut staff = listens(&account, caller("staff", Role::Staff), None);
    account.deliver(&room("a", ConversationKind::Department, &["guest-1"]), &event("x"), Whom::Everybody);
    assert_eq!([&mut member, &mut stranger, &mut confined, &mut staff].map(heard), [1, 0, 0, 1]);
    account.deliver(&room("b", ConversationKind::Direct, &["guest-1"]), &event("x"), Whom::Everybody);
    assert_eq!([&mut member, &mut stranger, &mut staff].map(heard), [1, 0, 0], "one-to-one content is the members'");
}

#[test]
fn of_an_account_of_ones_own_the_upstream_decides_but_not_by_its_calls() {
    let account = account(false);
    let mut own = listens(&account, caller("guest-1", Role::Guest), None);
    let others = room("a", ConversationKind::Department, &["guest-2"]);
    account.deliver(&others, &event("x"), Whom::Everybody);
    assert_eq!(heard(&mut own), 1, "it came over the account's own socket");
    account.deliver(&others, &event("x"), Whom::Allowed);
    assert_eq!(heard(&mut own), 0, "a call of the upstream is for nobody in particular");
    account.deliver(&room("a", ConversationKind::Department, &["guest-1"]), &event("x"), Whom::Allowed);
    assert_eq!(heard(&mut own), 1);
}

#[test]
fn one_that_listens_to_one_conversation_hears_no_other() {
    let account = account(false);
    let mut confined = listens(&account, caller("guest-1", Role::Guest), Some("a"));
    account.deliver(&room("b", ConversationKind::Department, &["guest-1"]), &event("x"), Whom::Everybody);
    assert_eq!(heard(&mut confined), 0);
    assert!(account.is_heard(Some("a")) && !account.is_heard(Some("b")) && account.is_heard(None));
}

#[test]
fn the_sender_and_the_others_can_be_told_apart() {
    let account = account(true);
    let room = room("a", ConversationKind::Department, &["one", "two"]);
    let mut one = listens(&account, caller("one", Role::Guest), None);
    let mut two = listens(&account, caller("two", Role::Guest), None);
    account.deliver(&room, &event("one"), Whom::Others);
    assert_eq!([&mut one, &mut two].map(heard), [0, 1]);
    account.deliver(&room, &event("one"), Whom::Sender);
    assert_eq!([&mut one, &mut two].map(heard), [1, 0]);
}

#[test]
fn the_end_of_a_conversations_socket_ends_those_who_listen_to_it_only() {
    let account = account(false);
    let mut here = listens(&account, caller("one", Role::Guest), Some("a"));
    let mut there = listens(&account, caller("one", Role::Guest), Some("b"));
    let mut all = listens(&account, caller("one", Role::Guest), None);
    account.dismiss(Some("a"), Reason::Ended);
    assert_eq!(here.try_recv().map(|end| end.map(|_| ())), Some(Err(MailboxEnd::Dismissed(Reason::Ended))));
    assert!(there.try_recv().is_none() && all.try_recv().is_none());
    account.dismiss(None, Reason::Upstream);
    assert!(there.try_recv().is_some() && all.try_recv().is_some());
}

#[tokio::test]
async fn whoever_asks_for_the_same_socket_gets_the_same() {
    let account = account(false);
    let started = Cell::new(0);
    let start = || {
        started.set(started.get() + 1);
        Link::new("toy".into(), None).0
    };
    let first = account.link(None, start);
    assert!(Arc::ptr_eq(&first, &account.link(None, start)));
    assert_eq!(started.get(), 1);
    let other = account.link(Some("a".to_owned()), || Link::new("toy".into(), Some("a".to_owned())).0);
    assert!(!Arc::ptr_eq(&first, &other));
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_let_go_of_unless_somebody_needs_it_or_asked_for_it() {
    let account = account(false);
    let why = Fault::new(Reason::Upstream);
    let start = || Link::new("toy".into(), None).0;
    let first = account.link(None, start);
    let minute = Duration::from_secs(60);
    assert!(!account.let_go(&first, minute, &why), "somebody asked just now");
    tokio::time::advance(minute).await;
    let number = account.listen(Listener::new(caller("one", Role::Guest), None, mailbox(LIMITS).0));
    assert!(!account.let_go(&first, minute, &why), "somebody listens");
    account.leave(number);
    assert!(account.let_go(&first, minute, &why));
    let second = account.link(None, start);
    assert!(!Arc::ptr_eq(&first, &second), "whoever asks now gets another");
    assert!(!account.unlink(&first), "the other is not touched");
    assert!(Arc::ptr_eq(&second, &account.link(None, start)));
}

#[tokio::test(start_paused = true)]
async fn an_account_is_forgotten_when_nobody_needs_it() {
    let account = account(false);
    tokio::time::advance(RESTS).await;
    let number = account.listen(Listener::new(caller("one", Role::Guest), None, mailbox(LIMITS).0));
    assert!(!account.is_forgotten());
    account.leave(number);
    assert!(account.is_forgotten());
    account.renew(&caller("one", Role::Guest));
    assert!(!account.is_forgotten(), "somebody asked just now");
}

#[test]
fn what_was_learnt_is_unlearnt_and_what_is_pinned_stays() {
    let pinned = Known { id: Some("7".to_owned()), name: None };
    let account = Account::new("key".into(), true, caller("one", Role::Guest), pinned);
    account.learn(Some("8".to_owned()), Some("Gil".to_owned()));
    assert_eq!(account.known().id.as_deref(), Some("8"));
    account.learn(None, None);
    assert_eq!(account.known().name.as_deref(), Some("Gil"), "what is not said is kept");
    account.unlearn();
    assert_eq!((account.known().id.as_deref(), account.known().name), (Some("7"), None));
}
