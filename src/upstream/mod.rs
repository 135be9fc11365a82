//! A legacy backend behind the gateway, reached in its own dialect. In: calls with canonical ids. Out: what it answered
//! and what it says on its own, in canonical ids again. Knows no clients.

mod passage;
mod settings;
pub mod transport;

pub use passage::UpstreamPassage;
pub use settings::{CallbackSettings, Claim, CredentialRule, HealthCheck, Mint, UpstreamSettings};
