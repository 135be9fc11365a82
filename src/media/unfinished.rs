//! Files that were given their name and are not known yet: what a crash between the two leaves. In: where a file is about to
//! be. Out: a note of it, which the upload's own record takes away in the same step that makes the file known.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::backend::Kept;
use crate::directory::{document, parsed};
use crate::fault::Fault;
use crate::journal::{Collection, Journal, Put};
use crate::naming::fault;

/// How long a process counts as alive that does not say so any more. Longer than one is paused, shorter than anybody
/// waits for room.
const LIFE: Duration = Duration::from_secs(10 * 60);
/// How long a bucket may take to finish what a process sent it before it died. Until then its file can still appear.
const LATE: Duration = Duration::from_secs(10 * 60);
/// Notes that are read at a time.
const PAGE: usize = 200;

/// A note.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    #[serde(flatten)]
    kept: Kept,
    /// The process that finishes the file.
    by: String,
}

/// Notes of all replicas.
#[derive(Clone)]
pub struct Unfinished {
    journal: Arc<dyn Journal>,
    /// This process.
    process: Uuid,
}

impl Unfinished {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Unfinished { journal, process: Uuid::new_v4() }
    }

    /// Notes a file that is about to get its name; gives the name of the note. Resolves once it is durable.
    pub async fn begin(&self, kept: &Kept) -> Result<String, Fault> {
        let id = Uuid::now_v7().to_string();
        let note = Note { kept: kept.clone(), by: self.process.simple().to_string() };
        self.journal.put(document(Collection::Unfinished, &id, &note).into_iter().collect()).await.map_err(fault)?;
        Ok(id)
    }

    /// Forgets a note: the file is gone again.
    pub async fn end(&self, id: &str) -> Result<(), Fault> {
        self.journal.put(vec![taken_away(id)]).await.map_err(fault)
    }

    /// Says that this process lives.
    pub async fn alive(&self) -> Result<(), Fault> {
        self.journal
            .claim(&claim(&self.process.simple().to_string()), self.process, LIFE)
            .await
            .map(|_| ())
            .map_err(fault)
    }

    /// Notes of processes that are not there any more.
    pub(super) async fn left(&self) -> Result<Vec<(String, Kept)>, Fault> {
        let mut left = Vec::new();
        for (id, note) in notes(&*self.journal).await? {
            if note.by != self.process.simple().to_string() && self.is_gone(&note.by).await? {
                left.push((id, note.kept));
            }
        }
        Ok(left)
    }

    /// Whether nobody holds the name of a process. Its own clock and ours have no say in it.
    async fn is_gone(&self, process: &str) -> Result<bool, Fault> {
        let name = claim(process);
        let ours = self.journal.claim(&name, self.process, Duration::from_secs(1)).await.map_err(fault)?;
        if ours {
            self.journal.disclaim(&name, self.process).await.map_err(fault)?;
        }
        Ok(ours)
    }
}

/// Whether a file is about to be there, or may still come to be: then nobody else may take its key.
pub(super) async fn is_noted(journal: &dyn Journal, key: &str) -> Result<bool, Fault> {
    Ok(notes(journal).await?.iter().any(|(_, note)| note.kept.key == key))
}

async fn notes(journal: &dyn Journal) -> Result<Vec<(String, Note)>, Fault> {
    let mut notes = Vec::new();
    loop {
        let after = notes.last().map(|(id, _): &(String, Note)| id.as_str());
        let page = journal.scan(Collection::Unfinished, "", after, PAGE).await.map_err(fault)?;
        let is_last = page.len() < PAGE;
        for (id, bytes) in page {
            notes.push((id, parsed(&bytes)?));
        }
        if is_last {
            return Ok(notes);
        }
    }
}

/// Whether nothing can come any more of what a note was made for.
pub(super) fn is_settled(id: &str) -> bool {
    let made = Uuid::parse_str(id).ok().and_then(|id| id.get_timestamp());
    let made = made.map(|made| made.to_unix()).map(|(seconds, nanos)| Duration::new(seconds, nanos));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    made.is_none_or(|made| now.saturating_sub(made) >= LATE)
}

/// How often [`Unfinished::alive`] must be said.
pub(super) const SAID_EVERY: Duration = Duration::from_secs(60);

fn claim(process: &str) -> String {
    format!("uploads of {process}")
}

/// What takes a note away, once written.
pub(super) fn taken_away(id: &str) -> Put {
    Put { collection: Collection::Unfinished, key: id.to_owned(), value: None }
}
