//! Refusals of a file. In: a table whose keys are reasons. Out: status, words, number, close code by reason.

use std::sync::Arc;

use super::super::frame::Frame;
use super::super::model::{Refusal, Refusals, Words};
use super::section::{Section, Text};
use super::shapes::Library;
use super::words;

/// The dialect's own list, with the error shape in `default.shape` (`error` when it is not said).
pub fn read(root: &Section<'_>, key: &'static str, library: &Library) -> Refusals {
    let mut refusals = within(root, key, library);
    if refusals.shape.is_none() && library.has("error") {
        refusals.shape = library.set(root, "error");
    }
    refusals
}

/// The list of one socket or call.
pub fn within(section: &Section<'_>, key: &'static str, library: &Library) -> Refusals {
    let mut refusals = Refusals::default();
    let Some(table) = section.section(key) else { return refusals };
    for (name, span) in table.keys() {
        let Some(rule) = table.section(name) else { continue };
        if name == "default" {
            refusals.shape = shape(&rule, library);
            rule.finish();
            continue;
        }
        let reason = words::reason_key(&table, name, span);
        let refusal = Refusal {
            status: rule.number("status"),
            text: rule.text("text").and_then(|text| said(&rule, &text)),
            code: rule.integer("code"),
            codes: rule.integers("codes"),
            close: rule.number("close"),
            frame: rule.flag("frame"),
        };
        rule.finish();
        if let Some(reason) = reason {
            refusals.rules.insert(reason, refusal);
        }
    }
    refusals
}

fn said(rule: &Section<'_>, text: &Text) -> Option<Words> {
    let problem = |hole: String| {
        let help = Some("`{limit}`, the size that was exceeded, is the one hole there is".to_owned());
        rule.problem(text.span.clone(), format!("no refusal has a `{{{hole}}}`"), help);
    };
    Words::parse(&text.value).map_err(problem).ok()
}

/// `shape` is the name of a named shape, or a shape itself.
fn shape(rule: &Section<'_>, library: &Library) -> Option<Arc<super::super::frame::FrameSet>> {
    let text = rule.text("shape")?;
    if library.has(&text.value) {
        return library.set(rule, &text.value);
    }
    let node = library.shape(rule, &text)?;
    Some(Arc::new(library.compile(rule, vec![Frame::plain("error", None, node, text.span.start)])))
}
