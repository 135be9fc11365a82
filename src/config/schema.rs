//! The JSON Schema of `routes.toml`, for editors. In: what is declared. Out: draft-07.

use serde_json::Value;

use super::file::ROOT;
use crate::declaration::{self, Writing};

/// Units and numbers as `unit.rs` reads them, `${…}` as `expand.rs` does.
const WRITING: Writing = Writing {
    title: "routes.toml of dragoman",
    about: "Where clients connect, what is spoken there and where it leads. What names refer to, files, secrets and the \
            environment are for `dragoman check`.",
    reference: Some(r"\$\{"),
    duration: r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*(ms|s|m|h|d)\s*$",
    size: r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*(B|KiB|MiB|GiB|kB|KB|MB|GB)\s*$",
    rate: r"^\s*\+?0*[1-9][0-9]*\s*/\s*[smh]\s*$",
    single_tables: false,
};

/// What an editor may know of a config.
pub fn schema() -> Value {
    declaration::schema(&ROOT, &WRITING)
}

#[cfg(test)]
mod tests {
    /// `schemas/routes.schema.json` is written by this test when `UPDATE_SCHEMAS` is set, and compared otherwise.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
    fn the_committed_schema_is_that_of_the_readers() {
        let text = format!("{:#}\n", super::schema());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/routes.schema.json");
        if std::env::var_os("UPDATE_SCHEMAS").is_some() {
            std::fs::write(path, &text).expect("writable");
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == text, "{path} is not what is declared; run this test with UPDATE_SCHEMAS=1");
    }
}
