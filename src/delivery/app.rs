//! The app that is called. In: an event that it is to hear. Out: whether that is over, or when to try again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{HeaderMap, HeaderName};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::Principal;
use crate::directory::Subscriptions;
use crate::event::Event;
use crate::metrics::{self, Addressee};
use crate::trace;

use super::letter::{Hearer, Letter, Outcome};
use super::patience::{self, Answer};
use super::post::Poster;
use super::webhook::Webhook;

/// Before a name is asked for again that could not be found out.
const PAUSE: Duration = Duration::from_millis(200);

/// By which the app can tell that it was told of an event before. The field of the IETF's draft "The Idempotency-Key HTTP
/// Header Field".
const ONCE: HeaderName = HeaderName::from_static("idempotency-key");

/// How the app of a route is called now.
pub(super) struct App {
    pub(super) route: Arc<str>,
    /// As whom it sees what it is told.
    pub(super) viewer: Principal,
    pub(super) webhook: watch::Receiver<Arc<Webhook>>,
    pub(super) poster: Poster,
    pub(super) subscriptions: Subscriptions,
}

#[async_trait]
impl Hearer for App {
    fn addressee(&self) -> Addressee {
        Addressee::Webhook
    }

    fn name(&self) -> &Arc<str> {
        &self.route
    }

    fn concerns(&self, event: &Event) -> bool {
        self.webhook().concerns(event)
    }

    async fn tell(&self, letter: &mut Letter) -> Outcome {
        trace::say_route(&self.route);
        let webhook = self.webhook();
        let frames = match letter.frames.take() {
            Some(frames) => frames,
            None => match webhook.frames(&self.viewer, &self.subscriptions, &letter.event).await {
                Ok(frames) => frames,
                Err(fault) => {
                    tracing::debug!(route = %self.route, %fault, "an event cannot be said to the webhook yet");
                    return Outcome::Later(PAUSE);
                }
            },
        };
        let outcome = self.send(&webhook, letter, &frames).await;
        letter.frames = Some(frames);
        outcome
    }
}

impl App {
    fn webhook(&self) -> Arc<Webhook> {
        Arc::clone(&self.webhook.borrow())
    }

    fn count(&self, outcome: &str) {
        metrics::count_call(Addressee::Webhook, &self.route, outcome);
    }

    /// A message of another is with the app.
    fn count_told(&self, webhook: &Webhook, event: &Event) {
        if event.kind.message().is_some() {
            let details = &event.details;
            let from = details.origin.dialect.as_deref().unwrap_or_default();
            let accepted = details.received_at.filter(|_| details.attachment.chat_id.is_none());
            metrics::count_told(&self.route, from, &webhook.dialect.name, accepted.map(|accepted| accepted.micros()));
        }
    }

    async fn send(&self, webhook: &Webhook, letter: &mut Letter, frames: &[String]) -> Outcome {
        let headers = webhook.headers();
        while let Some(frame) = frames.get(letter.taken) {
            let first_try = *letter.first_try.get_or_insert_with(Instant::now);
            letter.tries += 1;
            let answer = self.call(webhook, letter, &headers, frame).await;
            let (is_away, problem) = match answer {
                Answer::Taken => {
                    self.count("told");
                    if letter.taken == 0 {
                        self.count_told(webhook, &letter.event);
                    }
                    letter.take();
                    continue;
                }
                Answer::Refused(status) => {
                    self.count("refused");
                    let id = &letter.event.details.id;
                    tracing::warn!(route = %self.route, event = %id, status = status.as_u16(), "the webhook refused an event");
                    return Outcome::Over;
                }
                Answer::Failed(status) => (false, format!("status {}", status.as_u16())),
                Answer::Away(problem) => (true, problem),
            };
            self.count("failed");
            let pause = patience::pause(is_away, letter.tries, first_try.elapsed());
            return match pause.filter(|_| !letter.is_fleeting) {
                Some(pause) => {
                    tracing::debug!(route = %self.route, %problem, "the webhook did not take an event yet");
                    Outcome::Later(pause)
                }
                None => {
                    self.give_up(letter, &problem);
                    Outcome::Over
                }
            };
        }
        Outcome::Over
    }

    async fn call(&self, webhook: &Webhook, letter: &Letter, headers: &HeaderMap, frame: &str) -> Answer {
        let mut headers = headers.clone();
        headers.extend(letter.once().map(|value| (ONCE, value)));
        self.poster.post(&webhook.settings.url, headers, frame.to_owned()).await.into()
    }

    fn give_up(&self, letter: &Letter, problem: &str) {
        if letter.is_fleeting {
            tracing::debug!(route = %self.route, %problem, "the webhook did not take what is told in passing");
            return;
        }
        self.count("given_up");
        let (id, tries) = (&letter.event.details.id, letter.tries);
        tracing::error!(route = %self.route, event = %id, tries, %problem, "the webhook did not take an event; given up");
    }
}
