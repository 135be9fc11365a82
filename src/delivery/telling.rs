//! What a webhook or a delivery does while this replica is the one to call. In: what is heard and what the journal has. Out:
//! letters to whoever is told, and how far that came, noted in the journal; until it is stopped and nothing waits any more.
//!
//! Of the hub's events what comes says that there is more to tell, and the journal says what: nothing is lost for being slow.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Fuse, FusedFuture};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::event::Missed;
use crate::journal::JournalError;
use crate::metrics::{self, Backlog};
use crate::relay::Parcel;

use super::claim::Right;
use super::hearing::{Ear, Heard};
use super::lanes::Lanes;
use super::letter::Letter;
use super::listener::Listener;
use super::progress::{News, Progress};

/// Events that are read at once.
const PAGE: usize = 512;

/// Before a journal that could not be asked is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// How long what waits is still told once it is stopped. What the journal has is told at the next start.
const STOPPING: Duration = Duration::from_secs(30);

/// How often it is noted where nothing is told, so that the journal does not take it for given up.
const RENEWED: Duration = Duration::from_secs(3_600);

type Reading = BoxFuture<'static, Result<Missed, JournalError>>;
type Keeping = BoxFuture<'static, Result<(), JournalError>>;

pub(super) struct Telling<'listener> {
    listener: &'listener Listener,
    /// Of what the journal has; absent where the source is another.
    progress: Option<Progress>,
    lanes: Lanes<'listener>,
    ear: Ear<'listener>,
    backlog: Backlog,
    /// The journal may have something that was not read.
    has_more: bool,
    reading: Fuse<Reading>,
    keeping: Fuse<Keeping>,
    /// Until when what waits is told, once it is stopped.
    until: Option<Instant>,
}

impl<'listener> Telling<'listener> {
    /// Begins where the webhook was left, once the journal says where that is. Nothing: it was stopped before.
    pub(super) async fn begin(listener: &'listener Listener, right: Right) -> Option<Self> {
        let progress = if listener.source.is_its_own() {
            None
        } else {
            Some(tokio::select! {
                progress = opened(listener, right) => progress,
                () = listener.stop.cancelled() => return None,
            })
        };
        Some(Telling {
            listener,
            has_more: progress.is_some(),
            progress,
            lanes: Lanes::new(&*listener.hearer),
            ear: Ear::new(&listener.source, listener.name()),
            backlog: Backlog::begin(listener.hearer.addressee(), listener.name()),
            reading: Fuse::terminated(),
            keeping: Fuse::terminated(),
            until: None,
        })
    }

    pub(super) async fn run(mut self) {
        let mut renewed = interval(RENEWED);
        renewed.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.go_on();
            self.show();
            if self.is_over() {
                break;
            }
            let stop = self.listener.stop.cancelled();
            let may_hear = self.progress.is_some() || self.lanes.room() > 0;
            tokio::select! {
                () = stop, if self.until.is_none() => self.stop(),
                () = over(self.until) => break,
                letter = self.lanes.over() => self.finish(&letter),
                read = &mut self.reading => self.take(read),
                kept = &mut self.keeping => self.kept(kept),
                heard = self.ear.hear(), if may_hear => self.hear(heard),
                _ = renewed.tick() => self.kept(Err(JournalError::Unavailable("it is time".to_owned()))),
            }
        }
        if let Some(progress) = &mut self.progress
            && let Err(error) = progress.keep_now().await
        {
            tracing::debug!(key = %self.listener.key, %error, "the place in the journal could not be noted");
        }
    }

    /// Reads and notes where there is something.
    fn go_on(&mut self) {
        let Some(progress) = &mut self.progress else { return };
        let is_leaving = self.until.is_some() && self.listener.journal.is_shared();
        if self.has_more && self.reading.is_terminated() && !is_leaving && self.lanes.room() >= PAGE {
            self.has_more = false;
            let reading = progress.read(PAGE);
            let patient = async move {
                let read = reading.await;
                if read.is_err() {
                    sleep(PAUSE).await;
                }
                read
            };
            self.reading = patient.boxed().fuse();
        }
        if progress.is_unkept() && self.keeping.is_terminated() {
            self.keeping = progress.keep().fuse();
        }
    }

    fn show(&self) {
        let (waiting, oldest) = match &self.progress {
            Some(progress) => progress.backlog(),
            None => (self.lanes.waiting() as u64, None),
        };
        self.backlog.show(waiting, oldest.map(|recorded| recorded.micros() / 1_000_000));
    }

    /// Nothing new is heard. With others to go on, what was not begun is theirs.
    fn stop(&mut self) {
        self.until = Some(Instant::now() + STOPPING);
        if self.progress.is_none() {
            self.ear.close();
            return;
        }
        self.ear.shut();
        if self.listener.journal.is_shared() {
            self.lanes.close();
        } else {
            self.has_more = true;
        }
    }

    fn is_over(&self) -> bool {
        if self.until.is_none() || !self.ear.is_shut() {
            return false;
        }
        if self.progress.is_some() && self.listener.journal.is_shared() {
            return self.lanes.is_silent();
        }
        self.lanes.waiting() == 0 && !self.has_more && self.reading.is_terminated()
    }

    fn hear(&mut self, heard: Heard) {
        match (heard, &mut self.progress) {
            (Heard::Listening, _) => self.has_more = self.progress.is_some(),
            // What was not heard is read.
            (Heard::Overflowed, Some(_)) => self.has_more = true,
            (Heard::Overflowed, None) => self.lose(1, "who is told is too slow: events are lost"),
            (Heard::Parcel(parcel), Some(_)) if parcel.turn == 0 => self.pass(&parcel),
            (Heard::Parcel(parcel), Some(progress)) => self.has_more |= progress.hear(&parcel.places),
            (Heard::Parcel(parcel), None) => self.lanes.add(Letter::new(parcel.event, 0, None)),
        }
    }

    /// What is told in passing, unless there is more to tell than that.
    fn pass(&mut self, parcel: &Parcel) {
        if self.lanes.room() > 0 && self.listener.hearer.concerns(&parcel.event) {
            self.lanes.add(Letter::fleeting(Arc::clone(&parcel.event)));
        }
    }

    fn take(&mut self, read: Result<Missed, JournalError>) {
        let Some(progress) = &mut self.progress else { return };
        let News { announced, lost, has_more } = match read {
            Ok(missed) => progress.take(missed),
            Err(error) => {
                tracing::debug!(key = %self.listener.key, %error, "what to tell cannot be read yet");
                self.has_more = true;
                return;
            }
        };
        self.has_more |= has_more;
        for (place, announced) in announced {
            if self.listener.hearer.concerns(&announced.event) {
                progress.begin(place, announced.event.details.received_at);
                self.lanes.add(Letter::new(announced.event, announced.turn, Some(place)));
            } else {
                progress.finish(place);
            }
        }
        if lost > 0 {
            self.lose(lost, "who is told was behind by more than is kept: events are lost");
        }
    }

    fn lose(&self, count: u64, why: &str) {
        tracing::error!(key = %self.listener.key, count, "{why}");
        metrics::count_lost(self.listener.hearer.addressee(), self.listener.name(), count);
    }

    fn finish(&mut self, letter: &Letter) {
        if let (Some(progress), Some(place)) = (&mut self.progress, letter.place) {
            progress.finish(place);
        }
    }

    fn kept(&mut self, kept: Result<(), JournalError>) {
        if let (Some(progress), Err(error)) = (&mut self.progress, kept) {
            tracing::debug!(key = %self.listener.key, %error, "the place in the journal is to be noted again");
            progress.keep_again();
        }
    }
}

async fn opened(listener: &Listener, right: Right) -> Progress {
    loop {
        match Progress::open(Arc::clone(&listener.journal), &listener.key, right.clone()).await {
            Ok(progress) => return progress,
            Err(error) => {
                tracing::debug!(key = %listener.key, %error, "the place in the journal cannot be read yet");
            }
        }
        sleep(PAUSE).await;
    }
}

async fn over(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
