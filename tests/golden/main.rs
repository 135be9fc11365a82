//! The example payloads of the dialects' documents. In: `<dialect>/<case>/`, in the form that `README.md` explains. Out:
//! each decodes to the event beside it and is written back byte for byte; each refusal is in the documented words.

mod case;
mod fields;

use std::collections::BTreeSet;

use case::{Case, Place};
use dragoman::dialect::{Audience, Call, Dialect, FrameSet, Request, Socket, builtin};
use dragoman::event::Field;
use dragoman::fault::{Fault, Reason};
use serde_json::Value as Json;

/// What differs, in words; nothing when all is as documented.
type Checked = Result<(), String>;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Checked {
    if found == expected { Ok(()) } else { Err(format!("{what}\n   found    {found:?}\n   expected {expected:?}")) }
}

/// The JSON text as a dialect writes it: no blanks, members in their order.
fn text(json: &Json) -> String {
    json.to_string()
}

fn check(case: &Case) -> Checked {
    let dialect = case.dialect()?;
    match case.place()? {
        Place::Client(socket) => {
            let socket = socket_of(&dialect, &socket)?;
            match &case.refusal {
                Some(refusal) => refused_frame(case, &dialect, socket, refusal),
                None => payload(case, &socket.client, Audience::Sender),
            }
        }
        Place::Server(socket) => payload(case, &socket_of(&dialect, &socket)?.server, case.audience()?),
        Place::Request(call) => request(case, &dialect, call_of(case, &dialect, &call)?),
        Place::Answer(call) => {
            let call = call_of(case, &dialect, &call)?;
            same("status", &Some(call.answer.status), &case.head.status)?;
            payload(case, &call.answer.shapes, Audience::Sender)
        }
        Place::Webhook(id) => {
            let webhook = dialect.webhooks.iter().find(|webhook| webhook.id == id);
            payload(case, &webhook.ok_or(format!("no webhook `{id}`"))?.shapes, Audience::Receiver)
        }
        Place::Refusal => refusal(case, &dialect),
    }
}

/// Decodes to the event, encodes to the payload.
fn payload(case: &Case, set: &FrameSet, audience: Audience) -> Checked {
    let event = case.event.as_ref().ok_or("event.json is missing")?;
    if let Some(input) = &case.input {
        let input = text(input);
        let read = set.read(&input).map_err(|fault| format!("refused: {fault}"))?;
        if let Some(frame) = &case.head.frame {
            same("frame read", &set.frames[read.frame].id, frame)?;
        }
        same("decoded", &Json::Object(fields::to_json(&read.fields)), event)?;
    }
    if case.head.only_read {
        return Ok(());
    }
    let fields = fields::from_json(event)?;
    let written = if case.head.greeting {
        vec![set.greeting(&fields).ok_or("no greeting can be written")?]
    } else if case.head.answer {
        vec![set.answer(&fields).ok_or("no answer can be written")?]
    } else {
        let (frame, written) =
            set.write_with_frame(&fields, audience).map_err(|why| format!("not written: {why:?}"))?;
        if let Some(expected) = &case.head.frame {
            same("frame written", &set.frames[frame].id, expected)?;
        }
        written
    };
    same("encoded", &written, &case.expected()?.iter().map(text).collect())
}

fn request(case: &Case, dialect: &Dialect, call: &Call) -> Checked {
    match (&call.request, &case.refusal) {
        (Request::Json(set), None) => payload(case, set, Audience::Sender),
        (Request::Json(set), Some(refusal)) => {
            let input = text(case.input.as_ref().ok_or("in.json is missing")?);
            let fault = set.read(&input).err().ok_or("not refused")?;
            refused_call(case, dialect, call, &fault, refusal)
        }
        (Request::Multipart { .. }, _) => multipart(case, call),
        (Request::Empty, _) => Err("this call has no body".to_owned()),
    }
}

/// A form: every part has its place, and what must be there is.
fn multipart(case: &Case, call: &Call) -> Checked {
    let Request::Multipart { parts, .. } = &call.request else { return Err("not a form".to_owned()) };
    let form = case.input.as_ref().and_then(Json::as_object).ok_or("in.json is no object")?;
    let mut found = serde_json::Map::new();
    for (name, value) in form {
        let part = parts.iter().find(|part| part.name == *name).ok_or(format!("no part `{name}`"))?;
        let field = if part.file { Some(Field::AttachmentName) } else { part.field };
        // The name that the form gives goes before the file's own.
        if let Some(field) = field
            && (!part.file || !found.contains_key(&*field.path()))
        {
            found.insert(field.path().into_owned(), value.clone());
        }
    }
    let needed = parts.iter().filter(|part| part.file || !part.optional);
    for part in needed {
        same(&format!("part `{}`", part.name), &form.contains_key(&part.name), &true)?;
    }
    same("decoded", &Some(Json::Object(found)), &case.event)
}

/// A fault as the client of the socket or call sees it.
fn refusal(case: &Case, dialect: &Dialect) -> Checked {
    let head = &case.head;
    let reason = head.reason.as_deref().and_then(Reason::parse).ok_or("no such reason")?;
    let mut fault = Fault::new(reason);
    fault.field = head.field.as_deref().map(|path| Field::parse(path).ok_or("no such field")).transpose()?;
    fault.limit = head.limit;
    match head.of.as_deref().and_then(|of| of.split_once('.')) {
        Some(("http", id)) => {
            let call = dialect.calls.iter().find(|call| call.id == id).ok_or(format!("no call `{id}`"))?;
            refused_call(case, dialect, call, &fault, case.input.as_ref().ok_or("in.json is missing")?)
        }
        Some(("socket", id)) => {
            let refused = dialect.refuse_frame(socket_of(dialect, id)?, &fault);
            same("close", &refused.close, &head.close)?;
            match (head.status, &case.input) {
                // The handshake itself is refused: there is no frame.
                (Some(status), _) => same("status", &refused.status, &status),
                (None, input) => same("frame", &refused.frame, &input.as_ref().map(text)),
            }
        }
        _ => Err("`of` is \"http.<id>\" or \"socket.<id>\"".to_owned()),
    }
}

fn refused_call(case: &Case, dialect: &Dialect, call: &Call, fault: &Fault, body: &Json) -> Checked {
    let refused = dialect.refuse_call(Some(call), fault);
    same("body", &refused.body, &text(body))?;
    same("status", &Some(refused.status), &case.head.status)
}

fn refused_frame(case: &Case, dialect: &Dialect, socket: &Socket, frame: &Json) -> Checked {
    let input = text(case.input.as_ref().ok_or("in.json is missing")?);
    let fault = socket.client.read(&input).err().ok_or("not refused")?;
    let refused = dialect.refuse_frame(socket, &fault);
    same("frame", &refused.frame, &Some(text(frame)))?;
    same("close", &refused.close, &case.head.close)
}

fn socket_of<'a>(dialect: &'a Dialect, id: &str) -> Result<&'a Socket, String> {
    dialect.sockets.iter().find(|socket| socket.id == id).ok_or(format!("no socket `{id}`"))
}

/// The call, which must be at the documented place.
fn call_of<'a>(case: &Case, dialect: &'a Dialect, id: &str) -> Result<&'a Call, String> {
    let call = dialect.calls.iter().find(|call| call.id == id).ok_or(format!("no call `{id}`"))?;
    let (method, path) = case.head.call.as_deref().and_then(|call| call.split_once(' ')).ok_or("`call` is missing")?;
    same("method", &call.method.as_str(), &method)?;
    same("path", &call.paths.iter().any(|known| known == path), &true)?;
    Ok(call)
}

#[test]
fn every_example_is_read_and_written_as_documented() {
    let cases = case::all();
    assert!(cases.len() >= 200, "only {} cases found", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| check(case).err().map(|what| format!("{}/{}: {what}", case.dialect, case.name)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn a_wrong_expectation_is_noticed() {
    for mut case in case::all() {
        let Some(Json::Object(event)) = &mut case.event else { continue };
        event.insert("ext.golden.invented".to_owned(), Json::from(1));
        if case.input.is_some() {
            assert!(check(&case).is_err(), "{}/{}: a fact more in event.json", case.dialect, case.name);
        }
    }
}

#[test]
fn nothing_is_without_an_example() {
    let cases = case::all();
    let shown: BTreeSet<(&str, &str, Option<&str>)> =
        cases.iter().map(|case| (case.family(), case.head.place.as_str(), case.head.frame.as_deref())).collect();
    let mut missing = Vec::new();
    for dialect in builtin::all().iter().cloned().chain(case::examples()) {
        let mut want = |place: String, frame: Option<&str>| {
            if !shown.contains(&(&*dialect.name, place.as_str(), frame)) {
                missing.push(format!("{}: {place} {}", dialect.name, frame.unwrap_or_default()));
            }
        };
        for socket in &dialect.sockets {
            for (side, set) in [("client", &socket.client), ("server", &socket.server)] {
                let followers: Vec<&String> = set.frames.iter().flat_map(|frame| &frame.then).collect();
                // What is only read is shown where a variant writes it.
                for frame in set.frames.iter().filter(|frame| !followers.contains(&&frame.id)) {
                    want(format!("socket.{}.{side}", socket.id), Some(&frame.id));
                }
            }
        }
        for call in &dialect.calls {
            match call.request {
                Request::Empty => {}
                Request::Json(_) | Request::Multipart { .. } => want(format!("http.{}.request", call.id), None),
            }
            want(format!("http.{}.answer", call.id), None);
        }
        for webhook in &dialect.webhooks {
            want(format!("webhook.{}", webhook.id), None);
        }
    }
    assert!(missing.is_empty(), "no example of\n{}", missing.join("\n"));
}
