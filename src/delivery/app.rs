//! The app that is called. In: an event that it is to hear. Out: whether that is over, or when to try again.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::Principal;
use crate::directory::Subscriptions;
use crate::event::{Event, Place};
use crate::metrics;

use super::patience::{self, Answer};
use super::post::Poster;
use super::webhook::Webhook;

/// Before a name is asked for again that could not be found out.
const PAUSE: Duration = Duration::from_millis(200);

/// By which the app can tell that it was told of an event before. The field of the IETF's draft "The Idempotency-Key HTTP
/// Header Field".
const ONCE: HeaderName = HeaderName::from_static("idempotency-key");

/// An event on its way to the app.
pub(super) struct Letter {
    pub(super) event: Arc<Event>,
    /// As of [`crate::event::Announced`].
    pub(super) turn: u64,
    /// Where it stands in the journal; absent for what is not recorded there.
    pub(super) place: Option<Place>,
    /// Told in passing: not worth a second try.
    pub(super) is_fleeting: bool,
    /// What the app is to be sent, once that is known.
    frames: Option<Vec<String>>,
    /// How many of them it has taken.
    taken: usize,
    tries: usize,
    first_try: Option<Instant>,
}

impl Letter {
    pub(super) fn new(event: Arc<Event>, turn: u64, place: Option<Place>) -> Self {
        Letter { event, turn, place, is_fleeting: false, frames: None, taken: 0, tries: 0, first_try: None }
    }

    pub(super) fn fleeting(event: Arc<Event>) -> Self {
        Letter { is_fleeting: true, ..Letter::new(event, 0, None) }
    }

    /// The same each time that this is told, and of nothing else; where it is recorded.
    fn once(&self) -> Option<HeaderValue> {
        let id = &self.event.details.id;
        if self.turn == 0 || id.is_empty() {
            return None;
        }
        let part = if self.taken == 0 { String::new() } else { format!("-{}", self.taken) };
        HeaderValue::try_from(format!("{id}-{}{part}", self.turn)).ok()
    }
}

/// What came of a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Told, refused, given up, or nothing that the app could be told.
    Over,
    Later(Duration),
}

/// How the app of a route is called now.
pub(super) struct App {
    pub(super) route: Arc<str>,
    /// As whom it sees what it is told.
    pub(super) viewer: Principal,
    pub(super) webhook: watch::Receiver<Arc<Webhook>>,
    pub(super) poster: Poster,
    pub(super) subscriptions: Subscriptions,
}

impl App {
    pub(super) fn webhook(&self) -> Arc<Webhook> {
        Arc::clone(&self.webhook.borrow())
    }

    /// One try.
    pub(super) async fn tell(&self, letter: &mut Letter) -> Outcome {
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
                    metrics::count_webhook_call(&self.route, "told");
                    if letter.taken == 0 {
                        self.count_told(webhook, &letter.event);
                    }
                    (letter.taken, letter.tries, letter.first_try) = (letter.taken + 1, 0, None);
                    continue;
                }
                Answer::Refused(status) => {
                    metrics::count_webhook_call(&self.route, "refused");
                    let id = &letter.event.details.id;
                    tracing::warn!(route = %self.route, event = %id, status = status.as_u16(), "the webhook refused an event");
                    return Outcome::Over;
                }
                Answer::Failed(status) => (false, format!("status {}", status.as_u16())),
                Answer::Away(problem) => (true, problem),
            };
            metrics::count_webhook_call(&self.route, "failed");
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
        metrics::count_webhook_call(&self.route, "given_up");
        let (id, tries) = (&letter.event.details.id, letter.tries);
        tracing::error!(route = %self.route, event = %id, tries, %problem, "the webhook did not take an event; given up");
    }
}
