//! Telling those who are not connected: webhooks, retried. In: what the relay carries. Out: calls to the addresses of
//! the config.

mod post;
mod webhook;

pub use webhook::{Webhook, WebhookSettings};
