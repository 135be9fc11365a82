//! Why a step of the demo did not work. Out: a line for people.

/// Holds what the gateway answered, never a token: answers do not repeat credentials.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{path} was answered {status}: {answer}")]
    Refused { path: String, status: u16, answer: String },
    #[error("the answer has no {0}")]
    NotInAnswer(String),
    #[error("no route of the default config speaks {0}")]
    NoRoute(String),
    #[error("no token can be made for the route of {0}")]
    NoToken(String),
    #[error("interrupted")]
    Interrupted,
    #[error("the socket closed")]
    Closed,
    #[error("it does not listen on a socket, so it cannot send a frame")]
    NoSocket,
    #[error(transparent)]
    Other(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// A failure of the network, or of what lies below it.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Failure::Other(error.into())
    }
}
