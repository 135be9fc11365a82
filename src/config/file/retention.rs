//! `retention` of a store: how long it keeps its files.

use super::super::section::Section;
use crate::media::lifecycle::Retention;

pub(super) fn read(section: Section<'_>) -> Retention {
    let retention = Retention { age: section.duration("age"), unused: section.duration("unused") };
    section.finish();
    retention
}
