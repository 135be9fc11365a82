//! Telling those who are not connected: webhooks, retried. In: what the relay carries. Out: calls to the addresses of
//! the config.

mod claim;
mod listener;
mod post;
mod progress;
#[cfg(test)]
mod tests;
mod webhook;

pub use listener::RunningWebhook;
pub use webhook::{Source, Webhook, WebhookSettings};
