//! Frames and calls of every dialect and variant. In: a byte that picks the dialect, and a frame or a call. What is taken is
//! JSON, and said in every other dialect it is JSON that this one understands; what is refused is refused in its form.

use std::sync::{Arc, OnceLock};

use dragoman::dialect::translation::{self, Side};
use dragoman::dialect::{Dialect, builtin};
use dragoman::event::{Field, Fields};
use dragoman::fault::{Fault, Reason};
use serde::de::IgnoredAny;

pub fn of_clients(data: &[u8]) {
    frames(Side::Client, data);
}

pub fn of_servers(data: &[u8]) {
    frames(Side::Server, data);
}

fn frames(side: Side, data: &[u8]) {
    let Some((dialect, text)) = picked(data) else { return };
    match dialect.understand(side, text) {
        Ok(fields) => {
            assert!(is_json(text), "taken, and no JSON");
            said_elsewhere(side, &fields);
        }
        Err(fault) => refused(dialect, &fault),
    }
}

/// Lines: method, path, body.
pub fn calls(data: &[u8]) {
    let Some((dialect, text)) = picked(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (method, path, body) = (next(), next(), next());
    match dialect.understand_call(method, path, body) {
        Ok(fields) => said_elsewhere(Side::Client, &fields),
        Err(fault) => refused(dialect, &fault),
    }
}

fn dialects() -> &'static [Arc<Dialect>] {
    static DIALECTS: OnceLock<Vec<Arc<Dialect>>> = OnceLock::new();
    DIALECTS.get_or_init(|| builtin::all().iter().cloned().chain(builtin::variants()).collect())
}

fn picked(data: &[u8]) -> Option<(&'static Dialect, &str)> {
    let (pick, rest) = data.split_first()?;
    let dialects = dialects();
    Some((&dialects[usize::from(*pick) % dialects.len()], std::str::from_utf8(rest).ok()?))
}

fn said_elsewhere(side: Side, fields: &Fields<'_>) {
    for target in dialects() {
        let Ok(shown) = translation::show(target, side, fields) else { continue };
        for frame in &shown.carried.frames {
            assert!(is_json(frame), "{} says what is no JSON: {frame}", target.name);
            // Some dialects take words of blanks, and others call them missing.
            let is_blank = fields.text(Field::Body).is_some_and(|body| body.trim().is_empty());
            if let Err(fault) = target.understand(side, frame)
                && !(fault.reason == Reason::Missing && is_blank)
            {
                panic!("{} does not understand its own {frame}: {fault:?}", target.name);
            }
        }
    }
}

fn refused(dialect: &Dialect, fault: &Fault) {
    for socket in &dialect.sockets {
        if let Some(frame) = dialect.refuse_frame(socket, fault).frame {
            assert!(is_json(&frame), "{} refuses by what is no JSON: {frame}", dialect.name);
        }
    }
    for call in dialect.calls.iter().map(Some).chain([None]) {
        let refused = dialect.refuse_call(call, fault);
        assert!((400..600).contains(&refused.status), "{} refuses with {}", dialect.name, refused.status);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}
