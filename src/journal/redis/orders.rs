//! Writes as commands to Redis. In: what is to be recorded. Out: a command that does all of it in one step and may be
//! given again when its answer was lost; and what its answer means.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use crate::event::{Audience, Event, Timestamp};
use crate::redis::{Cmd, Names, Value, from_redis_value, telling, topic_text};

use super::super::feed;
use super::super::{Append, JournalError, Keep, Put, Recorded};
use super::keys::{self, BUCKETS};
use super::proofs::Proof;
use super::scripts::{AMEND, APPEND, PUT, PUT_CLAIMED};
use super::unreadable;

/// How long it is known what a write came to. Longer than any write is tried.
const INTENT_LIFE: Duration = Duration::from_secs(600);

/// A write: the command, and what shows later that it was done.
pub struct Write {
    pub command: Cmd,
    pub proof: Option<Proof>,
}

/// An append: the command, and the event but for what the journal adds.
pub fn append(names: &Names, append: &Append, keep: Keep) -> Result<(Write, Event), JournalError> {
    let mut event = append.event.clone();
    event.details.sequence = None;
    event.details.received_at = event.details.received_at.or_else(|| Some(Timestamp::now()));
    let conversation = keys::conversation(names, &event.details.conversation.id);
    let own_id = event.details.id.as_str();
    let own_bucket = if own_id.is_empty() { conversation.bucket } else { keys::bucket_of_id(own_id) };
    let intent = keys::intent(names, conversation.bucket, Uuid::new_v4());
    let places = keys::places(names, own_bucket);
    let mut command = APPEND.call(&[
        &conversation.events,
        &conversation.amended,
        &conversation.keys,
        &places,
        &conversation.counter,
        &intent,
    ]);
    command
        .arg(names.prefix())
        .arg(&event.details.conversation.id)
        .arg(telling::event_line(&event).map_err(unreadable)?)
        .arg(own_id)
        .arg(own_bucket)
        .arg(append.key.as_deref().unwrap_or_default())
        .arg(conversation.bucket)
        .arg(BUCKETS)
        .arg(milliseconds(INTENT_LIFE))
        .arg(keep.messages.unwrap_or(0))
        .arg(keep.age.map_or(0, milliseconds));
    write(&mut command, &append.documents);
    tell(&mut command, append.audience.as_ref())?;
    Ok((Write { command, proof: proof(intent, append.audience.as_ref()) }, event))
}

/// What an append came to.
pub fn appended(mut event: Event, answer: Value) -> Result<Recorded, JournalError> {
    let Value::Array(members) = answer else { return Err(unreadable("an append's answer")) };
    let mut members = members.into_iter();
    let mut next = || members.next().unwrap_or_default();
    let sequence: u64 = from_redis_value(next()).map_err(unreadable)?;
    let id: String = from_redis_value(next()).map_err(unreadable)?;
    let repeated: bool = from_redis_value(next()).map_err(unreadable)?;
    if repeated {
        let earlier: String = from_redis_value(next()).map_err(unreadable)?;
        event = telling::parse_event(&earlier).map_err(unreadable)?;
    }
    event.details.sequence = Some(sequence);
    event.details.id = id;
    Ok(Recorded { event: Arc::new(event), repeated })
}

/// An amendment.
pub fn amend(
    names: &Names,
    event: &Event,
    documents: &[Put],
    audience: Option<&Audience>,
) -> Result<Write, JournalError> {
    let Some(sequence) = event.details.sequence else {
        return Err(unreadable("an event without its sequence cannot be amended"));
    };
    let conversation = keys::conversation(names, &event.details.conversation.id);
    let intent = keys::intent(names, conversation.bucket, Uuid::new_v4());
    let mut command = AMEND.call(&[&conversation.events, &conversation.amended, &intent]);
    command
        .arg(names.prefix())
        .arg(&event.details.conversation.id)
        .arg(sequence)
        .arg(&event.details.id)
        .arg(telling::event_line(event).map_err(unreadable)?)
        .arg(milliseconds(INTENT_LIFE));
    write(&mut command, documents);
    tell(&mut command, audience)?;
    Ok(Write { command, proof: proof(intent, audience) })
}

fn proof(intent: String, audience: Option<&Audience>) -> Option<Proof> {
    audience.map(|audience| Proof { intent, topics: audience.topics.iter().map(topic_text).collect() })
}

/// What an amendment came to.
pub fn amended(event: Event, answer: Value) -> Result<Arc<Event>, JournalError> {
    match from_redis_value(answer).map_err(unreadable)? {
        true => Ok(Arc::new(event)),
        false => Err(unreadable(format!("no event {:?} to amend", event.details.id))),
    }
}

/// Documents and nothing else.
pub fn put(names: &Names, documents: &[Put]) -> Write {
    let keys = written(names, documents);
    let mut command = PUT.call(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    command.arg(names.prefix());
    write(&mut command, documents);
    Write { command, proof: None }
}

/// The same while this key is the holder's.
pub fn put_claimed(names: &Names, claim: &str, holder: Uuid, documents: &[Put]) -> Write {
    let keys = written(names, documents);
    let keys: Vec<&str> = std::iter::once(claim).chain(keys.iter().map(String::as_str)).collect();
    let mut command = PUT_CLAIMED.call(&keys);
    command.arg(holder.simple().to_string()).arg(names.prefix());
    write(&mut command, documents);
    Write { command, proof: None }
}

/// The keys that documents are written to: named, so that a cluster that moves our slot does all of it or nothing.
fn written(names: &Names, documents: &[Put]) -> Vec<String> {
    let collections: BTreeSet<String> =
        documents.iter().map(|document| keys::documents(names, document.collection)).collect();
    collections.into_iter().flat_map(|values| [format!("{values}:keys"), values]).collect()
}

fn write(command: &mut Cmd, documents: &[Put]) {
    command.arg(documents.len());
    for document in documents {
        let value = document.value.as_deref();
        command
            .arg(keys::collection(document.collection))
            .arg(&document.key)
            .arg(u8::from(value.is_some()))
            .arg(value.unwrap_or_default());
    }
}

fn tell(command: &mut Cmd, audience: Option<&Audience>) -> Result<(), JournalError> {
    let nobody = Audience::default();
    let audience = audience.unwrap_or(&nobody);
    bounds(command);
    command.arg(feed::mark()).arg(telling::audience_line(audience).map_err(unreadable)?).arg(audience.topics.len());
    for topic in &audience.topics {
        command.arg(topic_text(topic));
    }
    Ok(())
}

/// How much a feed keeps, as the scripts take it; after the last event, in milliseconds.
pub fn bounds(command: &mut Cmd) {
    command.arg(feed::LENGTH).arg(milliseconds(feed::LIFE));
    command.arg(feed::LONGEST).arg(milliseconds(feed::RESERVED));
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
