//! What the correlator does with single messages, and (`interleavings`) with all orders of them.

mod interleavings;

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::event::{EventKind, MessageKind};

const WITHIN: Duration = Duration::from_secs(10);

/// A text in a conversation. `id` is nothing that the correlator looks at: it tells a test which one it is.
fn text(conversation: &str, body: &str, id: &str) -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.conversation.id = conversation.to_owned();
    event.details.body = Some(body.to_owned());
    event.details.id = id.to_owned();
    event
}

fn file(name: &str, url: &str, id: &str) -> Event {
    let mut event = Event::new(EventKind::Message(MessageKind::Image));
    event.details.conversation.id = "room".to_owned();
    event.details.attachment.name = Some(name.to_owned());
    event.details.attachment.url = Some(url.to_owned());
    event.details.origin.key = Some(id.to_owned());
    event
}

fn expected(event: &Event) -> Expected {
    Expected { event: event.clone(), follows: false, within: WITHIN, counted: None, turn: None }
}

fn expect(correlator: &mut Correlator, event: &Event) -> (u64, Outcome) {
    correlator.expect(event, expected(event)).expect("there is room").expect("it is a message")
}

/// The id of the send that this confirms; it is settled with what came.
fn confirmed(correlator: &mut Correlator, came: &Event, from: From) -> Option<String> {
    match correlator.confirm(came, from) {
        Came::Back(pending) => {
            let id = pending.event.details.id.clone();
            pending.settle(Ok(Arc::new(came.clone())));
            Some(id)
        }
        Came::Noted | Came::Unknown => None,
    }
}

fn refusal() -> Fault {
    Fault::new(Reason::Invalid).detail("so it was")
}

/// What its sender was told so far.
fn told(outcome: &mut Outcome) -> Option<Result<String, Reason>> {
    let outcome = outcome.try_recv().ok()?;
    Some(outcome.map(|event| event.details.id.clone()).map_err(|fault| fault.reason))
}

#[tokio::test(start_paused = true)]
async fn equal_texts_are_confirmed_in_order() {
    let mut correlator = Correlator::default();
    let mut sent: Vec<Outcome> =
        ["1", "2", "3"].iter().map(|id| expect(&mut correlator, &text("room", "yes", id)).1).collect();
    for (at, id) in ["1", "2", "3"].iter().enumerate() {
        let came = text("room", "yes", &format!("there-{id}"));
        assert_eq!(confirmed(&mut correlator, &came, From::Unsaid).as_deref(), Some(*id));
        assert_eq!(told(&mut sent[at]), Some(Ok(format!("there-{id}"))));
    }
    assert!(matches!(correlator.confirm(&text("room", "yes", "there-4"), From::Us), Came::Unknown));
    assert!(correlator.is_idle());
}

#[tokio::test(start_paused = true)]
async fn without_words_the_place_decides() {
    let mut correlator = Correlator::default();
    let mut sent: Vec<Outcome> =
        ["1", "2", "3"].iter().map(|id| expect(&mut correlator, &text("room", "yes", id)).1).collect();
    // The first was refused before anything was confirmed.
    assert!(correlator.refused(refusal()));
    for id in ["2", "3"] {
        let pending = correlator.confirm_first().expect("it waits");
        assert_eq!(pending.event.details.id, id);
        let came = Arc::new(pending.event.clone());
        pending.settle(Ok(came));
    }
    assert_eq!(told(&mut sent[0]), Some(Err(Reason::Invalid)));
    assert_eq!(told(&mut sent[1]), Some(Ok("2".to_owned())));
    assert!(correlator.confirm_first().is_none() && correlator.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_lost_one_does_not_take_a_later_ones_confirmation() {
    let mut correlator = Correlator::default();
    let (lost, _gone) = expect(&mut correlator, &text("room", "yes", "lost"));
    tokio::time::advance(WITHIN).await;
    assert_eq!(correlator.give_up(lost, true), GaveUp::Nothing);
    let (_, mut outcome) = expect(&mut correlator, &text("room", "yes", "again"));
    let came = text("room", "yes", "there");
    assert_eq!(confirmed(&mut correlator, &came, From::Us).as_deref(), Some("again"));
    assert_eq!(told(&mut outcome), Some(Ok("there".to_owned())));
    // It was only late: known, and nobody's any more.
    let Came::Back(late) = correlator.confirm(&came, From::Us) else { panic!("it is recognised") };
    assert_eq!((late.event.details.id.as_str(), late.waiting()), ("lost", Waiting::Expired));
    assert_eq!(correlator.give_up(lost, true), GaveUp::TooLate);
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_word_confirms_nothing_and_is_remembered() {
    let mut correlator = Correlator::default();
    let (number, _outcome) = expect(&mut correlator, &text("room", "yes", "1"));
    assert!(matches!(correlator.confirm(&text("room", "yes", "theirs"), From::Another), Came::Unknown));
    assert!(matches!(correlator.confirm(&text("other room", "yes", "there"), From::Us), Came::Unknown));
    assert!(matches!(correlator.confirm(&text("room", "no", "there"), From::Us), Came::Unknown));
    assert_eq!(correlator.give_up(number, true), GaveUp::Doubted);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_for_the_one_that_was_refused() {
    // The second was bad, and its refusal overtook the first one's echo.
    let mut correlator = Correlator::default();
    let (_, mut good) = expect(&mut correlator, &text("room", "good", "1"));
    let (_, mut bad) = expect(&mut correlator, &text("room", "bad", "2"));
    assert!(correlator.refused(refusal()));
    assert_eq!((told(&mut good), told(&mut bad)), (None, None));
    confirmed(&mut correlator, &text("room", "good", "there"), From::Us);
    assert_eq!((told(&mut good), told(&mut bad)), (Some(Ok("there".to_owned())), Some(Err(Reason::Invalid))));

    // The first was bad, and the second came back.
    let (_, mut bad) = expect(&mut correlator, &text("room", "bad", "1"));
    let (_, mut good) = expect(&mut correlator, &text("room", "good", "2"));
    assert!(correlator.refused(refusal()));
    confirmed(&mut correlator, &text("room", "good", "there"), From::Us);
    assert_eq!((told(&mut bad), told(&mut good)), (Some(Err(Reason::Invalid)), Some(Ok("there".to_owned()))));
    assert!(correlator.is_idle());
    assert!(!correlator.refused(refusal()), "nobody waits");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_nothing_decided_is_for_the_first_whose_time_is_over() {
    let mut correlator = Correlator::default();
    let (first, _one) = expect(&mut correlator, &text("room", "one", "1"));
    let (second, _two) = expect(&mut correlator, &text("room", "two", "2"));
    correlator.refused(refusal());
    assert_eq!(correlator.give_up(first, true), GaveUp::Refused(refusal()));
    assert_eq!(correlator.give_up(second, true), GaveUp::Nothing);
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_made_of_our_words_is_ours() {
    let sent = "5 < 6 & \"so on\"";
    for came in ["5 &lt; 6 &amp; &quot;so on&quot;", " 5 < 6  & \"so on\"\n", "5 &lt; 6 &amp; &#34;so on&#34;"] {
        let mut correlator = Correlator::default();
        let _waits = expect(&mut correlator, &text("room", sent, "1"));
        assert_eq!(confirmed(&mut correlator, &text("room", came, "there"), From::Us).as_deref(), Some("1"), "{came}");
    }
    // Whoever it is from must be certain, and other words are of another device of the same account.
    let mut correlator = Correlator::default();
    let _waits = expect(&mut correlator, &text("room", sent, "1"));
    assert_eq!(confirmed(&mut correlator, &text("room", "5 &lt; 6", "there"), From::Us), None);
    assert_eq!(confirmed(&mut correlator, &text("room", "5&lt;6 & \"so on\"", "there"), From::Unsaid), None);
    let long = "word ".repeat(40);
    let _waits = expect(&mut correlator, &text("room", &long, "2"));
    assert_eq!(confirmed(&mut correlator, &text("room", &long[..120], "there"), From::Us).as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn files_are_known_by_any_of_their_names() {
    let mut correlator = Correlator::default();
    let sent = file("menu.pdf", "http://back.example/media/7f/menu.pdf?sig=1", "1");
    let _waits = expect(&mut correlator, &sent);
    let other = file("plan.pdf", "http://cdn.example/media/80/plan.pdf", "there");
    assert!(matches!(correlator.confirm(&other, From::Unsaid), Came::Unknown));
    let same = file("", "http://cdn.example/x/menu.pdf", "there");
    assert!(matches!(correlator.confirm(&same, From::Unsaid), Came::Back(_)));
}

#[tokio::test(start_paused = true)]
async fn an_echo_before_the_answer_of_its_call_is_no_message() {
    let mut correlator = Correlator::default();
    let sent = text("room", "yes", "1");
    let number = correlator.call(&sent, expected(&sent)).expect("room").expect("a message");
    assert!(matches!(correlator.confirm(&text("room", "yes", "there"), From::Unsaid), Came::Noted));
    // One echo for one send.
    assert!(matches!(correlator.confirm(&text("room", "yes", "theirs"), From::Unsaid), Came::Unknown));
    correlator.answered(number, &Arc::new(sent.clone()));
    assert!(matches!(correlator.confirm(&text("room", "yes", "theirs"), From::Unsaid), Came::Unknown));

    // After it, it is an echo once.
    let number = correlator.call(&sent, expected(&sent)).expect("room").expect("a message");
    correlator.answered(number, &Arc::new(sent.clone()));
    let Came::Back(echo) = correlator.confirm(&text("room", "yes", "there"), From::Unsaid) else { panic!("an echo") };
    assert_eq!(echo.waiting(), Waiting::Confirmed);
    assert!(matches!(correlator.confirm(&text("room", "yes", "theirs"), From::Unsaid), Came::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_failed_and_came_back_arrived() {
    let mut correlator = Correlator::default();
    let sent = text("room", "yes", "1");
    let number = correlator.call(&sent, expected(&sent)).expect("room").expect("a message");
    correlator.confirm(&text("room", "yes", "there"), From::Unsaid);
    let late = Fault::new(Reason::UpstreamTimeout);
    let (pending, echo) = correlator.unanswered(number, &late).expect("it came back");
    assert_eq!((pending.waiting(), echo.details.id.as_str()), (Waiting::Called, "there"));
    // One that was refused did not: what came was somebody's.
    let number = correlator.call(&sent, expected(&sent)).expect("room").expect("a message");
    assert!(correlator.unanswered(number, &refusal()).is_none());
    assert!(matches!(correlator.confirm(&text("room", "yes", "theirs"), From::Unsaid), Came::Unknown));
}

#[tokio::test(start_paused = true)]
async fn whose_turn_it_is_is_told_by_conversation() {
    let mut correlator = Correlator::default();
    let came = text("room", "yes", "there");
    assert_eq!(correlator.standing(&came), Standing::None);
    let _elsewhere = expect(&mut correlator, &text("hall", "no", "1"));
    let (first, _waits) = expect(&mut correlator, &text("room", "no", "2"));
    let _yes = expect(&mut correlator, &text("room", "yes", "3"));
    assert_eq!(correlator.standing(&came), Standing::Later);
    assert_eq!(correlator.standing(&text("room", "no", "there")), Standing::First);
    correlator.give_up(first, true);
    assert_eq!(correlator.standing(&came), Standing::First);
    // Nobody waits for it, and it would be known.
    assert_eq!(correlator.standing(&text("room", "no", "there")), Standing::Later);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_let_go_of() {
    let mut correlator = Correlator::default();
    for round in 0..3 * LONGEST {
        let (number, _) = expect(&mut correlator, &text("room", &round.to_string(), "1"));
        correlator.give_up(number, true);
        tokio::time::advance(SWEPT / 8).await;
    }
    assert!(correlator.queue.len() <= LONGEST + 8, "{}", correlator.queue.len());
    tokio::time::advance(WITHIN + REMEMBERED).await;
    let _waits = expect(&mut correlator, &text("room", "new", "1"));
    assert_eq!(correlator.queue.len(), 1);
    let most = (0..2 * WAITING).take_while(|_| {
        let event = text("room", "flood", "1");
        correlator.expect(&event, expected(&event)).is_ok()
    });
    assert_eq!(most.count(), WAITING - 1);
}

fn acknowledged(id: &str) -> Acknowledged {
    Acknowledged { id: id.to_owned(), at: None }
}

#[tokio::test(start_paused = true)]
async fn what_was_acknowledged_and_never_came_was_taken() {
    let mut correlator = Correlator::default();
    let (number, mut outcome) = expect(&mut correlator, &text("room", "hi", "1"));
    correlator.acknowledge("elsewhere", acknowledged("6"));
    correlator.acknowledge("room", acknowledged("7"));
    assert_eq!(told(&mut outcome), None, "the message itself may follow");
    assert_eq!(correlator.give_up(number, true), GaveUp::Acknowledged(acknowledged("7")));
    assert!(correlator.take(number).is_some_and(|pending| pending.waiting() == Waiting::Live));
}

#[tokio::test(start_paused = true)]
async fn the_message_shows_what_its_acknowledgment_was_for() {
    let mut correlator = Correlator::default();
    let (refused, _first) = expect(&mut correlator, &text("room", "refused", "1"));
    let (_, mut taken) = expect(&mut correlator, &text("room", "taken", "2"));
    assert!(correlator.refused(refusal()));
    // Which of the two was refused is not known yet, so the acknowledgment is given to the first.
    correlator.acknowledge("room", acknowledged("7"));
    let came = text("room", "taken", "7");
    assert_eq!(confirmed(&mut correlator, &came, From::Us).as_deref(), Some("2"));
    assert_eq!(told(&mut taken), Some(Ok("7".to_owned())));
    assert_eq!(correlator.give_up(refused, true), GaveUp::TooLate, "it was refused, not acknowledged");
}
