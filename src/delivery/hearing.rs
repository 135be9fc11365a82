//! Where a webhook hears of events, again and again. In: a source. Out: what it says; a source that let go is listened to anew.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::relay::{MailboxEnd, MailboxLimits, MailboxReceiver, Parcel, Subscription, mailbox};

use super::webhook::Source;

/// What waits for a slow app, at most.
const WAITING: MailboxLimits = MailboxLimits { messages: 10_000, bytes: 64 << 20 };

/// The first and the longest pause before it listens again.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A place to hear from, and what was heard.
type Listening = (Option<Subscription>, MailboxReceiver);

pub(super) struct Ear<'source> {
    source: &'source Source,
    route: &'source Arc<str>,
    state: State<'source>,
}

enum State<'source> {
    Opening(BoxFuture<'source, Listening>),
    Open(Listening),
    Shut,
}

/// What was heard.
pub(super) enum Heard {
    /// It listens now; what was told before is to be read.
    Listening,
    Parcel(Parcel),
    /// Too much waited.
    Overflowed,
}

impl<'source> Ear<'source> {
    pub(super) fn new(source: &'source Source, route: &'source Arc<str>) -> Self {
        let state = State::Opening(listening(source, route, Duration::ZERO));
        Ear { source, route, state }
    }

    /// The next that is heard. May be dropped and called again.
    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            let end = match &mut self.state {
                State::Opening(opening) => {
                    self.state = State::Open(opening.await);
                    return Heard::Listening;
                }
                State::Open((subscription, arriving)) => match arriving.recv().await {
                    Ok(parcel) => return Heard::Parcel(parcel),
                    Err(_) if subscription.is_none() => {
                        self.state = State::Shut;
                        continue;
                    }
                    Err(end) => end,
                },
                State::Shut => std::future::pending().await,
            };
            // A source that lets go again and again is not asked without end.
            let pause = if end == MailboxEnd::Overflowed { Duration::ZERO } else { PAUSE.1 };
            self.state = State::Opening(listening(self.source, self.route, pause));
            if end == MailboxEnd::Overflowed {
                return Heard::Overflowed;
            }
        }
    }

    /// Listens no more; what was heard by now can be heard still.
    pub(super) fn close(&mut self) {
        match &mut self.state {
            State::Open((subscription, _)) => drop(subscription.take()),
            State::Opening(_) | State::Shut => self.state = State::Shut,
        }
    }

    /// Neither that.
    pub(super) fn shut(&mut self) {
        self.state = State::Shut;
    }

    pub(super) fn is_shut(&self) -> bool {
        matches!(self.state, State::Shut)
    }
}

/// Listens after a pause, as often as it takes.
fn listening<'source>(
    source: &'source Source,
    route: &'source Arc<str>,
    first: Duration,
) -> BoxFuture<'source, Listening> {
    async move {
        tokio::time::sleep(first).await;
        let mut pause = PAUSE.0;
        loop {
            let (letters, arriving) = mailbox(WAITING);
            match source.listen(route, letters).await {
                Ok(subscription) => return (Some(subscription), arriving),
                Err(fault) => tracing::warn!(%route, %fault, "the webhook cannot listen"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
        }
    }
    .boxed()
}
