//! The keys that are held, and who asks for others. In: a token's `kid` and algorithm. Out: the keys that may have signed
//! it. Who asks for one that is not held waits for the next look at the provider, which is one for all who ask, not more often
//! than [`super::keep`] allows, and not for long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::Algorithm;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::fault::{Fault, Reason};

use super::document::Key;
use super::settings::KeySetSettings;

/// How long a token waits for keys that are not held.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tokens that wait at a time.
const WAITING: usize = 256;
/// How long a `kid` that was looked for in vain is refused at once, and how many of these are remembered.
const ABSENT_FOR: Duration = Duration::from_secs(30);
const MOST_ABSENT: usize = 1_024;
/// Keys that are tried on one token.
const MOST_TRIED: usize = 8;

/// The keys of one route.
pub struct KeySet {
    /// The route.
    pub(super) name: Arc<str>,
    pub(super) settings: KeySetSettings,
    held: RwLock<Option<Arc<Held>>>,
    /// When somebody last asked for what is not held.
    pub(super) asked: watch::Sender<Instant>,
    pub(super) rounds: watch::Sender<Round>,
    absent: Mutex<HashMap<String, Instant>>,
    waiting: Semaphore,
    pub(super) ended: CancellationToken,
}

/// What was fetched last.
#[derive(Debug)]
pub(super) struct Held {
    pub keys: Vec<Arc<Key>>,
    pub fetched: Instant,
    /// Of the document.
    pub digest: [u8; 32],
}

/// The last look at the provider, and the next.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// When the last one began.
    pub began: Instant,
    /// Whether that, or the first one, is under way.
    pub is_looking: bool,
    /// When the next one is due.
    pub next: Instant,
    /// When one may begin because somebody asks.
    pub may_be_asked: Instant,
    /// Why the last one brought nothing.
    pub wrong: Option<String>,
}

impl Held {
    /// Those of a name, or without one where none has the name; of a token without a `kid`, all. A bounded number.
    fn matching(&self, id: Option<&str>, algorithm: Algorithm) -> Vec<Arc<Key>> {
        let of = |is_it: &dyn Fn(&Key) -> bool| {
            let keys = self.keys.iter().filter(|key| key.algorithm == algorithm && is_it(key));
            keys.take(MOST_TRIED).cloned().collect::<Vec<_>>()
        };
        let Some(id) = id else { return of(&|_| true) };
        let named = of(&|key| key.id.as_deref() == Some(id));
        if named.is_empty() { of(&|key| key.id.is_none()) } else { named }
    }
}

impl KeySet {
    pub(super) fn new(name: Arc<str>, settings: KeySetSettings) -> Self {
        let now = Instant::now();
        let first = Round { began: now, is_looking: true, next: now, may_be_asked: now, wrong: None };
        KeySet {
            name,
            settings,
            held: RwLock::default(),
            asked: watch::Sender::new(now),
            rounds: watch::Sender::new(first),
            absent: Mutex::default(),
            waiting: Semaphore::new(WAITING),
            ended: CancellationToken::new(),
        }
    }

    /// The route that it is for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keys that may have signed a token, at least one. [`Reason::Unauthorized`] where the provider has none like it;
    /// [`Reason::Unavailable`] or [`Reason::Busy`] where that cannot be said now.
    pub async fn keys(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<Key>>, Fault> {
        match self.held() {
            Some(held) => {
                let found = held.matching(id, algorithm);
                if !found.is_empty() {
                    return Ok(found);
                }
                if self.is_absent(id.unwrap_or_default()) {
                    return Err(unknown());
                }
            }
            None if self.rounds.borrow().wrong.is_some() => return Err(self.unavailable()),
            None => {}
        }
        let Ok(_place) = self.waiting.try_acquire() else {
            return Err(Fault::new(Reason::Busy).detail("too many tokens wait for keys that are not known yet"));
        };
        match timeout(PATIENCE, self.looked_for(id, algorithm)).await {
            Ok(found) => found,
            Err(_) => Err(self.unavailable()),
        }
    }

    /// A key did not fit a token that does not say which key it is: perhaps there is another by now. Nobody waits for it.
    pub fn doubt(&self) {
        self.ask();
    }

    /// Waits for the look that is under way; if that does not bring the key, for one that begins after this asked for it.
    async fn looked_for(&self, id: Option<&str>, algorithm: Algorithm) -> Result<Vec<Arc<Key>>, Fault> {
        let mut rounds = self.rounds.subscribe();
        let mut asked: Option<Instant> = None;
        loop {
            let round = rounds.borrow_and_update().clone();
            let held = self.held();
            let found = held.as_ref().map(|held| held.matching(id, algorithm)).unwrap_or_default();
            if !found.is_empty() {
                return Ok(found);
            }
            if !round.is_looking {
                let is_answer = asked.is_some_and(|asked| round.began >= asked);
                if round.wrong.is_some() && (is_answer || held.is_none()) {
                    return Err(self.unavailable());
                }
                if is_answer {
                    self.note_absent(id.unwrap_or_default());
                    return Err(unknown());
                }
                // Who would wait in vain is told at once.
                if round.next.min(round.may_be_asked) > Instant::now() + PATIENCE {
                    return Err(self.unavailable());
                }
                asked.get_or_insert_with(|| self.ask());
            }
            if rounds.changed().await.is_err() {
                return Err(self.unavailable());
            }
        }
    }

    /// Says that a key is wanted that is not held; when that was said.
    fn ask(&self) -> Instant {
        let now = Instant::now();
        self.asked.send_replace(now);
        now
    }

    /// What is held and not too old.
    pub(super) fn held(&self) -> Option<Arc<Held>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        held.filter(|held| held.fetched.elapsed() <= self.settings.stale_after)
    }

    /// Holds these from now on.
    pub(super) fn hold(&self, held: Held) {
        let before = self.held.write().unwrap_or_else(PoisonError::into_inner).replace(Arc::new(held));
        let now = self.held();
        if before.map(|before| before.digest) != now.map(|now| now.digest) {
            self.absent.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    /// What is wrong with it, for people.
    pub fn wrong(&self) -> Option<String> {
        let source = &self.settings.source;
        let round = self.rounds.borrow().clone();
        match (round.wrong, self.held()) {
            (None, Some(_)) => None,
            (None, None) => Some(format!("{source}: not fetched yet")),
            (Some(wrong), Some(held)) => {
                Some(format!("{source}: {wrong}; keys of {} s ago are used", held.fetched.elapsed().as_secs()))
            }
            (Some(wrong), None) => {
                Some(format!("{source}: {wrong}; there are no keys, and tokens are refused with 503"))
            }
        }
    }

    fn unavailable(&self) -> Fault {
        let round = self.rounds.borrow().clone();
        let wait = round.next.min(round.may_be_asked).saturating_duration_since(Instant::now());
        Fault {
            retry_after: Some(wait.max(Duration::from_secs(1))),
            ..Fault::new(Reason::Unavailable).detail("the keys of the identity provider cannot be fetched now")
        }
    }

    fn is_absent(&self, id: &str) -> bool {
        let absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        absent.get(id).is_some_and(|since| since.elapsed() < ABSENT_FOR)
    }

    fn note_absent(&self, id: &str) {
        let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
        if absent.len() >= MOST_ABSENT {
            absent.retain(|_, since| since.elapsed() < ABSENT_FOR);
        }
        // One that is not remembered is looked for again, as often as looks are allowed.
        if absent.len() < MOST_ABSENT {
            absent.insert(id.to_owned(), Instant::now());
        }
    }
}

fn unknown() -> Fault {
    Fault::new(Reason::Unauthorized).detail("the token's key is not one of the identity provider")
}
