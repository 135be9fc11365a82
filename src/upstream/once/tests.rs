//! One key is one send: while it is on its way, after it, and after the process was cut off in between.

use super::*;
use crate::event::{EventKind, MessageKind, Timestamp};
use crate::journal::{Collection, EmbeddedJournal};

const SOON: Duration = Duration::from_secs(10);

fn journal(folder: &tempfile::TempDir) -> Arc<dyn Journal> {
    Arc::new(EmbeddedJournal::open(&folder.path().join("journal")).expect("opens"))
}

fn said(id: &str) -> Arc<Event> {
    let mut event = Event::new(EventKind::Message(MessageKind::Text));
    event.details.id = id.to_owned();
    event.details.body = Some("so it is".to_owned());
    event.details.conversation.id = "room".to_owned();
    Arc::new(event)
}

async fn first(once: &Arc<Once>, key: &str) -> Turn {
    match once.begin(key).await.expect("nothing is in the way") {
        Begun::First(turn) => turn,
        Begun::Done(_) => panic!("it was sent before"),
        Begun::UnderWay(_) => panic!("it is on its way"),
    }
}

/// What the answer is now: the id of what was sent, else why there is none.
async fn answer(once: &Arc<Once>, key: &str) -> Result<String, Reason> {
    let event = match once.begin(key).await.map_err(|fault| fault.reason)? {
        Begun::First(_) => return Ok("nothing was sent".to_owned()),
        Begun::Done(event) => event,
        Begun::UnderWay(other) => other.outcome(SOON).await.map_err(|fault| fault.reason)?,
    };
    Ok(event.details.id.clone())
}

#[tokio::test]
async fn the_same_key_is_the_same_message() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, tasks) = (journal(&folder), Tasks::new());
    let once = Once::new("back", Arc::clone(&journal), tasks.clone());
    let turn = first(&once, "key").await;
    turn.intend().await.expect("durable");
    turn.done(&said("41"));
    assert_eq!(answer(&once, "key").await.as_deref(), Ok("41"));
    assert_eq!(tasks.drain(SOON).await, 0);
    // From the journal, too, and by nobody else.
    let again = Once::new("back", Arc::clone(&journal), Tasks::new());
    let Ok(Begun::Done(event)) = again.begin("key").await else { panic!("it is known") };
    assert_eq!(event.details, said("41").details);
    assert_eq!(answer(&again, "another key").await.as_deref(), Ok("nothing was sent"));
    let other = Once::new("other", journal, Tasks::new());
    assert_eq!(answer(&other, "key").await.as_deref(), Ok("nothing was sent"));
}

#[tokio::test]
async fn who_repeats_meanwhile_waits_for_the_same_outcome() {
    let folder = tempfile::tempdir().expect("a folder");
    let once = Once::new("back", journal(&folder), Tasks::new());
    let turn = first(&once, "key").await;
    turn.intend().await.expect("durable");
    let Ok(Begun::UnderWay(other)) = once.begin("key").await else { panic!("it is on its way") };
    let Ok(Begun::UnderWay(third)) = once.begin("key").await else { panic!("it is on its way") };
    turn.done(&said("41"));
    assert_eq!(other.outcome(SOON).await.expect("sent").details.id, "41");
    assert_eq!(third.outcome(SOON).await.expect("sent").details.id, "41");

    let turn = first(&once, "second").await;
    let Ok(Begun::UnderWay(other)) = once.begin("second").await else { panic!("it is on its way") };
    let late = other.outcome(Duration::ZERO).await.map_err(|fault| fault.reason);
    assert_eq!(late.err(), Some(Reason::UpstreamTimeout));
    drop(turn);
}

#[tokio::test]
async fn what_was_refused_may_be_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (journal, tasks) = (journal(&folder), Tasks::new());
    let once = Once::new("back", Arc::clone(&journal), tasks.clone());
    for failure in [Fault::new(Reason::Invalid), Fault::new(Reason::Upstream).untaken()] {
        let turn = first(&once, "key").await;
        turn.intend().await.expect("durable");
        turn.failed(&failure);
        assert_eq!(tasks.drain(SOON).await, 0);
    }
    // What failed before anything was sent did not happen, whatever it was.
    first(&once, "key").await.failed(&Fault::new(Reason::Upstream));
    let turn = first(&Once::new("back", journal, Tasks::new()), "key").await;
    turn.intend().await.expect("durable");
}

#[tokio::test]
async fn what_was_cut_off_is_not_sent_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(&folder);
    let once = Once::new("back", Arc::clone(&journal), Tasks::new());
    let turn = first(&once, "key").await;
    turn.intend().await.expect("durable");
    let Ok(Begun::UnderWay(waiting)) = once.begin("key").await else { panic!("it is on its way") };
    // As when the process is killed: another one finds the intent and no more.
    let later = Once::new("back", Arc::clone(&journal), Tasks::new());
    for _ in 0..2 {
        let fault = later.begin("key").await.map(|_| ()).expect_err("nobody knows");
        assert!(fault.reason == Reason::Unavailable && fault.reason.retry_helps(), "{fault}");
        assert_eq!(fault.words.as_deref(), Some("Whether an earlier attempt was delivered is not known"));
    }
    // As when the upstream's connection broke.
    turn.failed(&Fault::new(Reason::UpstreamTimeout));
    assert_eq!(waiting.outcome(SOON).await.map_err(|fault| fault.reason).err(), Some(Reason::Unavailable));
    assert_eq!(answer(&once, "key").await, Err(Reason::Unavailable));
}

#[tokio::test]
async fn nothing_is_recorded_before_it_is_intended() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(&folder);
    let once = Once::new("back", Arc::clone(&journal), Tasks::new());
    let turn = first(&once, "a key that is nobody's business").await;
    let records = || async { journal.scan(Collection::Sends, "", None, 10).await.expect("readable") };
    assert!(records().await.is_empty());
    turn.intend().await.expect("durable");
    let found = records().await;
    assert!(found.len() == 1 && found[0].0.starts_with("back/") && found[0].0.len() == "back/".len() + 64, "{found:?}");
    assert!(!found[0].0.contains("business"));
}

#[tokio::test]
async fn old_keys_go() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(&folder);
    let old = Timestamp::now().micros() - record::LONGEST - 1;
    let records = (0..record::MOST).map(|at| {
        let value =
            Some(format!("{{\"at\":{}}}", if at < 3 { old } else { old + 60_000_000 + at as i64 }).into_bytes());
        crate::journal::Put { collection: Collection::Sends, key: format!("back/{at:064}"), value }
    });
    journal.put(records.collect()).await.expect("written");
    let count =
        || async { journal.scan(Collection::Sends, "back/", None, 2 * record::MOST).await.expect("read").len() };
    let once = Once::new("back", Arc::clone(&journal), Tasks::new());
    // Three are too old; the others are as many as there may be.
    let turn = first(&once, "one").await;
    turn.intend().await.expect("durable");
    assert_eq!(count().await, record::MOST - 3 + 1);
    for key in ["two", "three", "four"] {
        first(&once, key).await.intend().await.expect("durable");
    }
    assert_eq!(count().await, record::MOST);
    let kept = Once::new("back", journal, Tasks::new());
    assert_eq!(answer(&kept, "four").await, Err(Reason::Unavailable));
}
