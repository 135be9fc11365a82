//! Round after round through what is noted: a few copies at once, a store that fails left alone for a while. In: notes in
//! the journal. Out: fewer of them.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::event::Timestamp;
use crate::journal::{Collection, JournalError};
use crate::metrics;
use crate::store::StoreError;

use super::make::{Made, make};
use super::{Copier, Note, Pause};

/// Copies that are made at once.
const AT_ONCE: usize = 4;
/// Notes that are read at once.
const PAGE: usize = 256;
/// How long a note of another process is left to it.
const ANOTHERS: Duration = Duration::from_secs(30);
/// How long an upload may take to finish; a note of what the primary does not have by then was made in vain.
const IN_VAIN: Duration = Duration::from_secs(60 * 60);
/// After this a copy is given up.
const GIVEN_UP: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The pause of a store that failed; it doubles each time.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5 * 60));
/// How often notes of processes that are gone are looked for.
const LOOK: Duration = Duration::from_secs(60);
/// How long others leave a copy alone that this process makes.
const LEASE: Duration = Duration::from_secs(15 * 60);

/// A note and its name in the journal.
struct Noted {
    name: String,
    note: Note,
}

impl Copier {
    pub(super) async fn run(&self) {
        loop {
            let wait = match self.round().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "what copies are owed cannot be read");
                    PAUSE.0 * 5
                }
            };
            // Told in the middle of a round, it wakes at once.
            let _ = timeout(wait, self.0.wake.notified()).await;
        }
    }

    /// Goes through all notes once; how long the next round may wait.
    pub(super) async fn round(&self) -> Result<Duration, JournalError> {
        let (mut after, mut owed): (Option<String>, BTreeMap<String, i64>) = (None, BTreeMap::new());
        for name in self.0.stores.read().unwrap_or_else(std::sync::PoisonError::into_inner).keys() {
            owed.insert(name.clone(), 0);
        }
        loop {
            let page = self.0.journal.scan(Collection::Copies, "", after.as_deref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            let notes = page.into_iter().filter_map(|(name, bytes)| {
                let note = serde_json::from_slice(&bytes).ok()?;
                Some(Noted { name, note })
            });
            let ready: Vec<Noted> = notes.filter(|noted| self.is_ready(noted, &mut owed)).collect();
            let made = stream::iter(ready).map(|noted| self.pay(noted)).buffer_unordered(AT_ONCE);
            let done: Vec<String> = made.filter_map(std::future::ready).collect().await;
            for count in done.iter().filter_map(|name| name.split('\u{1f}').next()) {
                owed.entry(count.to_owned()).and_modify(|owed| *owed -= 1);
            }
            self.forget(done).await?;
        }
        for (store, owed) in &owed {
            metrics::show_copies_owed(store, *owed);
        }
        let state = self.state();
        let paused = state.paused.values().map(|pause| pause.until.saturating_duration_since(Instant::now())).min();
        Ok(paused.unwrap_or(LOOK).clamp(PAUSE.0 / 10, LOOK))
    }

    /// Whether it is this process's turn to make the copy; counted either way.
    fn is_ready(&self, noted: &Noted, owed: &mut BTreeMap<String, i64>) -> bool {
        *owed.entry(noted.note.to.clone()).or_default() += 1;
        let state = self.state();
        let own = state.due.contains(&noted.name) || !self.0.journal.is_shared();
        !state.unfinished.contains(&noted.name) && (own || age(&noted.note) > ANOTHERS)
    }

    /// Whether an upload in another process may have noted it, and not be finished.
    fn may_be_anothers(&self, name: &str) -> bool {
        self.0.journal.is_shared() && !self.state().due.contains(name)
    }

    fn is_paused(&self, store: &str) -> bool {
        self.state().paused.get(store).is_some_and(|pause| pause.until > Instant::now())
    }

    /// Makes a copy. Gives the name of a note that is done with.
    async fn pay(&self, noted: Noted) -> Option<String> {
        let Noted { name, note } = noted;
        // One before it may have failed.
        if self.is_paused(&note.to) || self.is_paused(&note.from) {
            return self.given_up(&note).then_some(name);
        }
        let (Some(primary), Some(other)) = (self.store(&note.from), self.store(&note.to)) else {
            return self.given_up(&note).then_some(name);
        };
        let (claimed, holder) = (format!("copy/{name}"), Uuid::new_v4());
        if !matches!(self.0.journal.claim(&claimed, holder, LEASE).await, Ok(true)) {
            return None;
        }
        let made = match make(&note.key, &primary, &other).await {
            // Somebody may still be about to finish it in the primary.
            Made::Gone if !note.removed && age(&note) < IN_VAIN && self.may_be_anothers(&name) => None,
            made => Some(made),
        };
        // A journal that is away forgets it by itself, in time.
        let _ = self.0.journal.disclaim(&claimed, holder).await;
        match made? {
            Made::There => {
                self.mended(&note.to);
                metrics::count_copy(&note.to, "later");
                Some(name)
            }
            Made::Gone => Some(name),
            Made::NoSource(error) => {
                self.pause(&note.from, &error);
                self.given_up(&note).then_some(name)
            }
            Made::Refused(error @ StoreError::Key) => {
                tracing::error!(store = note.to, %error, "a copy can never be made");
                metrics::count_copy(&note.to, "given_up");
                Some(name)
            }
            Made::Refused(error) => {
                metrics::count_copy(&note.to, "failed");
                self.pause(&note.to, &error);
                self.given_up(&note).then_some(name)
            }
        }
    }

    /// Whether a copy has been tried for long enough.
    fn given_up(&self, note: &Note) -> bool {
        let over = age(note) > GIVEN_UP;
        if over {
            tracing::error!(store = note.to, "a copy could not be made for a week and is given up");
            metrics::count_copy(&note.to, "given_up");
        }
        over
    }

    fn pause(&self, store: &str, error: &StoreError) {
        let mut state = self.state();
        let failures = state.paused.get(store).map_or(0, |pause| pause.failures);
        let length = PAUSE.0.saturating_mul(1 << failures.min(16)).min(PAUSE.1);
        // Replicas should not all come back at once.
        let length = length.mul_f64(0.5 + rand::random::<f64>() / 2.0);
        tracing::warn!(store, %error, seconds = length.as_secs_f64(), "a store is given no copies for a while");
        let pause = Pause { until: Instant::now() + length, failures: failures + 1 };
        state.paused.insert(store.to_owned(), pause);
    }

    fn mended(&self, store: &str) {
        self.state().paused.remove(store);
    }
}

/// How long ago it was noted.
fn age(note: &Note) -> Duration {
    let micros = Timestamp::now().micros().saturating_sub(note.since.micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}
