//! Dialect files. In: a text. One that is taken has schemas and can be held against every other dialect; the mistakes of
//! one that is refused stand within it.

use dragoman::config;
use dragoman::dialect::{Dialect, builtin, loss, schema};

pub fn file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Dialect::parse_with_variants("some.toml", text) {
        Ok(dialect) => {
            schema::of_dialect(&dialect);
            for other in builtin::all() {
                loss::towards(&dialect, other, None);
                loss::between(other, &dialect);
            }
        }
        Err(problems) => {
            assert!(!problems.list.is_empty(), "refused, and nothing is said");
            for problem in &problems.list {
                assert!(problem.span.start <= text.len().max(1), "{problem:?} is outside of the file");
            }
            config::Problems::from(problems).render(false);
        }
    }
}
