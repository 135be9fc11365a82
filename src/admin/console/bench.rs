//! The translation bench. In: a frame, the dialect it is in, and who says it. Out: the event that it is, and for every other
//! dialect what its clients would be told and what would be sent to an upstream of it, with the losses.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::dialect::translation::{Shown, Side, show};
use crate::dialect::{Dialect, Unwritable};
use crate::event::{CloudEvent, Event, EventKind, Field, Fields, MessageKind};

use super::super::{Answer, json as answer};
use super::{Set, refused};

/// Bytes of a frame to try, with what is said about it.
const LARGEST: usize = 256 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trial {
    dialect: String,
    side: Who,
    frame: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Who {
    Client,
    Server,
}

/// The dialects that can be tried, each with a frame to begin with.
pub(super) fn dialects(set: &Set) -> Response<Answer> {
    let list: Vec<Value> = set
        .dialects
        .iter()
        .map(|dialect| json!({ "name": &*dialect.name, "client": example(dialect, Side::Client), "server": example(dialect, Side::Server) }))
        .collect();
    answer(StatusCode::OK, &json!(list))
}

/// Somebody says hello.
fn example(dialect: &Dialect, side: Side) -> Option<String> {
    let mut fields = Fields::about(EventKind::Message(MessageKind::Text));
    fields.set_text(Field::Body, "Hello, is anybody there?");
    show(dialect, side, &fields).ok()?.carried.frames.into_iter().next()
}

pub(super) async fn translate(request: Request<Incoming>, set: &Set) -> Response<Answer> {
    let body = match Limited::new(request.into_body(), LARGEST).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "frames up to 256 KiB can be tried"),
    };
    let trial: Trial = match serde_json::from_slice(&body) {
        Ok(trial) => trial,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(from) = set.dialects.iter().find(|dialect| *dialect.name == *trial.dialect) else {
        return refused(StatusCode::NOT_FOUND, "no such dialect here");
    };
    answer(StatusCode::OK, &tried(from, &set.dialects, trial.side, &trial.frame))
}

fn tried(from: &Arc<Dialect>, all: &[Arc<Dialect>], who: Who, frame: &str) -> Value {
    let side = match who {
        Who::Client => Side::Client,
        Who::Server => Side::Server,
    };
    let fields = match from.understand(side, frame) {
        Ok(fields) => fields,
        Err(fault) => return json!({ "refused": fault.explained() }),
    };
    let others = all.iter().filter(|to| to.name != from.name).map(|to| {
        // What an upstream says is told to clients only.
        let sent = matches!(who, Who::Client).then(|| said(show(to, Side::Client, &fields)));
        json!({ "dialect": &*to.name, "told": said(show(to, Side::Server, &fields)), "sent": sent })
    });
    let others: Vec<Value> = others.collect();
    let event = Event::from_fields(&fields).map(CloudEvent::from);
    json!({ "kind": fields.kind().map(|kind| kind.to_string()), "event": event, "others": others })
}

fn said(shown: Result<Shown, Unwritable>) -> Value {
    let paths = |fields: &[Field]| fields.iter().map(|field| field.path().into_owned()).collect::<Vec<_>>();
    match shown {
        Ok(Shown { carried, made_up }) => json!({
            "frames": carried.frames,
            "in_words": carried.degraded.iter().map(|why| why.as_str()).collect::<Vec<_>>(),
            "lost": paths(&carried.lost),
            "made_up": paths(&made_up),
        }),
        Err(Unwritable::NoShape) => json!({ "refused": "there is no form for it" }),
        Err(Unwritable::Needs(field)) => json!({ "refused": format!("it needs `{}`", field.path()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::builtin;

    fn all() -> Vec<Arc<Dialect>> {
        builtin::all().to_vec()
    }

    #[test]
    fn every_dialect_has_a_frame_to_begin_with_that_it_understands() {
        for dialect in all() {
            for side in [Side::Client, Side::Server] {
                let frame = example(&dialect, side).unwrap_or_else(|| panic!("{} {side:?}", dialect.name));
                let fields =
                    dialect.understand(side, &frame).unwrap_or_else(|fault| panic!("{}: {fault}", dialect.name));
                assert_eq!(fields.text(Field::Body), Some("Hello, is anybody there?"), "{}", dialect.name);
            }
        }
    }

    #[test]
    fn a_frame_is_shown_as_an_event_and_in_all_others() {
        let all = all();
        let from = &all[0];
        let tried = tried(from, &all, Who::Client, &example(from, Side::Client).expect("a frame"));
        assert_eq!(tried["kind"], "message/text");
        assert_eq!(tried["event"]["data"]["body"], "Hello, is anybody there?");
        let others = tried["others"].as_array().expect("a list");
        assert_eq!(others.len(), all.len() - 1);
        for other in others {
            assert!(other["told"]["frames"][0].as_str().is_some_and(|frame| frame.contains("Hello")), "{other}");
        }
    }

    #[test]
    fn what_is_not_understood_says_why() {
        let all = all();
        let tried = tried(&all[0], &all, Who::Client, "{");
        assert!(tried["refused"].as_str().is_some_and(|why| !why.is_empty()), "{tried}");
    }
}
