//! How far a webhook has told what the journal told everyone. In: a journal. Out: what is to be told next, in order, whichever
//! replica told what came before.

use std::sync::Arc;

use crate::event::{Announced, Place, Topic};
use crate::journal::{Collection, Journal, JournalError, Put};

/// The place of one webhook, kept in the journal.
pub struct Progress {
    journal: Arc<dyn Journal>,
    key: String,
    place: Place,
    /// The journal has an earlier one.
    unkept: bool,
}

/// What is to be told next.
pub struct Next {
    pub announced: Vec<(Place, Announced)>,
    /// How far that goes.
    reached: Place,
    /// Something before it is not kept any more.
    pub is_lost: bool,
}

impl Progress {
    /// Goes on where the webhook was left, by whichever replica; a webhook that was not there before begins now.
    pub async fn open(journal: Arc<dyn Journal>, route: &str) -> Result<Self, JournalError> {
        let key = format!("webhook/{route}");
        // Of several replicas that begin at once one says where.
        let _alone = journal.lease(&key).await?;
        let kept = journal.get(Collection::Deliveries, &key).await?;
        let kept: Option<Place> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let place = match kept {
            Some(place) => place,
            None => {
                let places = journal.places(&[Topic::Everyone]).await?;
                places.first().map_or(Place::default(), |(_, place)| *place)
            }
        };
        let mut progress = Progress { journal: Arc::clone(&journal), key, place, unkept: kept.is_none() };
        progress.keep().await?;
        Ok(progress)
    }

    /// Whether something that was told so far is to be told to the app yet.
    pub fn is_before(&self, places: &[(Topic, Place)]) -> bool {
        let everyone = places.iter().find(|(topic, _)| *topic == Topic::Everyone);
        everyone.is_none_or(|(_, place)| place.number > self.place.number)
    }

    /// What is to be told after this place.
    pub async fn next(&self) -> Result<Next, JournalError> {
        let mut missed = self.journal.missed(&[(Topic::Everyone, self.place)]).await?;
        let reached = missed.reached.pop().map_or(self.place, |(_, place)| place);
        let of_everyone = |announced: &Announced| {
            announced.places.iter().find(|(topic, _)| *topic == Topic::Everyone).map(|(_, place)| *place)
        };
        let announced = missed.announced.into_iter();
        let mut announced: Vec<_> = announced.filter_map(|one| Some((of_everyone(&one)?, one))).collect();
        // They come by conversation; across conversations the topic counts.
        announced.sort_by_key(|(place, _)| place.number);
        Ok(Next { announced, reached, is_lost: !missed.lost.is_empty() })
    }

    /// All up to this place is told, or no business of the app.
    pub fn reach(&mut self, place: Place) {
        self.place = place;
        self.unkept = true;
    }

    /// All of it is told. Says whether there was something.
    pub fn finish(&mut self, next: &Next) -> bool {
        let is_further = next.reached != self.place;
        if is_further {
            self.reach(next.reached);
        }
        is_further || !next.announced.is_empty()
    }

    /// Keeps the place, so that nothing before it is told again.
    pub async fn keep(&mut self) -> Result<(), JournalError> {
        if self.unkept {
            let value = serde_json::to_vec(&self.place).ok();
            let put = Put { collection: Collection::Deliveries, key: self.key.clone(), value };
            self.journal.put(vec![put]).await?;
            self.unkept = false;
        }
        Ok(())
    }
}
