//! Calls of a file. In: a `[[http]]`. Out: the call with its request and answer compiled.

use std::collections::BTreeMap;

use crate::event::{Field, FieldType, MessageKind};

use super::super::codec::Codec;
use super::super::hole::{self, Inside};
use super::super::model::{Answer, Behalf, Call, Check, ListingKind, Op, OptionValue, PageRule, Part, Request};
use super::super::problem::suggestion;
use super::super::shape::Node;
use super::super::table::Scalar;
use super::section::{Section, Text};
use super::shapes::Library;
use super::{frames, refusals, words};

pub const LISTINGS: &[(&str, ListingKind)] =
    &[("mine", ListingKind::Mine), ("open", ListingKind::Open), ("visible", ListingKind::Visible)];

/// Whether an upload itself creates the message.
pub const ANNOUNCEMENTS: &[(&str, bool)] = &[("later", false), ("created", true)];

pub fn read(section: Section<'_>, library: &Library, options: &BTreeMap<String, OptionValue>) -> Option<Call> {
    let chosen = super::is_chosen(&section, options);
    let id = section.needed_text("id").map(|text| text.value).unwrap_or_default();
    let op = section.needed_text("op").and_then(|text| op(&section, &text));
    let method = section.needed_text("method").map(|text| text.value);
    let paths = paths(&section);
    let listing = section.word("listing", "listing", LISTINGS);
    let announce = section.word("announce", "moment of announcing", ANNOUNCEMENTS);
    let call = Call {
        request: request(&section, &id, library, options),
        answer: answer(&section, "answer", &id, library).unwrap_or_default(),
        again: answer(&section, "again", &id, library),
        op: op.unwrap_or(Op::Send),
        method: method.unwrap_or_default().to_ascii_uppercase(),
        roles: words::roles(&section, &section.texts("roles")),
        public: section.flag("public").unwrap_or(false),
        listing: listing.unwrap_or(ListingKind::Visible),
        query: query(&section),
        required: required(&section),
        invalid: frames::texts_by_field(&section, "invalid")
            .into_iter()
            .map(|(field, text)| (field, text.to_string()))
            .collect(),
        order: section.texts("order").iter().filter_map(|text| words::check(&section, text)).collect(),
        set: frames::set(&section).into_iter().map(|(field, scalar)| (field, scalar.text().into_owned())).collect(),
        page: page(&section),
        refusals: refusals::within(&section, "refuse", library),
        announce_created: announce.unwrap_or(false),
        media: media(&section),
        credential: section.text("credential").map(|text| text.value).unwrap_or_default(),
        permission: section.text("permission").map(|text| text.value),
        behalf: section.section("behalf").and_then(behalf),
        conversation: section.texts("conversation").iter().filter_map(|text| words::field(&section, text)).collect(),
        written: section.flag("written").unwrap_or(true),
        id,
        paths,
    };
    section.finish();
    (chosen && op.is_some()).then_some(call)
}

fn op(section: &Section<'_>, text: &Text) -> Option<Op> {
    let found = Op::parse(&text.value);
    if found.is_none() {
        section.problem(
            text.span.clone(),
            format!("no op is called `{}`", text.value),
            suggestion(&text.value, Op::names()),
        );
    }
    found
}

fn paths(section: &Section<'_>) -> Vec<String> {
    let texts = section.texts("paths");
    if texts.is_empty() {
        section.problem(section.span(), "`paths` is missing here", None);
    }
    for text in &texts {
        if !text.value.starts_with('/') {
            section.problem(text.span.clone(), "a path begins with `/`", None);
        }
        for parameter in parameters(&text.value) {
            words::field(section, &Text { value: parameter.to_owned(), ..text.clone() });
        }
    }
    texts.into_iter().map(|text| text.value).collect()
}

/// Names between braces.
fn parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

fn query(section: &Section<'_>) -> Vec<(Field, String)> {
    let Some(table) = section.section("query") else { return Vec::new() };
    let keys = table.keys().into_iter();
    keys.filter_map(|(key, span)| Some((words::field_key(&table, key, span)?, table.text(key)?.value))).collect()
}

/// Words for what is missing; `file` is the file part.
fn required(section: &Section<'_>) -> BTreeMap<Check, String> {
    let Some(table) = section.section("required") else { return BTreeMap::new() };
    let keys = table.keys().into_iter();
    keys.filter_map(|(key, span)| {
        let check = words::check(&table, &Text { value: key.to_owned(), offset: span.start, span })?;
        Some((check, table.text(key)?.value))
    })
    .collect()
}

fn request(section: &Section<'_>, id: &str, library: &Library, options: &BTreeMap<String, OptionValue>) -> Request {
    let Some(table) = section.section("request") else { return Request::Empty };
    let request = if table.has("json") {
        let frame = frames::body_of(&table, id, table.text("json"), library);
        // Words stand beside the request, as those of a multipart request do.
        let frame = frame.map(|mut frame| {
            frame.required.extend(frames::texts_by_field(section, "required"));
            frame.invalid.extend(frames::texts_by_field(section, "invalid"));
            frame.set.extend(frames::set(section));
            frame
        });
        Request::Json(Box::new(library.compile(&table, frame.into_iter().collect())))
    } else {
        let parts =
            table.sections("multipart").into_iter().filter_map(|part| self::part(part, library, options)).collect();
        Request::Multipart { parts, raw: table.flag("raw").unwrap_or(false) }
    };
    table.finish();
    request
}

fn part(section: Section<'_>, library: &Library, options: &BTreeMap<String, OptionValue>) -> Option<Part> {
    let chosen = super::is_chosen(&section, options);
    let name = section.needed_text("name");
    let file = section.flag("file").unwrap_or(false);
    let written = section.flag("written").unwrap_or(true);
    let shape = section.text("shape");
    let mut constant = None;
    let hole = shape.as_ref().and_then(|text| {
        let quoted = Text { value: serde_json::Value::String(text.value.clone()).to_string(), ..text.clone() };
        match library.shape(&section, &quoted) {
            Some(Node::Hole(hole)) => return Some(hole),
            Some(Node::Literal(Scalar::Text(said))) => constant = Some(said),
            Some(_) => section.problem(text.span.clone(), "a part holds one hole, or words without any", None),
            None => {}
        }
        None
    });
    if !file && shape.is_none() {
        section.problem(section.span(), "a part is a `file` or has a `shape`", None);
    }
    section.finish();
    let optional = hole.as_ref().is_none_or(super::super::hole::Hole::may_be_absent);
    let (field, codec) = hole.map_or((None, Codec::Text), |hole| (hole.field, hole.codec));
    chosen.then_some(Part { name: name?.value, file, written, field, constant, optional, codec })
}

fn answer<'a>(section: &Section<'a>, key: &'a str, id: &str, library: &Library) -> Option<Answer> {
    let mut answer = Answer::default();
    let table = section.section(key)?;
    answer.status = table.number("status").unwrap_or(200);
    answer.accept_any = table.text("accept").is_none_or(|text| text.value == "2xx");
    if table.has("shape") {
        let frame = frames::body(&table, id, library);
        answer.shapes = library.compile(&table, frame.into_iter().collect());
    }
    if let Some(headers) = table.section("headers") {
        for (name, _) in headers.keys() {
            let Some(text) = headers.text(name) else { continue };
            let inside = text.value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            match inside.map(hole::split) {
                Some(Inside::Scalar { path, .. }) => {
                    let field = words::field(&headers, &Text { value: path.to_owned(), ..text.clone() });
                    answer.headers.extend(
                        field
                            .filter(|field| field.field_type() != FieldType::List)
                            .map(|field| (name.to_owned(), field)),
                    );
                }
                _ => headers.problem(text.span, "a header holds exactly one hole", None),
            }
        }
    }
    table.finish();
    Some(answer)
}

fn behalf(section: Section<'_>) -> Option<Behalf> {
    let credential = section.needed_text("credential");
    let permissions = section.texts("permissions").into_iter().map(|text| text.value).collect();
    let needed = section.flag("needed").unwrap_or(true);
    section.finish();
    Some(Behalf { credential: credential?.value, permissions, needed })
}

/// Which kind of file a word of the path stands for.
fn media(section: &Section<'_>) -> BTreeMap<String, MessageKind> {
    let Some(table) = section.section("media") else { return BTreeMap::new() };
    let known: Vec<_> =
        MessageKind::ALL.iter().filter(|kind| kind.is_file()).map(|kind| (kind.as_str(), *kind)).collect();
    let keys = table.keys().into_iter();
    keys.filter_map(|(word, _)| Some((word.to_owned(), table.word(word, "kind of file", &known)?))).collect()
}

fn page(section: &Section<'_>) -> PageRule {
    let mut page = PageRule { first: 1, size: 200, max: 200, newest_first: false };
    let Some(table) = section.section("page") else { return page };
    page.first = table.number("first").unwrap_or(page.first);
    page.size = table.number("size").unwrap_or(page.size);
    page.max = table.number("max").unwrap_or(page.size.max(page.max));
    page.newest_first = table.flag("newest").unwrap_or(false);
    table.finish();
    page
}
