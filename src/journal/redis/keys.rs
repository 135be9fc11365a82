//! Where things lie in Redis. In: conversations, ids, collections. Out: names of keys. Version 1 of the layout:
//!
//! | key | holds |
//! |---|---|
//! | `{b}:events:<conversation>` | a stream: `<sequence>-0` → id, event, when, origin key |
//! | `{b}:amended:<conversation>` | a hash: sequence → the event as last amended |
//! | `{b}:keys:<conversation>` | a hash: origin key → sequence |
//! | `{b}:places`, `{b}:next` | a hash: event id → sequence and conversation; the count behind ids |
//! | `{b}:intent:<uuid>` | what a write came to, for who asks again after a lost answer; expires |
//! | `{documents}:<collection>` | a hash: key → JSON; its sorted set `…:keys` has the keys in order |
//! | `{ids:<owner>:<resource>}:native`, `:canonical`, `:allocated` | the id map |
//! | `{leases}:<name>`, `{claims}:<name>` | who may decide something alone, who calls a webhook; expires |
//! | `told`, `feed:<topic>` | how much was told where, and the latest of it; expires |
//! | `readers:<topic>` | a hash: reader → the number after which the feed is kept for it, and until when; expires |
//!
//! Every key has the prefix of the settings before it. `{b}` is one of 256 buckets: all of a conversation lies in one hash
//! slot; of a cluster, whose
//! prefix stands in braces, everything does. An id that is allocated names its bucket: it is that number modulo 256.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::redis::{Names, topic_text};

use super::super::{Collection, Namespace};
use crate::event::{Resource, Topic};

/// Buckets that conversations are spread over. Part of the layout: never changed.
pub const BUCKETS: u64 = 256;

/// The keys of one conversation.
pub struct ConversationKeys {
    pub bucket: u64,
    pub events: String,
    pub amended: String,
    pub keys: String,
    pub counter: String,
}

/// A bucket by a text, the same in every process and version.
fn bucket_of(text: &str) -> u64 {
    u64::from(Sha256::digest(text.as_bytes())[0])
}

/// The bucket whose `places` know an id.
pub fn bucket_of_id(id: &str) -> u64 {
    match id.parse::<u64>() {
        Ok(number) if number.to_string() == id => number % BUCKETS,
        _ => bucket_of(id),
    }
}

pub fn conversation(names: &Names, conversation: &str) -> ConversationKeys {
    let bucket = bucket_of(conversation);
    let key = |what: &str| names.key(&format!("{{{bucket}}}:{what}"));
    ConversationKeys {
        bucket,
        events: key(&format!("events:{conversation}")),
        amended: key(&format!("amended:{conversation}")),
        keys: key(&format!("keys:{conversation}")),
        counter: counter(names, bucket),
    }
}

/// The count behind the ids of a bucket.
pub fn counter(names: &Names, bucket: u64) -> String {
    names.key(&format!("{{{bucket}}}:next"))
}

pub fn places(names: &Names, bucket: u64) -> String {
    names.key(&format!("{{{bucket}}}:places"))
}

pub fn intent(names: &Names, bucket: u64, intent: Uuid) -> String {
    names.key(&format!("{{{bucket}}}:intent:{}", intent.simple()))
}

pub fn documents(names: &Names, collection: Collection) -> String {
    names.key(&format!("{{documents}}:{}", self::collection(collection)))
}

/// Who reserved a topic's feed.
pub fn readers(names: &Names, topic: &Topic) -> String {
    names.key(&format!("readers:{}", topic_text(topic)))
}

/// What a collection is called. Never changed, only added to.
pub fn collection(collection: Collection) -> &'static str {
    match collection {
        Collection::Conversations => "conversations",
        Collection::Parties => "parties",
        Collection::Uploads => "uploads",
        Collection::Handles => "handles",
        Collection::Grants => "grants",
        Collection::ReadMarkers => "read_markers",
        Collection::Subscriptions => "subscriptions",
        Collection::ActiveSessions => "active_sessions",
        Collection::Deliveries => "deliveries",
        Collection::Bridged => "bridged",
        Collection::RemoteFiles => "remote_files",
        Collection::Sends => "sends",
        Collection::Cursors => "cursors",
        Collection::Copies => "copies",
        Collection::Unfinished => "unfinished",
        Collection::Contents => "contents",
        Collection::Revoked => "revoked",
    }
}

/// The keys of a namespace of the id map: canonical → native, native → canonical, the last allocated integer.
pub fn namespace(names: &Names, namespace: &Namespace) -> [String; 3] {
    let resource = match namespace.resource {
        Resource::Message => "message",
        Resource::Conversation => "conversation",
        Resource::Party => "party",
    };
    let key = |what: &str| names.key(&format!("{{ids:{}:{resource}}}:{what}", namespace.owner));
    [key("native"), key("canonical"), key("allocated")]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let settings = crate::redis::parse_url("redis://h").expect("good");
        Names::new(&crate::redis::RedisSettings { prefix: "p".into(), ..settings })
    }

    #[test]
    fn an_allocated_id_names_its_bucket() {
        let keys = conversation(&names(), "room");
        assert!(keys.bucket < BUCKETS);
        assert_eq!(bucket_of_id(&(7 * BUCKETS + keys.bucket).to_string()), keys.bucket);
        assert_eq!(bucket_of_id("007"), bucket_of("007"), "another spelling is another id");
        assert_eq!(keys.events, format!("p:{{{}}}:events:room", keys.bucket));
    }
}
