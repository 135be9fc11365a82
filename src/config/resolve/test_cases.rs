//! `[[tests]]` run: each frame goes over its route as it would in the gateway, and what comes of it is compared. In: the tests
//! and the resolved routes. Out: a problem for each test that fails, with what is different.

use serde_json::Value as Json;

use super::super::file::{Gets, Said, WrittenTest};
use super::super::node::Place;
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::super::settings::{Route, Target};
use super::super::way::{self, End, Unheard, Way};
use crate::dialect::suggestion;
use crate::event::{Event, Field, FieldType, Fields, Timestamp, Value};
use crate::fault::Reason;
use crate::naming::PinnedConversation;

/// The longest JSON that a failure shows, in characters.
const LONGEST_SHOWN: usize = 600;

/// What tests may name.
pub(super) struct Known<'a> {
    pub routes: &'a [Route],
    /// Of all routes, those with mistakes of their own included.
    pub names: &'a [String],
    pub others: way::Known<'a>,
}

/// Runs all of them.
pub(super) fn run(tests: &[WrittenTest], known: &Known<'_>, report: &Report) {
    for (at, test) in tests.iter().enumerate() {
        if tests[..at].iter().any(|other| other.name.value == test.name.value) {
            let message = format!("another test is called `{}` already", test.name.value);
            report.error(Code::Duplicate, &test.name.place, message, None);
        }
        one(test, known, report);
    }
}

fn one(test: &WrittenTest, known: &Known<'_>, report: &Report) {
    let Some(route) = known.find(&test.route, report) else { return };
    let heard_by = match &test.heard_by {
        Some(name) => match known.find(name, report) {
            Some(route) => Some(route),
            None => return,
        },
        None => None,
    };
    let Some(way) = Way::over(route, known.others, test.from.value, heard_by) else {
        let message = format!("`{}` leads to no upstream that could say this", route.name);
        report.error(Code::Conflict, &test.from.place, message, Some("take `from` out".to_owned()));
        return;
    };
    if let Some(name) = test.heard_by.as_ref().filter(|_| route.target != Target::Hub) {
        let message = "`heard_by` is for a route to the hub: here the other side is the upstream";
        report.error(Code::Conflict, &name.place, message, Some("take it out".to_owned()));
        return;
    }
    Running { test, way, report }.run();
}

impl<'a> Known<'a> {
    /// A route without mistakes of its own.
    fn find(&self, name: &Spanned<String>, report: &Report) -> Option<&'a Route> {
        if !self.names.contains(&name.value) {
            let help = suggestion(&name.value, self.names.iter().map(String::as_str));
            report.error(Code::Reference, &name.place, format!("there is no route `{}`", name.value), help);
        }
        self.routes.iter().find(|route| *route.name == *name.value)
    }
}

struct Running<'a> {
    test: &'a WrittenTest,
    way: Way<'a>,
    report: &'a Report,
}

impl Running<'_> {
    fn fails(&self, place: &Place, what: &str, help: impl Into<Option<String>>) {
        let message = format!("the test `{}` fails: {what}", self.test.name.value);
        self.report.error(Code::Test, place, message, help.into());
    }

    fn run(&self) {
        let (said, place) = match &self.test.said {
            Said::Frame(frame) => (frame.value.as_str(), &frame.place),
            Said::Call { body, place, .. } => (body.as_str(), place),
        };
        let End { dialect, side, .. } = self.way.speaker;
        let understood = match &self.test.said {
            Said::Frame(frame) => dialect.understand(side, &frame.value),
            Said::Call { method, path, body, .. } => dialect.understand_call(method, path, body),
        };
        let mut fields = match understood {
            Ok(fields) => fields,
            Err(fault) => return self.refused(place, fault.reason, &fault.explained()),
        };
        for (field, value) in &self.test.given {
            match of_json(field.value, value) {
                Some(value) => fields.set(field.value, value),
                None => self.fails(&field.place, "this is no value of that field", None),
            }
        }
        let room = self.way.room(&mut fields);
        self.compare_event(&fields);
        self.compare_heard(&fields, room, said);
    }

    /// Nobody took what was said.
    fn refused(&self, place: &Place, reason: Reason, words: &str) {
        match &self.test.refused {
            Some(wanted) if wanted.value == reason => {}
            Some(wanted) => {
                let help = format!("- {}\n+ {} ({words})", wanted.value.as_str(), reason.as_str());
                self.fails(&wanted.place, "it is refused for another reason", help);
            }
            None => self.fails(place, &format!("it is refused ({}): {words}", reason.as_str()), None),
        }
    }

    fn compare_event(&self, fields: &Fields<'_>) {
        let Some(expected) = &self.test.event else { return };
        let event = event_json(fields);
        let differences = expected.value.differences(&event);
        if !differences.is_empty() {
            self.fails(&expected.place, "the event is another", diff(&differences, &event));
        }
    }

    fn compare_heard(&self, fields: &Fields<'_>, room: Option<&PinnedConversation>, said: &str) {
        let asks = self.test.gets.is_some() || self.test.lost.is_some() || self.test.refused.is_some();
        if !asks {
            return;
        }
        let gets = self.test.gets.as_ref().map(|gets| &gets.place);
        let place = gets.or(self.test.lost.as_ref().map(|lost| &lost.place)).unwrap_or(&self.test.name.place);
        let heard = match self.way.hear(fields, room, said) {
            Ok(heard) => heard,
            Err(Unheard::Refused(reason)) => {
                return self.refused(place, reason, &self.way.words(&Unheard::Refused(reason)));
            }
            Err(why) => {
                let help = match &why {
                    Unheard::Needs(field) => Some(format!(
                        "if the gateway knows it, write it into the test: `given = {{ \"{}\" = \"…\" }}`",
                        field.path()
                    )),
                    Unheard::Refused(_) | Unheard::NoForm | Unheard::NoName(_) => None,
                };
                return self.fails(place, &self.way.words(&why), help);
            }
        };
        if let Some(refused) = &self.test.refused {
            return self.fails(&refused.place, "it is not refused", diff(&[], &frames_json(&heard.frames)));
        }
        if let Some(lost) = &self.test.lost {
            let found: Vec<String> = heard.lost.iter().map(|field| field.path().into_owned()).collect();
            let less = lost.value.iter().filter(|path| !found.contains(path)).map(|path| format!("- {path}"));
            let more = found.iter().filter(|path| !lost.value.contains(path)).map(|path| format!("+ {path}"));
            let differences: Vec<String> = less.chain(more).collect();
            if !differences.is_empty() {
                self.fails(&lost.place, "other facts are lost", differences.join("\n"));
            }
        }
        if let Some(gets) = &self.test.gets {
            self.compare_frames(&gets.value, &gets.place, &heard.frames);
        }
    }

    fn compare_frames(&self, gets: &Gets, place: &Place, frames: &[String]) {
        let found: Vec<Json> = frames.iter().map(|frame| frame_json(frame)).collect();
        match gets {
            Gets::One(expected) => {
                let differences: Vec<Vec<String>> = found.iter().map(|frame| expected.differences(frame)).collect();
                let nearest = differences.iter().enumerate().min_by_key(|(_, lines)| lines.len());
                if let Some((at, lines)) = nearest.filter(|(_, lines)| !lines.is_empty()) {
                    self.fails(place, "the other side gets something else", diff(lines, &found[at]));
                }
            }
            Gets::All(all) if all.len() != found.len() => {
                let what = format!("the other side gets {} frames, and {} are expected", found.len(), all.len());
                self.fails(place, &what, diff(&[], &frames_json(frames)));
            }
            Gets::All(all) => {
                for (at, (expected, frame)) in all.iter().zip(&found).enumerate() {
                    let lines = expected.differences(frame);
                    if !lines.is_empty() {
                        let what = format!("frame {} of what the other side gets is another", at + 1);
                        self.fails(place, &what, diff(&lines, frame));
                    }
                }
            }
        }
    }
}

/// The event as JSON, as conditions of upload rules see it.
pub fn event_json(fields: &Fields<'_>) -> Json {
    let event = Event::from_fields(fields);
    event
        .and_then(|event| serde_json::to_value(&event.details).ok())
        .unwrap_or_else(|| Json::Object(Default::default()))
}

/// What is not JSON is a text.
fn frame_json(frame: &str) -> Json {
    serde_json::from_str(frame).unwrap_or_else(|_| Json::from(frame))
}

fn frames_json(frames: &[String]) -> Json {
    match frames {
        [one] => frame_json(one),
        several => several.iter().map(|frame| frame_json(frame)).collect(),
    }
}

/// The lines that differ, and what they were found in.
fn diff(lines: &[String], found: &Json) -> String {
    let text = found.to_string();
    let shown: String = text.chars().take(LONGEST_SHOWN).collect();
    let more = if shown.len() < text.len() { "…" } else { "" };
    lines.iter().cloned().chain([format!("in {shown}{more}")]).collect::<Vec<_>>().join("\n")
}

fn of_json(field: Field, value: &Json) -> Option<Value<'static>> {
    match (field.field_type(), value) {
        (FieldType::Time, Json::String(text)) => Timestamp::parse(text).map(Value::Time),
        (FieldType::Text | FieldType::Id, Json::String(text)) => Some(Value::from(text.clone())),
        (FieldType::Id | FieldType::Text, Json::Number(number)) => Some(Value::from(number.to_string())),
        (FieldType::Integer, Json::Number(number)) => number.as_i64().map(Value::Integer),
        (FieldType::Boolean, Json::Bool(flag)) => Some(Value::Boolean(*flag)),
        _ => None,
    }
}
