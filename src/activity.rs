//! What happens at this moment, for people who watch. In: what was said, refused, told. Out: the same to every watcher, in
//! order; nobody waits for one that is slow, and where nobody watches nothing is made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::event::{Event, Timestamp};

/// What a watcher may be behind before it misses something.
const WAITING: usize = 512;
/// Characters of a message's words that are shown.
const WORDS: usize = 2_000;

static WATCHERS: AtomicUsize = AtomicUsize::new(0);
static HAPPENINGS: LazyLock<broadcast::Sender<Arc<Happening>>> = LazyLock::new(|| broadcast::channel(WAITING).0);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A client said it, and it was understood and handed on.
    Accepted,
    /// A client said it, and was refused.
    Refused,
    /// An upstream said it.
    Heard,
    /// It was written to a client.
    Told,
    /// There is no way to say it in a client's dialect.
    Untold,
}

/// One line of what happens. Parties are not named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Happening {
    pub at: Timestamp,
    pub step: Step,
    /// The route, or the upstream.
    pub place: Arc<str>,
    /// What it was said in.
    pub from: String,
    /// What it was told in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// `message/text`, `typing` …; empty for what was not understood.
    pub kind: String,
    pub conversation: String,
    pub message: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// What of it went in words, as there is no other way to say it there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub in_words: Vec<&'static str>,
    /// Facts that could not be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// The words of the message; shown only where the operator allows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

impl Happening {
    pub fn of(step: Step, place: &Arc<str>, from: &str, event: &Event) -> Self {
        let details = &event.details;
        Happening {
            kind: event.kind.to_string(),
            conversation: details.conversation.id.clone(),
            message: details.id.clone(),
            words: details.body.as_deref().map(|words| words.chars().take(WORDS).collect()),
            ..Happening::unknown(step, place, from)
        }
    }

    /// The same, where anybody would see it.
    pub fn seen(step: Step, place: &Arc<str>, from: &str, event: &Event) -> Option<Self> {
        is_watched().then(|| Happening::of(step, place, from, event))
    }

    /// Something that was not understood.
    pub fn unknown(step: Step, place: &Arc<str>, from: &str) -> Self {
        Happening {
            at: Timestamp::now(),
            step,
            place: Arc::clone(place),
            from: from.to_owned(),
            to: None,
            kind: String::new(),
            conversation: String::new(),
            message: String::new(),
            reason: None,
            in_words: Vec::new(),
            lost: Vec::new(),
            words: None,
        }
    }
}

/// Whether anybody would see it.
pub fn is_watched() -> bool {
    WATCHERS.load(Ordering::Relaxed) > 0
}

/// Tells the watchers; without any, `happening` is not made.
pub fn tell(happening: impl FnOnce() -> Happening) {
    if is_watched() {
        // Nobody there any more is no failure.
        let _ = HAPPENINGS.send(Arc::new(happening()));
    }
}

/// Tells what became of something that was handed on: `refused` is why it was not taken.
pub fn tell_taken(happening: Option<Happening>, refused: Option<&'static str>) {
    let Some(mut happening) = happening else { return };
    if refused.is_some() {
        happening.step = Step::Refused;
        happening.reason = refused;
    }
    tell(|| happening);
}

/// What a watcher sees next.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Happened(Arc<Happening>),
    /// It was too slow for so many.
    Missed(u64),
}

/// Watches until it is dropped.
pub struct Watching(broadcast::Receiver<Arc<Happening>>);

impl Watching {
    /// Sees what happens from now on; `None` where so many watch already.
    pub fn begin(most: usize) -> Option<Self> {
        let more = |watchers: usize| (watchers < most).then_some(watchers + 1);
        WATCHERS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Watching(HAPPENINGS.subscribe()))
    }

    pub async fn next(&mut self) -> Seen {
        match self.0.recv().await {
            Ok(happening) => Seen::Happened(happening),
            Err(RecvError::Lagged(missed)) => Seen::Missed(missed),
            // The sender is never dropped.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        WATCHERS.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_watches_sees_and_who_is_slow_is_told() {
        tell(|| unreachable!("nobody watches"));
        let mut watching = Watching::begin(1).expect("the first");
        assert!(Watching::begin(1).is_none(), "one is the most here");
        for at in 0..WAITING + 3 {
            tell(|| Happening::unknown(Step::Refused, &"place".into(), &at.to_string()));
        }
        assert_eq!(watching.next().await, Seen::Missed(3));
        let Seen::Happened(first) = watching.next().await else { panic!("nothing") };
        assert_eq!((first.step, first.from.as_str()), (Step::Refused, "3"));
        drop(watching);
        assert!(!is_watched());
    }
}
