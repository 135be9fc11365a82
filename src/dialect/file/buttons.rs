//! `[buttons]`: how the grids of buttons of a dialect say what they offer.

use super::super::buttons::{Grid, MemberPath};
use super::section::Section;

pub fn read(root: &Section<'_>) -> Option<Grid> {
    let section = root.section("buttons")?;
    let (each, label) = (path(&section, "each"), path(&section, "label"));
    let link = if section.has("link") { path(&section, "link") } else { None };
    section.finish();
    Some(Grid { each: each?, label: label?, link })
}

/// Names of members, joined by dots.
fn path(section: &Section<'_>, key: &'static str) -> Option<MemberPath> {
    let text = section.needed_text(key)?;
    let names: Vec<String> = text.value.split('.').map(str::to_owned).collect();
    if names.iter().any(String::is_empty) {
        section.problem(text.span, "wanted names of members, joined by dots", None);
        return None;
    }
    Some(MemberPath(names))
}
