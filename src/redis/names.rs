//! The names of keys and channels. In: a prefix, topics. Out: texts; and back.

use std::sync::Arc;

use crate::event::Topic;

use super::settings::{RedisSettings, Servers};

/// Names under one prefix.
#[derive(Debug, Clone)]
pub struct Names(Arc<str>);

impl Names {
    /// Names of these settings. In a cluster the prefix stands in braces: then all lie in one hash slot, where a script may
    /// write and tell them together.
    pub fn new(settings: &RedisSettings) -> Self {
        match settings.servers {
            Servers::Cluster(_) => Names(format!("{{{}}}", settings.prefix).into()),
            Servers::Single(_) | Servers::Sentinel { .. } => Names(Arc::clone(&settings.prefix)),
        }
    }

    /// Whether channels are of one shard.
    pub fn are_sharded(&self) -> bool {
        self.0.starts_with('{')
    }

    /// The command that tells.
    pub fn publish(&self) -> &'static str {
        if self.are_sharded() { "SPUBLISH" } else { "PUBLISH" }
    }

    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// A key of ours.
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.0)
    }

    /// Where a topic is told.
    pub fn channel(&self, topic: &Topic) -> String {
        format!("{}:tell:{}", self.0, topic_text(topic))
    }

    /// The topic of a channel.
    pub fn topic(&self, channel: &str) -> Option<Topic> {
        parse_topic(channel.strip_prefix(&*self.0)?.strip_prefix(":tell:")?)
    }

    /// The hash that counts what was told at each topic.
    pub fn told(&self) -> String {
        self.key("told")
    }

    /// The latest that was told at a topic: a stream of numbers, each naming a conversation, a turn and an event.
    pub fn feed(&self, topic: &Topic) -> String {
        format!("{}:feed:{}", self.0, topic_text(topic))
    }
}

/// A topic as a text; also its member of the hash of counts.
pub fn topic_text(topic: &Topic) -> String {
    topic.to_string()
}

/// The topic of a text.
pub fn parse_topic(text: &str) -> Option<Topic> {
    if text == "everyone" {
        return Some(Topic::Everyone);
    }
    let (kind, name) = text.split_once(':')?;
    match kind {
        "conversation" => Some(Topic::Conversation(name.into())),
        "party" => Some(Topic::Party(name.into())),
        "department" => Some(Topic::Department(name.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_name_their_topics() {
        let settings = crate::redis::parse_url("redis://h").expect("good");
        let names = Names::new(&RedisSettings { prefix: "chat:one".into(), ..settings });
        for topic in [
            Topic::Conversation("direct:a:b".into()),
            Topic::Party("ann".into()),
            Topic::Department("".into()),
            Topic::Everyone,
        ] {
            assert_eq!(names.topic(&names.channel(&topic)), Some(topic));
        }
        assert_eq!(names.topic("other:tell:everyone"), None);
    }
}
