//! `[check]`: what `dragoman check` is to be silent about.

use super::super::problem::Code;
use super::super::section::Section;
use crate::dialect::suggestion;

/// The warnings that are allowed.
pub(super) fn read(section: Section<'_>) -> Vec<Code> {
    let mut allowed = Vec::new();
    for text in section.texts("allow") {
        match Code::parse(&text.value) {
            Some(code) if code.can_warn() => allowed.push(code),
            Some(_) => {
                let message = format!("`{}` is always an error, which cannot be allowed", text.value);
                section.report().error(Code::Value, &text.place, message, None);
            }
            None => {
                let warnings = Code::ALL.iter().filter(|code| code.can_warn()).map(|code| code.name());
                let message = format!("no warning is called `{}`", text.value);
                section.report().error(Code::Reference, &text.place, message, suggestion(&text.value, warnings));
            }
        }
    }
    section.finish();
    allowed
}
