//! Where an upload is kept: the first template whose fields are all known, the operator's before the dialect's. In: the
//! templates, the call's fields, the file's name. Out: a key, and whether somebody could guess it.

use uuid::Uuid;

use crate::dialect::{KeyPiece, KeyTemplate, Storage};
use crate::event::{Fields, Timestamp};
use crate::media::file_name;

/// The key of a new file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageKey {
    pub text: String,
    /// Whether another file may come to have the same.
    pub can_collide: bool,
}

/// The key that the operator's templates give, or else the dialect's. `None` where fields that may still come would give
/// another; once `all_came`, there is one.
pub fn of(
    own: &[KeyTemplate],
    storage: &Storage,
    fields: &Fields<'_>,
    name: &str,
    all_came: bool,
) -> Option<StorageKey> {
    for template in own.iter().chain(&storage.keys) {
        match fill(template, fields, name) {
            Some(text) => return Some(StorageKey { text, can_collide: !template.is_unguessable() }),
            None if all_came => {}
            None => return None,
        }
    }
    Some(StorageKey { text: format!("{}/{name}", random()), can_collide: false })
}

fn fill(template: &KeyTemplate, fields: &Fields<'_>, name: &str) -> Option<String> {
    let now = Timestamp::now().civil()?;
    let (stem, extension) = file_name::split(name);
    let mut key = String::new();
    for piece in &template.0 {
        match piece {
            KeyPiece::Text(text) => key.push_str(text),
            KeyPiece::Field(field) => key.push_str(&segment(&fields.id(*field)?)?),
            KeyPiece::Random => key.push_str(&random()),
            KeyPiece::Name => key.push_str(name),
            KeyPiece::Stem => key.push_str(stem),
            KeyPiece::Extension => key.push_str(extension),
            KeyPiece::Year => key.push_str(&format!("{:04}", now.year)),
            KeyPiece::Month => key.push_str(&format!("{:02}", now.month)),
            KeyPiece::Day => key.push_str(&format!("{:02}", now.day)),
        }
    }
    Some(key)
}

/// What a client said, as one segment of a path: letters, digits, `-` and `_` only, at most 64 of them.
fn segment(text: &str) -> Option<String> {
    let plain = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    plain.then(|| text.to_owned())
}

/// 122 random bits in 32 hexadecimal digits.
fn random() -> String {
    Uuid::new_v4().simple().to_string()
}
