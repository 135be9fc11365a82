//! Key templates of operators: `chat/session-{session_id}/{name}`. In: the text, and what the words of a dialect's upload
//! calls stand for. Out: a template whose every key is a path of plain names, or what is wrong with it.

use std::collections::BTreeMap;

use crate::dialect::{Dialect, KeyPiece, KeyTemplate, Op, Request};
use crate::event::Field;

/// The longest template, in bytes.
const LONGEST: usize = 500;
/// First segments that the gateway uses itself.
const TAKEN: &[&str] = &[".unfinished", "relayed", "once", "quarantine"];

/// What may stand in braces, beside what every template has: the parts of a dialect's upload forms by their names there,
/// and the same by their canonical names.
#[derive(Debug, Clone, Default)]
pub struct KeyWords(BTreeMap<String, Field>);

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WrongKey {
    /// This placeholder is none.
    Unknown(String),
    /// In words.
    Form(&'static str),
}

impl KeyWords {
    /// The words of all upload calls.
    pub fn of(dialect: &Dialect) -> Self {
        let mut words = BTreeMap::new();
        let mut add = |name: &str, field: Field| {
            words.insert(name.to_owned(), field);
            words.insert(field.path().into_owned(), field);
        };
        for call in dialect.calls.iter().filter(|call| call.op == Op::Upload) {
            if let Request::Multipart { parts, .. } = &call.request {
                for (part, field) in parts.iter().filter_map(|part| Some((part, part.field?))) {
                    add(&part.name, field);
                }
            }
            for (field, name) in &call.query {
                add(name, *field);
            }
            for field in call.paths.iter().flat_map(|path| placeholders(path)).filter_map(Field::parse) {
                add(&field.path(), field);
            }
        }
        // Of whoever uploads.
        for field in [Field::SenderId, Field::SenderRole, Field::ConversationOwner, Field::ConversationAgent] {
            add(&field.path(), field);
        }
        KeyWords(words)
    }

    /// Every word that may stand in braces.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        KeyPiece::WORDS.iter().map(|(word, _)| *word).chain(self.0.keys().map(String::as_str))
    }

    /// Reads a template.
    pub fn template(&self, text: &str) -> Result<KeyTemplate, WrongKey> {
        if text.len() > LONGEST {
            return Err(WrongKey::Form("a key has at most 500 letters"));
        }
        let mut unknown = None;
        let template = KeyTemplate::parse(text, |name| {
            let found = self.0.get(name).copied();
            if found.is_none() {
                unknown.get_or_insert_with(|| name.to_owned());
            }
            found
        });
        if let Some(name) = unknown {
            return Err(WrongKey::Unknown(name));
        }
        let template = template.ok_or(WrongKey::Form("a brace has no partner"))?;
        plain(text, &template)?;
        Ok(template)
    }
}

/// Whether every key that it makes is a path of plain names, each file's its own.
fn plain(text: &str, template: &KeyTemplate) -> Result<(), WrongKey> {
    let segments: Vec<&str> = text.split('/').collect();
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(WrongKey::Form("a key is a path of names, without a slash at its ends"));
    }
    if text.chars().any(|letter| letter.is_control() || letter == '\\') {
        return Err(WrongKey::Form("a key has no backslash and no control characters"));
    }
    if TAKEN.contains(&segments[0]) || segments[0].starts_with('~') {
        return Err(WrongKey::Form("keys that begin so are the gateway's own"));
    }
    if !matches!(template.0.first(), Some(KeyPiece::Text(_))) {
        // Else a client's own words would choose the folder at the top.
        return Err(WrongKey::Form("a key begins with a name of its own, as in `chat/{name}`"));
    }
    let of_file = |piece: &KeyPiece| matches!(piece, KeyPiece::Name | KeyPiece::Stem | KeyPiece::Random);
    if !template.0.iter().any(of_file) {
        return Err(WrongKey::Form("a key has `{name}`, `{stem}` or `{random}`: else all files would have the same"));
    }
    Ok(())
}

fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> KeyWords {
        KeyWords(BTreeMap::from([
            ("session_id".to_owned(), Field::ConversationId),
            ("conversation.id".to_owned(), Field::ConversationId),
        ]))
    }

    #[test]
    fn both_names_of_a_field_stand_for_it() {
        let expected = KeyTemplate(vec![
            KeyPiece::Text("chat/session-".to_owned()),
            KeyPiece::Field(Field::ConversationId),
            KeyPiece::Text("/".to_owned()),
            KeyPiece::Name,
        ]);
        assert_eq!(words().template("chat/session-{session_id}/{name}"), Ok(expected.clone()));
        assert_eq!(words().template("chat/session-{conversation.id}/{name}"), Ok(expected));
    }

    #[test]
    fn what_would_make_bad_keys_is_refused() {
        assert_eq!(words().template("chat/{sesion_id}/{name}"), Err(WrongKey::Unknown("sesion_id".to_owned())));
        for (text, word) in [
            ("chat/{name", "partner"),
            ("chat/name}", "partner"),
            ("/chat/{name}", "path of names"),
            ("chat//{name}", "path of names"),
            ("chat/../{name}", "path of names"),
            ("chat/{name}/", "path of names"),
            ("chat\\{name}", "backslash"),
            ("relayed/{name}", "own"),
            (".unfinished/{name}", "own"),
            ("~chat/{name}", "own"),
            ("{name}", "begins with"),
            ("{session_id}/{name}", "begins with"),
            ("chat/{session_id}", "`{name}`"),
            ("chat/{year}", "`{name}`"),
        ] {
            match words().template(text) {
                Err(WrongKey::Form(said)) => assert!(said.contains(word), "{text}: {said}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }
}
