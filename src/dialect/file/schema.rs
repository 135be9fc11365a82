//! The JSON Schema of dialect files, for editors. In: what is declared. Out: draft-07.

use serde_json::Value;

use super::declared::ROOT;
use crate::declaration::{self, Writing};

/// Sizes as `words.rs` reads them; a text never stands for anything else.
const WRITING: Writing = Writing {
    title: "A dialect file of dragoman",
    about: "A chat API as data. Shapes, and what names refer to, are for `dragoman dialects check`.",
    reference: None,
    duration: "",
    size: r"^\s*[0-9]+(\.[0-9])?\s*(GiB|MiB|KiB|B)$",
    rate: "",
    single_tables: true,
};

/// What an editor may know of a dialect file.
pub fn schema() -> Value {
    declaration::schema(&ROOT, &WRITING)
}

#[cfg(test)]
mod tests {
    /// `schemas/dialect.schema.json` is written by this test when `UPDATE_SCHEMAS` is set, and compared otherwise.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
    fn the_committed_schema_is_that_of_the_readers() {
        let text = format!("{:#}\n", super::schema());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/dialect.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &text).expect("writable");
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == text, "{path} is not what is declared; run this test with UPDATE_SCHEMAS=1");
    }
}
