//! The event outside the process: a CloudEvents 1.0 JSON object, in structured mode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::EventKind;
use super::model::{Details, Event};
use super::timestamp::Timestamp;

/// What every `type` starts with.
const TYPE_PREFIX: &str = "dragoman.";

/// The CloudEvents envelope; `data` is the event. The journal keeps this form too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CloudEvent {
    /// Always `1.0`.
    pub specversion: String,
    /// Unique together with `source`.
    pub id: String,
    /// `/routes/<route>` where the event entered, or `/` for the gateway's own.
    pub source: String,
    /// `dragoman.` and the family: `dragoman.message`, `dragoman.session.ended` …
    #[serde(rename = "type")]
    pub event_type: String,
    /// The conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// When the gateway accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// Always `application/json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datacontenttype: Option<String>,
    pub data: Details,
}

impl From<Event> for CloudEvent {
    fn from(event: Event) -> Self {
        let Event { kind, details } = event;
        let source = match &details.origin.route {
            Some(route) => format!("/routes/{route}"),
            None => "/".to_owned(),
        };
        let subject = (!details.conversation.id.is_empty()).then(|| details.conversation.id.clone());
        CloudEvent {
            specversion: "1.0".to_owned(),
            id: details.id.clone(),
            source,
            event_type: format!("{TYPE_PREFIX}{}", kind.as_str()),
            subject,
            time: details.received_at,
            datacontenttype: Some("application/json".to_owned()),
            data: details,
        }
    }
}

/// Why an envelope is no event of ours.
#[derive(Debug, thiserror::Error)]
#[error("CloudEvents type {event_type:?} with message kind {message_kind:?} is not an event of this version")]
pub struct UnknownEvent {
    event_type: String,
    message_kind: Option<&'static str>,
}

impl TryFrom<CloudEvent> for Event {
    type Error = UnknownEvent;

    fn try_from(envelope: CloudEvent) -> Result<Self, UnknownEvent> {
        let kind = envelope
            .event_type
            .strip_prefix(TYPE_PREFIX)
            .and_then(|family| EventKind::parse(family, envelope.data.kind));
        match kind {
            Some(kind) => Ok(Event { kind, details: envelope.data }),
            None => Err(UnknownEvent {
                message_kind: envelope.data.kind.map(|kind| kind.as_str()),
                event_type: envelope.event_type,
            }),
        }
    }
}
