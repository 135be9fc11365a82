//! Telling those who are not connected: webhooks, retried. In: what the relay carries and the journal has. Out: calls to the
//! addresses of the config.
//!
//! `listener` runs while a replica has the `claim`; `telling` brings what is heard (`hearing`) and read (`progress`) to `lanes`,
//! one for each conversation, which call the `app`.

mod app;
mod claim;
mod hearing;
mod lanes;
mod listener;
mod patience;
mod post;
mod progress;
mod runs;
mod telling;
#[cfg(test)]
mod tests;
mod webhook;

pub use listener::RunningWebhook;
pub use webhook::{Source, Webhook, WebhookSettings};
