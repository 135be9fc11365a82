//! What is recorded of sends that may be repeated. In: a key's digest and what became of the send. Out: the same, also
//! after a restart; bounded in number and age.

use std::collections::VecDeque;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use crate::directory::{document, parsed};
use crate::event::{CloudEvent, Event, Timestamp};
use crate::fault::Fault;
use crate::journal::{Collection, Journal, Put};
use crate::naming::fault;

/// Keys that one upstream's records hold at most; the oldest go first.
pub const MOST: usize = 10_000;
/// Microseconds that a record is good for: a day.
pub const LONGEST: i64 = 24 * 60 * 60 * 1_000_000;
/// Records that are read at once at the start.
const PAGE: usize = 1_000;

#[derive(Debug)]
pub enum Record {
    /// It was about to be sent; what became of it nobody wrote.
    Intent,
    Done(Arc<Event>),
}

/// As the journal has it.
#[derive(Serialize, Deserialize)]
struct Written {
    /// When it was intended, in microseconds since 1970.
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<CloudEvent>,
}

pub struct Records {
    prefix: String,
    journal: Arc<dyn Journal>,
    /// When and under which name, oldest first; read when it is first needed.
    order: Mutex<Option<VecDeque<(i64, String)>>>,
}

/// A key as its record is named: it may be of any length, and is nobody's business.
pub fn name(key: &str) -> String {
    use std::fmt::Write;

    Sha256::digest(key.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl Records {
    pub fn new(upstream: &str, journal: Arc<dyn Journal>) -> Self {
        Records { prefix: format!("{upstream}/"), journal, order: Mutex::new(None) }
    }

    pub async fn read(&self, name: &str) -> Result<Option<Record>, Fault> {
        let found = self.journal.get(Collection::Sends, &self.key(name)).await.map_err(fault)?;
        let Some(bytes) = found else { return Ok(None) };
        let written: Written = parsed(&bytes)?;
        if written.at < Timestamp::now().micros() - LONGEST {
            return Ok(None);
        }
        // An event that this version cannot read is as good as an intent: not sent again.
        Ok(Some(match written.event.and_then(|event| Event::try_from(event).ok()) {
            Some(event) => Record::Done(Arc::new(event)),
            None => Record::Intent,
        }))
    }

    /// Writes an intent, or what came of it. What is too old or too much goes in the same step.
    pub async fn write(&self, name: &str, event: Option<&Arc<Event>>) -> Result<(), Fault> {
        let now = Timestamp::now().micros();
        let written = Written { at: now, event: event.map(|event| CloudEvent::from((**event).clone())) };
        let mut documents: Vec<Put> = document(Collection::Sends, &self.key(name), &written).into_iter().collect();
        if event.is_none() {
            documents.extend(self.enter(now, name).await?.iter().map(|old| self.removed(old)));
        }
        self.journal.put(documents).await.map_err(fault)
    }

    pub async fn remove(&self, name: &str) -> Result<(), Fault> {
        if let Some(order) = &mut *self.order.lock().await {
            order.retain(|(_, known)| known != name);
        }
        self.journal.put(vec![self.removed(name)]).await.map_err(fault)
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn removed(&self, name: &str) -> Put {
        Put { collection: Collection::Sends, key: self.key(name), value: None }
    }

    /// Takes its place behind all others; gives those that have to go for it.
    async fn enter(&self, now: i64, name: &str) -> Result<Vec<String>, Fault> {
        let mut order = self.order.lock().await;
        let order = match &mut *order {
            Some(order) => order,
            unread => unread.insert(self.load().await?),
        };
        // One that is too old is written anew.
        order.retain(|(_, known)| known != name);
        order.push_back((now, name.to_owned()));
        let mut gone = Vec::new();
        while let Some((at, _)) = order.front()
            && (order.len() > MOST || *at < now - LONGEST)
            && let Some((_, old)) = order.pop_front()
        {
            gone.push(old);
        }
        Ok(gone)
    }

    async fn load(&self) -> Result<VecDeque<(i64, String)>, Fault> {
        let mut found: Vec<(i64, String)> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.journal.scan(Collection::Sends, &self.prefix, after.as_deref(), PAGE).await;
            let page = page.map_err(fault)?;
            let is_last = page.len() < PAGE;
            after = page.last().map(|(key, _)| key.clone());
            for (key, bytes) in page {
                let at = parsed::<Written>(&bytes).map_or(0, |written| written.at);
                found.push((at, key[self.prefix.len()..].to_owned()));
            }
            if is_last {
                break;
            }
        }
        found.sort_unstable();
        Ok(found.into())
    }
}
