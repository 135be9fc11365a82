//! How far a webhook or a delivery has told what the journal told everyone. In: a journal, and what became of each event.
//! Out: what is to be told next, whichever replica told what came before. Until an event is told the journal keeps it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::event::{Announced, Missed, Place, Timestamp, Topic};
use crate::journal::{Collection, Journal, JournalError, Put};

use super::claim::Right;
use super::runs::Runs;

/// Between two times that it is noted what was told. What was told since is told again when a replica dies.
const NOTED: Duration = Duration::from_millis(100);

/// Runs of numbers that are noted of what was told out of order; of more than that some is told again.
const NOTED_RUNS: usize = 256;

/// What the journal has of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// All up to here is told.
    #[serde(flatten)]
    told: Place,
    /// So is this: what follows an event that the app does not take yet.
    #[serde(default)]
    beyond: Runs,
}

/// Where one was left; one that was not there before begins now.
pub(super) async fn begin(journal: &dyn Journal, key: &str) -> Result<Noted, JournalError> {
    // Of several replicas that begin at once one says where. Whoever has the right to call it notes the rest.
    let _alone = journal.lease(key).await?;
    let kept = journal.get(Collection::Deliveries, key).await?;
    let kept: Option<Noted> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let noted = match kept {
        Some(noted) => noted,
        None => {
            let places = journal.places(&[Topic::Everyone]).await?;
            let told = places.first().map_or(Place::default(), |(_, place)| *place);
            let noted = Noted { told, beyond: Runs::default() };
            journal.put(vec![noted.document(key)]).await?;
            noted
        }
    };
    journal.reserve(&Topic::Everyone, key, noted.told.number).await?;
    Ok(noted)
}

impl Noted {
    fn document(&self, key: &str) -> Put {
        Put { collection: Collection::Deliveries, key: key.to_owned(), value: serde_json::to_vec(self).ok() }
    }
}

/// The place of one of them, kept in the journal.
pub(super) struct Progress {
    journal: Arc<dyn Journal>,
    right: Right,
    key: String,
    /// As of [`Noted`].
    told: Place,
    beyond: Runs,
    /// How far it was read.
    read: Place,
    /// How far the topic has come, as far as it is known.
    end: u64,
    /// What is being told, and when it was recorded.
    begun: BTreeMap<u64, Option<Timestamp>>,
    /// The journal has something else.
    is_unkept: bool,
}

/// What is to be told next.
#[derive(Default)]
pub(super) struct News {
    pub(super) announced: Vec<(Place, Announced)>,
    /// How many are not kept any more.
    pub(super) lost: u64,
    /// Whether there may be more.
    pub(super) has_more: bool,
}

impl Progress {
    /// Goes on where it was left, by whichever replica. It is noted while the right is ours.
    pub(super) async fn open(journal: Arc<dyn Journal>, key: &str, right: Right) -> Result<Self, JournalError> {
        let Noted { told, beyond } = begin(&*journal, key).await?;
        let (key, read, begun) = (key.to_owned(), told, BTreeMap::new());
        Ok(Progress { journal, right, key, told, beyond, read, end: told.number, begun, is_unkept: false })
    }

    /// The topic has come to this. Says whether there is something to read.
    pub(super) fn hear(&mut self, places: &[(Topic, Place)]) -> bool {
        let everyone = places.iter().find(|(topic, _)| *topic == Topic::Everyone);
        self.end = everyone.map_or(self.end, |(_, place)| self.end.max(place.number));
        everyone.is_none_or(|(_, place)| place.number > self.read.number)
    }

    /// Asks for what follows what was read.
    pub(super) fn read(&self, limit: usize) -> BoxFuture<'static, Result<Missed, JournalError>> {
        let (journal, read) = (Arc::clone(&self.journal), self.read);
        async move { journal.told(&Topic::Everyone, read, limit).await }.boxed()
    }

    /// What was asked for: what of it is news.
    pub(super) fn take(&mut self, mut missed: Missed) -> News {
        let reached = missed.reached.pop().map_or(self.read, |(_, place)| place);
        let is_lost = !missed.lost.is_empty();
        let mut announced: Vec<_> =
            missed.announced.into_iter().filter_map(|one| Some((everyone(&one)?, one))).collect();
        // They come by conversation; across conversations the topic counts.
        announced.sort_by_key(|(place, _)| place.number);
        let span = reached.number.saturating_sub(self.read.number);
        let lost = if is_lost { span.saturating_sub(announced.len() as u64).max(1) } else { 0 };
        let has_more = reached != self.read;
        if is_lost && announced.is_empty() {
            // Another history, or nothing is left of this one: it goes on at its end.
            (self.told, self.beyond, self.is_unkept) = (reached, Runs::default(), true);
            self.begun.clear();
            self.end = reached.number;
        } else {
            announced.retain(|(place, _)| !self.beyond.holds(place.number));
        }
        (self.read, self.end) = (reached, self.end.max(reached.number));
        News { announced, lost, has_more }
    }

    /// This one is being told.
    pub(super) fn begin(&mut self, place: Place, recorded: Option<Timestamp>) {
        self.begun.insert(place.number, recorded);
    }

    /// This one needs not be told any more.
    pub(super) fn finish(&mut self, place: Place) {
        self.begun.remove(&place.number);
        if place.number <= self.told.number {
            return;
        }
        self.beyond.add(place);
        self.is_unkept = true;
        let first = self.begun.first_key_value().map_or(u64::MAX, |(number, _)| *number);
        self.told = self.beyond.take_before(first).unwrap_or(self.told);
    }

    /// How many events wait, as far as it is known, and when the first that is being told was recorded.
    pub(super) fn backlog(&self) -> (u64, Option<Timestamp>) {
        let unread = self.end.saturating_sub(self.read.number);
        (unread + self.begun.len() as u64, self.begun.first_key_value().and_then(|(_, recorded)| *recorded))
    }

    /// Whether the journal does not know all yet.
    pub(super) fn is_unkept(&self) -> bool {
        self.is_unkept
    }

    /// Notes what was told, and waits a little so that the next note is of more.
    pub(super) fn keep(&mut self) -> BoxFuture<'static, Result<(), JournalError>> {
        let noting = self.note();
        async move {
            let noted = noting.await;
            tokio::time::sleep(NOTED).await;
            noted
        }
        .boxed()
    }

    /// Notes it without waiting.
    pub(super) async fn keep_now(&mut self) -> Result<(), JournalError> {
        let noted = self.note().await;
        self.is_unkept |= noted.is_err();
        noted
    }

    /// It could not be noted.
    pub(super) fn keep_again(&mut self) {
        self.is_unkept = true;
    }

    fn note(&mut self) -> BoxFuture<'static, Result<(), JournalError>> {
        self.is_unkept = false;
        let (journal, right) = (Arc::clone(&self.journal), self.right.clone());
        let (key, told) = (self.key.clone(), self.told);
        let noted = Noted { told, beyond: self.beyond.first(NOTED_RUNS) };
        async move {
            if !journal.put_claimed(&right.name, right.holder, vec![noted.document(&key)]).await? {
                return Err(JournalError::Unavailable("another replica calls now".to_owned()));
            }
            // Afterwards, so that what is told again when this fails is there still.
            journal.reserve(&Topic::Everyone, &key, told.number).await
        }
        .boxed()
    }
}

fn everyone(announced: &Announced) -> Option<Place> {
    announced.places.iter().find(|(topic, _)| *topic == Topic::Everyone).map(|(_, place)| *place)
}
