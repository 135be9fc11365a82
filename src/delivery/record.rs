//! What became of each message of a delivery, in the journal: the last so many, so that none is delivered again after a
//! restart and an operator can look. In: what became of it. Out: the same, later, in whichever replica.

use serde::{Deserialize, Serialize};

use crate::event::Timestamp;
use crate::journal::{Collection, Journal, JournalError, Put};

/// Messages of one delivery of which it is known. A prime: ids are numbers that rise, and may do so by more than one.
const KEPT: u64 = 16_381;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its id.
    pub(super) message: String,
    /// How many of its parts were taken.
    pub(super) parts: usize,
    /// What the other side calls them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ids: Vec<String>,
    pub(super) state: State,
    pub(super) at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// Some of its parts are still to be said.
    Begun,
    Told,
    /// A reason of the closed list of faults.
    Refused(String),
    /// The same, of the last try.
    GivenUp(String),
}

impl Record {
    pub(super) fn new(message: &str) -> Self {
        Record { message: message.to_owned(), parts: 0, ids: Vec::new(), state: State::Begun, at: Timestamp::now() }
    }

    /// What is known of this message.
    pub(super) async fn find(journal: &dyn Journal, name: &str, message: &str) -> Result<Option<Self>, JournalError> {
        let kept = journal.get(Collection::Deliveries, &key(name, message)).await?;
        let record: Option<Record> = kept.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Ok(record.filter(|record| record.message == message))
    }

    /// Notes it in the place of a message that is long past.
    pub(super) async fn keep(&self, journal: &dyn Journal, name: &str) -> Result<(), JournalError> {
        let (key, value) = (key(name, &self.message), serde_json::to_vec(self).ok());
        journal.put(vec![Put { collection: Collection::Deliveries, key, value }]).await
    }
}

fn key(name: &str, message: &str) -> String {
    let number = message
        .parse()
        .unwrap_or_else(|_| message.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(byte.into())));
    format!("delivered/{name}/{}", number % KEPT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::EmbeddedJournal;

    #[tokio::test]
    async fn a_message_is_found_until_another_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let journal = EmbeddedJournal::open(&folder.path().join("journal")).unwrap();
        let first = Record { parts: 1, ids: vec!["x".to_owned()], state: State::Told, ..Record::new("7") };
        first.keep(&journal, "guests").await.unwrap();
        assert_eq!(Record::find(&journal, "guests", "7").await.unwrap(), Some(first));
        assert_eq!(Record::find(&journal, "others", "7").await.unwrap(), None);
        let later = (7 + KEPT).to_string();
        assert_eq!(Record::find(&journal, "guests", &later).await.unwrap(), None);
        let second = Record { state: State::Refused("ended".to_owned()), ..Record::new(&later) };
        second.keep(&journal, "guests").await.unwrap();
        assert_eq!(Record::find(&journal, "guests", "7").await.unwrap(), None);
        assert_eq!(Record::find(&journal, "guests", &later).await.unwrap(), Some(second));
    }
}
