//! `retention` of a store: how long it keeps its files.

use std::time::Duration;

use super::super::section::Section;
use crate::media::lifecycle::Retention;

/// The longest that can be written; without a term files stay for ever.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
/// The shortest term: uploads on their way must be over.
const SHORTEST: Duration = Duration::from_secs(60 * 60);

pub(super) fn read(section: Section<'_>) -> Retention {
    let retention = Retention {
        age: section.duration("age", SHORTEST, LONGEST),
        unused: section.duration("unused", SHORTEST, LONGEST),
    };
    section.finish();
    retention
}
