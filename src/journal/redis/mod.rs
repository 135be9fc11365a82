//! The journal of several processes, in Redis. In: writes, each one step within the server: recorded, numbered and told
//! together. Out: each confirmed after the server has it, which is as durable as its append-only file.
//!
//! A write whose answer was lost is asked for again and done once. While Redis is away writes wait for it, for a time.

mod doubts;
mod import;
mod keys;
mod leases;
mod missed;
mod orders;
mod proofs;
mod reads;
mod scripts;
#[cfg(test)]
mod tests;
mod writer;

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::event::{Announced, Audience, Event, IdForm, Missed, Place, Topic};
use crate::redis::{Cmd, Link, Names, Recent, RedisError, RedisSettings, Value, cmd};
use crate::tasks::Tasks;

use super::{Append, Collection, Journal, JournalError, Keep, Lease, Namespace, Put, Recorded, Span, feed};
use orders::Write;
use proofs::Proofs;
use writer::Order;

/// Writes that may wait. Beyond that the journal is busy, and says so.
const QUEUE: usize = 8_192;

/// Pairs of ids that are remembered here; the map itself is in Redis.
const REMEMBERED: usize = 100_000;

/// The layout; another one is refused.
const FORMAT: &str = "1";

/// How the journal in Redis is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisJournalSettings {
    pub redis: RedisSettings,
    pub keep: Keep,
    /// How long a write may wait for a Redis that is away before it is refused.
    pub hold: Duration,
}

/// The journal of several processes.
pub struct RedisJournal {
    link: Link,
    names: Names,
    keep: Keep,
    hold: Duration,
    tasks: Tasks,
    /// Gone once the journal is closed.
    writes: Mutex<Option<mpsc::Sender<Order>>>,
    /// Native ids by namespace and canonical id. A pair is for ever, and an earlier native id still names its own.
    natives: Mutex<Recent<(Namespace, String), String>>,
    /// Canonical ids by namespace and native id.
    canonicals: Mutex<Recent<(Namespace, String), String>>,
    /// Cancelled when the writer has nothing more to do.
    flushed: CancellationToken,
}

impl RedisJournal {
    /// Connects, and refuses a server that cannot be reached within the settings' time, or holds another layout.
    pub async fn open(settings: RedisJournalSettings) -> Result<Self, JournalError> {
        let RedisJournalSettings { redis, keep, hold } = settings;
        // Its own tasks: what is in flight when the gateway stops is still to be recorded.
        let tasks = Tasks::new();
        let (names, within) = (Names::new(&redis), redis.connect_timeout);
        let link = Link::open(redis, &*scripts::ALL, None, &tasks);
        let (writes, queue) = mpsc::channel(QUEUE);
        let (flushed, writing) = (CancellationToken::new(), link.clone());
        let proofs = Proofs::new(names.clone());
        let at_end = flushed.clone().drop_guard();
        tasks.spawn(async move {
            writer::run(writing, queue, proofs).await;
            drop(at_end);
        });
        let journal = RedisJournal {
            link,
            names,
            keep,
            hold,
            tasks,
            writes: Mutex::new(Some(writes)),
            natives: Mutex::new(Recent::new(REMEMBERED)),
            canonicals: Mutex::new(Recent::new(REMEMBERED)),
            flushed,
        };
        journal.link.ready(within).await.map_err(fault)?;
        let mut command = cmd("SETNX");
        command.arg(journal.names.key("format")).arg(FORMAT);
        journal.ask::<()>(&command).await?;
        check_format(&journal.link, &journal.names).await?;
        Ok(journal)
    }

    /// What there is to warn of in the server of these settings; an error where it cannot be reached, or holds another
    /// layout. Nothing is written.
    pub async fn inspect(settings: &RedisJournalSettings) -> Result<Vec<String>, JournalError> {
        let tasks = Tasks::new();
        let link = Link::open(settings.redis.clone(), &[], None, &tasks);
        link.ready(settings.redis.connect_timeout).await.map_err(fault)?;
        check_format(&link, &Names::new(&settings.redis)).await?;
        let doubts = doubts::of(&link).await;
        link.close();
        Ok(doubts)
    }

    /// What there is to warn of.
    pub async fn doubts(&self) -> Vec<String> {
        doubts::of(&self.link).await
    }

    /// Queues a write now. The future waits until it is recorded; dropping it does not take the write back.
    fn write(&self, write: Write) -> BoxFuture<'static, Result<Value, JournalError>> {
        let (answer, answered) = oneshot::channel();
        let answer = Box::new(move |outcome| drop(answer.send(outcome)));
        let Write { command, proof } = write;
        let order = Order { command, deadline: Instant::now() + self.hold, proof, answer };
        let queued = match self.writes.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            None => Err(closed()),
            Some(writes) => writes.try_send(order).map_err(|error| match error {
                TrySendError::Full(_) => JournalError::Unavailable(format!("{QUEUE} writes wait already")),
                TrySendError::Closed(_) => closed(),
            }),
        };
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        })
    }

    /// Asks what may be asked twice, as long as it may wait.
    async fn ask<T: crate::redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, JournalError> {
        let deadline = Instant::now() + self.hold;
        loop {
            match self.link.ask(command).await {
                Err(error) if error.wants_another_connection() && Instant::now() < deadline => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let _ = self.link.ready(left).await;
                    // A server that is there and not yet ready is not asked in a circle.
                    tokio::time::sleep(Duration::from_millis(20).min(left)).await;
                }
                outcome => return outcome.map_err(fault),
            }
        }
    }

    fn known(&self, namespace: &Namespace, canonical: &str) -> Option<String> {
        let natives = self.natives.lock().unwrap_or_else(PoisonError::into_inner);
        natives.get(&(namespace.clone(), canonical.to_owned())).cloned()
    }

    fn remember(&self, namespace: &Namespace, canonical: &str, native: &str) {
        let pair = |id: &str| (namespace.clone(), id.to_owned());
        let lock = |map: &Mutex<Recent<(Namespace, String), String>>, key: &str, value: &str| {
            map.lock().unwrap_or_else(PoisonError::into_inner).set(pair(key), value.to_owned());
        };
        lock(&self.natives, canonical, native);
        lock(&self.canonicals, native, canonical);
    }

    /// Gives a pair of ids its place; `how` is one of the script's words.
    async fn name(
        &self,
        namespace: &Namespace,
        canonical: &str,
        how: &str,
        native: &str,
    ) -> Result<String, JournalError> {
        let keys = keys::namespace(&self.names, namespace);
        let mut command = scripts::NAME.call(&[&keys[0], &keys[1], &keys[2]]);
        command.arg(canonical).arg(how).arg(native);
        let (is_fixed, id): (bool, String) = self.ask(&command).await?;
        if !is_fixed {
            return Err(JournalError::Bound { native: native.to_owned(), bound: id });
        }
        self.remember(namespace, canonical, &id);
        Ok(id)
    }
}

async fn check_format(link: &Link, names: &Names) -> Result<(), JournalError> {
    let mut command = cmd("GET");
    command.arg(names.key("format"));
    match link.ask::<Option<String>>(&command).await.map_err(fault)? {
        Some(found) if found != FORMAT => {
            Err(unreadable(format!("layout {found}; this version reads layout {FORMAT}")))
        }
        Some(_) | None => Ok(()),
    }
}

fn closed() -> JournalError {
    JournalError::Unavailable("closed".to_owned())
}

fn unreadable(why: impl Display) -> JournalError {
    JournalError::Unreadable(why.to_string())
}

fn fault(error: RedisError) -> JournalError {
    match error {
        RedisError::Full(_) => JournalError::Full,
        RedisError::Away(_) | RedisError::Unanswered(_) | RedisError::Refused(_) => {
            JournalError::Unavailable(error.to_string())
        }
    }
}

/// A canonical id that may be a native integer as it is.
fn own_integer(canonical: &str) -> &str {
    let is_integer = canonical.parse::<i64>().is_ok_and(|number| number > 0 && number.to_string() == canonical);
    if is_integer { canonical } else { "" }
}

#[async_trait]
impl Journal for RedisJournal {
    // Not `async`, so that the event takes its place when this is called, not when the future is first polled.
    fn append<'journal, 'future>(&'journal self, append: Append) -> BoxFuture<'future, Result<Recorded, JournalError>>
    where
        'journal: 'future,
        Self: 'future,
    {
        match orders::append(&self.names, &append, self.keep) {
            Ok((write, event)) => {
                let written = self.write(write);
                Box::pin(async move { orders::appended(event, written.await?) })
            }
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    async fn amend(
        &self,
        event: Event,
        documents: Vec<Put>,
        audience: Option<Audience>,
    ) -> Result<Arc<Event>, JournalError> {
        let write = orders::amend(&self.names, &event, &documents, audience.as_ref())?;
        orders::amended(event, self.write(write).await?)
    }

    async fn read(&self, conversation: &str, span: Span) -> Result<Vec<Arc<Event>>, JournalError> {
        self.read_span(conversation, span).await
    }

    async fn event(&self, id: &str) -> Result<Option<Arc<Event>>, JournalError> {
        self.read_event(id).await
    }

    async fn put(&self, documents: Vec<Put>) -> Result<(), JournalError> {
        if documents.is_empty() {
            return Ok(());
        }
        self.write(orders::put(&self.names, &documents)).await.map(|_| ())
    }

    async fn put_claimed(&self, name: &str, holder: Uuid, documents: Vec<Put>) -> Result<bool, JournalError> {
        let write = orders::put_claimed(&self.names, &self.claim_key(name), holder, &documents);
        let answer = self.write(write).await?;
        ::redis::from_redis_value(answer).map_err(|error| JournalError::Unreadable(error.to_string()))
    }

    async fn get(&self, collection: Collection, key: &str) -> Result<Option<Vec<u8>>, JournalError> {
        let mut command = cmd("HGET");
        command.arg(keys::documents(&self.names, collection)).arg(key);
        self.ask(&command).await
    }

    async fn scan(
        &self,
        collection: Collection,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, JournalError> {
        self.scan_documents(collection, prefix, after, limit).await
    }

    async fn native(&self, namespace: &Namespace, canonical: &str, form: IdForm) -> Result<String, JournalError> {
        if let Some(known) = self.known(namespace, canonical) {
            return Ok(known);
        }
        match form {
            IdForm::Text => self.name(namespace, canonical, "fixed", canonical).await,
            IdForm::Uuid => self.name(namespace, canonical, "fixed", &super::uuid_of(namespace, canonical)).await,
            IdForm::Integer => self.name(namespace, canonical, "integer", own_integer(canonical)).await,
        }
    }

    async fn bound(&self, namespace: &Namespace, canonical: &str) -> Result<Option<String>, JournalError> {
        if let Some(known) = self.known(namespace, canonical) {
            return Ok(Some(known));
        }
        let mut command = cmd("HGET");
        command.arg(&keys::namespace(&self.names, namespace)[0]).arg(canonical);
        self.ask(&command).await
    }

    async fn canonical(&self, namespace: &Namespace, native: &str) -> Result<Option<String>, JournalError> {
        let key = (namespace.clone(), native.to_owned());
        if let Some(known) = self.canonicals.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(known.clone()));
        }
        let mut command = cmd("HGET");
        command.arg(&keys::namespace(&self.names, namespace)[1]).arg(native);
        let found: Option<String> = self.ask(&command).await?;
        if let Some(canonical) = &found {
            self.canonicals.lock().unwrap_or_else(PoisonError::into_inner).set(key, canonical.clone());
        }
        Ok(found)
    }

    async fn bind(&self, namespace: &Namespace, canonical: &str, native: &str) -> Result<(), JournalError> {
        self.name(namespace, canonical, "bind", native).await.map(|_| ())
    }

    fn follow(&self) -> Option<broadcast::Receiver<Announced>> {
        None
    }

    async fn missed(&self, heard: &[(Topic, Place)]) -> Result<Missed, JournalError> {
        self.read_missed(heard, None).await
    }

    async fn told(&self, topic: &Topic, after: Place, limit: usize) -> Result<Missed, JournalError> {
        self.read_missed(&[(topic.clone(), after)], Some(limit)).await
    }

    async fn reserve(&self, topic: &Topic, reader: &str, after: u64) -> Result<(), JournalError> {
        let mut command = scripts::RESERVE.call(&[&keys::readers(&self.names, topic)]);
        command.arg(reader).arg(after).arg(u64::try_from(feed::RESERVED.as_millis()).unwrap_or(u64::MAX));
        self.ask(&command).await
    }

    async fn places(&self, topics: &[Topic]) -> Result<Vec<(Topic, Place)>, JournalError> {
        self.read_places(topics).await
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn lease(&self, name: &str) -> Result<Lease, JournalError> {
        self.hold(name).await
    }

    async fn claim(&self, name: &str, holder: Uuid, life: Duration) -> Result<bool, JournalError> {
        self.take_claim(name, holder, life).await
    }

    async fn disclaim(&self, name: &str, holder: Uuid) -> Result<(), JournalError> {
        self.drop_claim(name, holder).await
    }

    async fn healthy(&self) -> Result<(), JournalError> {
        if self.writes.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Err(closed());
        }
        self.link.healthy().map_err(fault)
    }

    async fn close(&self) {
        // The writer ends after what was queued; then the connection is nobody's.
        if self.writes.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            let _ = tokio::time::timeout(self.hold, self.flushed.cancelled()).await;
            self.link.close();
        }
    }
}
