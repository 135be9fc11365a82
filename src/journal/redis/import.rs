//! Taking over what another journal recorded. In: events, ids and counts with all that they have. Out: the same here; what
//! is there already is passed over, and what contradicts it is refused.

use crate::redis::{Pipeline, Value, from_redis_value, pipe};

use super::super::copy::{Imported, Pair};
use super::super::{JournalError, Namespace};
use super::keys::{self, BUCKETS};
use super::scripts::{IMPORT_COUNTER, IMPORT_EVENTS, IMPORT_PAIRS};
use super::{RedisJournal, fault, unreadable};

impl RedisJournal {
    /// Events of a conversation, in order; how many are new.
    pub async fn import_events(&self, conversation: &str, events: &[Imported]) -> Result<u64, JournalError> {
        let keys = keys::conversation(&self.names, conversation);
        let mut command = IMPORT_EVENTS.call(&[&keys.events, &keys.amended, &keys.keys]);
        command.arg(events.len());
        let mut commands = pipe();
        for event in events {
            let bucket = keys::bucket_of_id(&event.id);
            let key = event.key.as_deref().unwrap_or_default();
            command.arg(event.sequence).arg(&event.id).arg(&event.text).arg(event.at).arg(key).arg(bucket);
            if event.is_named {
                let place = format!("{} {conversation}", event.sequence);
                commands.cmd("HSETNX").arg(keys::places(&self.names, bucket)).arg(&event.id).arg(place);
            }
        }
        let (is_taken, number): (bool, u64) = self.ask(&command).await?;
        if !is_taken {
            let words = format!("event {number} of {conversation:?} is another one in Redis: copy to an empty prefix");
            return Err(unreadable(words));
        }
        self.import_all(commands, events.iter().any(|event| event.is_named)).await?;
        Ok(number)
    }

    /// Pairs of ids, and the last integer that was allocated among them.
    pub async fn import_pairs(
        &self,
        namespace: &Namespace,
        pairs: &[Pair],
        allocated: u64,
    ) -> Result<(), JournalError> {
        let keys = keys::namespace(&self.names, namespace);
        let mut command = IMPORT_PAIRS.call(&[&keys[0], &keys[1], &keys[2]]);
        command.arg(allocated).arg(pairs.len());
        for pair in pairs {
            command.arg(&pair.native).arg(&pair.canonical).arg(u8::from(pair.is_current));
        }
        let taken: Vec<String> = self.ask(&command).await?;
        match <[String; 2]>::try_from(taken) {
            Ok([native, bound]) => Err(JournalError::Bound { native, bound }),
            Err(_) => Ok(()),
        }
    }

    /// Ids that are allocated from now on are above this one.
    pub async fn import_counters(&self, next_id: u64) -> Result<(), JournalError> {
        let mut commands = pipe();
        for bucket in 0..BUCKETS {
            let counter = keys::counter(&self.names, bucket);
            let mut command = IMPORT_COUNTER.call(&[&counter]);
            command.arg(next_id / BUCKETS);
            commands.add_command(command);
        }
        self.import_all(commands, true).await
    }

    async fn import_all(&self, mut commands: Pipeline, is_any: bool) -> Result<(), JournalError> {
        if !is_any {
            return Ok(());
        }
        for answer in self.link.ask_all(&mut commands).await.map_err(fault)? {
            let _: Value = from_redis_value(answer.map_err(fault)?).map_err(unreadable)?;
        }
        Ok(())
    }
}
