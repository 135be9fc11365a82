//! `[log]`.

use super::super::section::Section;
use crate::telemetry::{Format, LogSettings, is_level};

pub(super) const FORMATS: &[(&str, Format)] = &[("auto", Format::Auto), ("text", Format::Text), ("json", Format::Json)];

pub(super) fn read(section: Section<'_>) -> Option<LogSettings> {
    let checked = |text: &str| is_level(text).map(|()| text.to_owned()).map_err(|error| error.to_string());
    let level = section.parsed("level", checked);
    let format = section.word("format", FORMATS);
    let access = section.boolean("access");
    section.finish();
    Some(LogSettings { level: level?.value, format: format?.value, access })
}
