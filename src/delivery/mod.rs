//! Telling those who are not connected, retried: apps by webhooks, guests by deliveries. In: what the relay carries and the
//! journal has. Out: calls to the addresses of the config.
//!
//! `listener` runs while a replica has the `claim`; `telling` brings what is heard (`hearing`) and read (`progress`) to `lanes`,
//! one for each conversation, which tell a hearer: the `app` of a webhook, or the `outbox` of a delivery.

mod app;
mod claim;
mod hearing;
mod lanes;
mod letter;
mod listener;
mod outbox;
mod patience;
mod post;
mod progress;
mod recipient;
mod record;
mod runs;
mod telling;
#[cfg(test)]
mod tests;
mod webhook;

pub use listener::{RunningDelivery, RunningWebhook};
pub use recipient::{Delivery, DeliverySettings, Recipient, Said};
pub use webhook::{Source, Webhook, WebhookSettings};
