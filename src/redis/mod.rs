//! Connections to Redis that heal by themselves. In: settings, commands. Out: answers, or an error that says whether the
//! command may have been done. Knows nothing of what is kept there.
//!
//! The client library leaves to us what is here: finding connections that are half open, following Sentinel's switches,
//! and never giving up.

mod cluster;
mod connect;
mod error;
mod link;
mod names;
mod recent;
mod scripts;
mod sentinel;
mod settings;
pub mod telling;
mod url;

pub use error::RedisError;
pub use link::{Link, LinkState, Pushes};
pub use names::{Names, parse_topic, topic_text};
pub use recent::Recent;
pub use scripts::Script;
pub use settings::{Endpoint, RedisSettings, Servers};
pub use url::parse as parse_url;

/// Commands are made with the client library's own words.
pub use ::redis::{Cmd, FromRedisValue, Pipeline, PushInfo, PushKind, Value, cmd, from_redis_value, pipe};

#[cfg(test)]
#[path = "../../tests/harness/redis.rs"]
pub mod server;
#[cfg(test)]
mod tests;
