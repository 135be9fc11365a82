//! `[[tests]]`: what is said on a route, and what is expected of it.

use super::super::expected::{self, Expected};
use super::super::node::{Node, Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::super::way::SaidBy;
use crate::dialect::suggestion;
use crate::event::Field;
use crate::fault::Reason;

/// Tests of one config.
const MOST_TESTS: usize = 1000;

pub(super) const SAID_BY: &[(&str, SaidBy)] = &[("client", SaidBy::Client), ("upstream", SaidBy::Upstream)];

#[derive(Debug)]
pub(in crate::config) struct WrittenTest {
    pub name: Spanned<String>,
    /// The name of a route.
    pub route: Spanned<String>,
    pub from: Spanned<SaidBy>,
    pub said: Said,
    /// Facts that the gateway would know.
    pub given: Vec<(Spanned<Field>, serde_json::Value)>,
    /// The name of a route whose clients hear it.
    pub heard_by: Option<Spanned<String>>,
    pub event: Option<Spanned<Expected>>,
    pub gets: Option<Spanned<Gets>>,
    /// Paths of the fields that are lost, all of them.
    pub lost: Option<Spanned<Vec<String>>>,
    pub refused: Option<Spanned<Reason>>,
}

/// What is said.
#[derive(Debug)]
pub(in crate::config) enum Said {
    Frame(Spanned<String>),
    Call { method: String, path: String, body: String, place: Place },
}

/// What the other side gets.
#[derive(Debug)]
pub(in crate::config) enum Gets {
    /// One frame like this, among others perhaps.
    One(Expected),
    /// These and no others, in order.
    All(Vec<Expected>),
}

pub(super) fn read(root: &Section<'_>) -> Vec<WrittenTest> {
    let tests = root.list("tests");
    if tests.len() > MOST_TESTS {
        let message = format!("a config has at most {MOST_TESTS} tests");
        root.report().error(Code::Value, &root.key_place("tests"), message, None);
        return Vec::new();
    }
    tests.into_iter().filter_map(one).collect()
}

fn one(section: Section<'_>) -> Option<WrittenTest> {
    let name = section.needed_text("name", "what must hold, as in `name = \"a guest's words reach the clinic\"`");
    let route = section.needed_text("route", "the `name` of the route on which it is said");
    let from = section.word("from", SAID_BY);
    let from = from.unwrap_or_else(|| Spanned { value: SaidBy::Client, place: section.place().clone() });
    let said = said(&section);
    let test = WrittenTest {
        given: section.section("given").map(given).unwrap_or_default(),
        heard_by: section.text("heard_by"),
        event: section.node("event").and_then(|node| spanned(&section, "event", expected(&section, node))),
        gets: section.node("gets").and_then(|node| spanned(&section, "gets", gets(&section, node))),
        lost: lost(&section),
        refused: refused(&section),
        from,
        name: name?,
        route: route?,
        said: said?,
    };
    let expects = test.event.is_some() || test.gets.is_some() || test.lost.is_some();
    if !expects && test.refused.is_none() && !["event", "gets", "lost", "refused"].iter().any(|key| section.has(key)) {
        let help = "`event`, `gets` and `lost` say what must come of it, or `refused` why it must not";
        section.report().error(Code::Missing, section.place(), "this test expects nothing", Some(help.to_owned()));
    }
    if let Some(refused) = test.refused.as_ref().filter(|_| expects) {
        let message = "what is refused becomes nothing: `refused` stands alone";
        section.report().error(Code::Conflict, &refused.place, message, None);
    }
    section.finish();
    Some(test)
}

fn spanned<T>(section: &Section<'_>, key: &str, value: Option<T>) -> Option<Spanned<T>> {
    value.map(|value| Spanned { value, place: section.key_place(key) })
}

/// A frame, or a call with its body.
fn said(section: &Section<'_>) -> Option<Said> {
    let frame = section.text("frame");
    let call = section.section("call");
    match (frame, call) {
        (Some(_), Some(call)) => {
            let help = Some("keep one of them".to_owned());
            section.report().error(Code::Conflict, call.place(), "`frame` and `call` are both here", help);
            None
        }
        (Some(frame), None) => Some(Said::Frame(frame)),
        (None, Some(call)) => {
            let method = call.needed_text("method", "as in `method = \"POST\"`");
            let path = call.needed_text("path", "the path as clients write it, below the route's prefix");
            let body = call.text("body");
            call.finish_ref();
            Some(Said::Call {
                method: method?.value.to_ascii_uppercase(),
                path: path?.value,
                body: body.map(|body| body.value).unwrap_or_default(),
                place: call.place().clone(),
            })
        }
        (None, None) => {
            if !section.has("frame") && !section.has("call") {
                section.missing("frame", "what is said: `frame = '''{…}'''`, or `call = { method, path, body }`");
            }
            None
        }
    }
}

fn given(section: Section<'_>) -> Vec<(Spanned<Field>, serde_json::Value)> {
    let read = |(path, node): (&str, &Node)| {
        let Some(field) = Field::parse(path) else {
            let paths: Vec<_> = Field::ALL.iter().map(|field| field.path()).collect();
            let help = suggestion(path, paths.iter().map(AsRef::as_ref));
            section.report().error(Code::UnknownKey, &node.key, format!("no field is called `{path}`"), help);
            return None;
        };
        match &node.value {
            Value::Text(_) | Value::Integer(_) | Value::Boolean(_) => {
                Some((Spanned { value: field, place: node.key.clone() }, expected::json(node)?))
            }
            other => {
                let message =
                    format!("`{path}` is {}, wanted a text, a whole number, or true or false", other.type_name());
                section.report().error(Code::Type, &node.place, message, None);
                None
            }
        }
    };
    section.others().into_iter().filter_map(read).collect()
}

fn expected(section: &Section<'_>, node: &Node) -> Option<Expected> {
    match Expected::of(node) {
        Ok(expected) => Some(expected),
        Err((at, message)) => {
            section.report().error(Code::Value, &at.place, message, None);
            None
        }
    }
}

fn gets(section: &Section<'_>, node: &Node) -> Option<Gets> {
    match &node.value {
        Value::Array(members) => {
            let all: Vec<Expected> = members.iter().filter_map(|member| expected(section, member)).collect();
            (all.len() == members.len()).then_some(Gets::All(all))
        }
        _ => expected(section, node).map(Gets::One),
    }
}

fn lost(section: &Section<'_>) -> Option<Spanned<Vec<String>>> {
    section.node("lost")?;
    let texts = section.texts("lost");
    for text in texts.iter().filter(|text| Field::parse(&text.value).is_none()) {
        let paths: Vec<_> = Field::ALL.iter().map(|field| field.path()).collect();
        let help = suggestion(&text.value, paths.iter().map(AsRef::as_ref));
        section.report().error(Code::Reference, &text.place, format!("no field is called `{}`", text.value), help);
    }
    let value = texts.into_iter().map(|text| text.value).collect();
    Some(Spanned { value, place: section.key_place("lost") })
}

fn refused(section: &Section<'_>) -> Option<Spanned<Reason>> {
    let reasons: Vec<(&str, Reason)> = Reason::ALL.iter().map(|reason| (reason.as_str(), *reason)).collect();
    section.word("refused", &reasons)
}
