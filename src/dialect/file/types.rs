//! Types, sizes and storage of a file.

use std::collections::BTreeMap;

use crate::event::MessageKind;

use super::super::model::{AnyType, FileAccess, FileTypes, KeyPiece, KeyTemplate, KindTypes, Storage};
use super::section::{Section, Text};
use super::words;

/// Who may read stored files.
pub const ACCESS: &[(&str, FileAccess)] = FileAccess::WORDS;

pub fn read(root: &Section<'_>) -> FileTypes {
    let mut types = FileTypes::default();
    let Some(section) = root.section("types") else { return types };
    for (name, span) in section.keys() {
        let kind = MessageKind::parse(name).filter(|kind| kind.is_file());
        if name != "any" && kind.is_none() {
            let help = Some("image, video, audio, document or any".to_owned());
            section.problem(span, format!("`{name}` is no kind of file"), help);
            continue;
        }
        let Some(table) = section.section(name) else { continue };
        let max = table.needed_text("max").and_then(|text| words::size(&table, &text)).unwrap_or(0);
        if let Some(kind) = kind {
            let extensions = table.section("extensions").map(|list| extensions(&list)).unwrap_or_default();
            let declared = table.section("declared").map(|list| texts(&list)).unwrap_or_default();
            types.kinds.insert(kind, KindTypes { max, extensions, declared });
        } else {
            let except = table.texts("except").into_iter().map(|text| text.value).collect();
            types.any = Some(AnyType { max, except });
        }
        table.finish();
    }
    types
}

fn extensions(section: &Section<'_>) -> BTreeMap<String, String> {
    let keys = section.keys().into_iter();
    keys.filter_map(|(extension, _)| Some((extension.to_ascii_lowercase(), section.text(extension)?.value))).collect()
}

/// MIME type → MIME type.
fn texts(section: &Section<'_>) -> BTreeMap<String, String> {
    let keys = section.keys().into_iter();
    keys.filter_map(|(key, _)| Some((key.to_owned(), section.text(key)?.value))).collect()
}

pub fn storage(root: &Section<'_>) -> Storage {
    let mut storage = Storage::default();
    let Some(section) = root.section("storage") else { return storage };
    storage.keys = section.texts("keys").iter().map(|text| key_template(&section, text)).collect();
    if let Some(text) = section.text("public") {
        if !(text.value.starts_with('/') && text.value.ends_with('/')) {
            section.problem(text.span.clone(), "wanted slashes at both ends", None);
        }
        storage.public = text.value;
    }
    if let Some(text) = section.text("access") {
        match FileAccess::WORDS.iter().find(|(word, _)| *word == text.value) {
            Some((_, access)) => storage.access = *access,
            None => section.problem(text.span, "wanted `url` or `conversation`", None),
        }
    }
    section.finish();
    storage
}

fn key_template(section: &Section<'_>, text: &Text) -> KeyTemplate {
    let field = |name: &str| words::field(section, &Text { value: name.to_owned(), ..text.clone() });
    let template = KeyTemplate::parse(&text.value, field).unwrap_or_else(|| {
        section.problem(text.span.clone(), "a brace without its partner", None);
        KeyTemplate(vec![KeyPiece::Random])
    });
    if !template.is_unguessable() {
        section.problem(text.span.clone(), "a key without `{random}` can be guessed and can collide", None);
    }
    template
}
