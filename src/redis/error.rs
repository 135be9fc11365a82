//! Why Redis gave no good answer, and whether the command may have been done all the same.

use ::redis::{ErrorKind, ServerErrorKind};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RedisError {
    /// There is no connection, or the server does not take commands now; the command was not done. Trying again helps
    /// once it is back.
    #[error("Redis is away: {0}")]
    Away(String),
    /// The connection ended, or the answer is late: the command may have been done, or may yet be.
    #[error("Redis did not answer: {0}")]
    Unanswered(String),
    /// The server has no room (`OOM`, a full disk); the command was not done.
    #[error("Redis has no room: {0}")]
    Full(String),
    /// The server does not do this command, whenever it is asked.
    #[error("Redis refused: {0}")]
    Refused(String),
}

impl RedisError {
    /// An error on a connection that was there when the command was given.
    pub fn of(error: &::redis::RedisError) -> Self {
        let text = error.to_string();
        match error.kind() {
            ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::TryAgain
                | ServerErrorKind::NoScript
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ) => RedisError::Away(text),
            ErrorKind::Server(_) | ErrorKind::Extension => RedisError::of_code(error.code().unwrap_or_default(), text),
            ErrorKind::Io | ErrorKind::Parse | ErrorKind::Client => RedisError::Unanswered(text),
            _ => RedisError::Refused(text),
        }
    }

    /// By the first word of the server's answer (redis.io, "Redis serialization protocol", simple errors).
    fn of_code(code: &str, text: String) -> Self {
        match code {
            // A slot on its way to another node of a cluster: the script would touch a key that has gone ahead.
            _ if text.contains("non local key") => RedisError::Away(text),
            // `NOREPLICAS`: fewer replicas than `min-replicas-to-write`. `UNBLOCKED`, `BUSY`: another script runs.
            "NOREPLICAS" | "BUSY" | "UNKILLABLE" => RedisError::Away(text),
            "OOM" | "MISCONF" => RedisError::Full(text),
            _ => RedisError::Refused(text),
        }
    }

    /// Whether another connection may do better.
    pub fn wants_another_connection(&self) -> bool {
        matches!(self, RedisError::Away(_) | RedisError::Unanswered(_))
    }
}
