//! Enum tables: canonical values against scalars of the wire, either way, with a rule for what is not listed.

use crate::event::Value;

use super::capture::Captured;
use super::json;

/// A scalar of the wire.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
}

impl Scalar {
    pub fn matches(&self, captured: &Captured<'_>) -> bool {
        match (self, captured) {
            (Scalar::Null, Captured::Null) => true,
            (Scalar::Boolean(left), Captured::Boolean(right)) => left == right,
            (Scalar::Integer(left), Captured::Integer(right)) => left == right,
            (Scalar::Text(left), Captured::Text(right)) => left == right,
            _ => false,
        }
    }

    pub fn write(&self, out: &mut String) {
        match self {
            Scalar::Null => out.push_str("null"),
            Scalar::Boolean(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Scalar::Integer(number) => out.push_str(itoa::Buffer::new().format(*number)),
            Scalar::Text(text) => json::write_string(text, out),
        }
    }

    /// Its letters, without quotes; nothing for null.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Scalar::Null => "".into(),
            Scalar::Boolean(flag) => (if *flag { "true" } else { "false" }).into(),
            Scalar::Integer(number) => number.to_string().into(),
            Scalar::Text(text) => text.into(),
        }
    }

    /// Whether a field holds this scalar.
    pub fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Scalar::Boolean(left), Value::Boolean(right)) => left == right,
            (Scalar::Integer(left), Value::Integer(right)) => left == right,
            (Scalar::Text(left), Value::Text(right)) => left == right,
            _ => false,
        }
    }

    /// The same scalar as a value of a field.
    pub fn value(&self) -> Option<Value<'_>> {
        match self {
            Scalar::Null => None,
            Scalar::Boolean(flag) => Some(Value::Boolean(*flag)),
            Scalar::Integer(number) => Some(Value::Integer(*number)),
            Scalar::Text(text) => Some(Value::text(text)),
        }
    }
}

/// One `[enums.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct EnumTable {
    pub name: String,
    /// Canonical text → scalar, first match written.
    pub write: Vec<(String, Scalar)>,
    /// What every other canonical value writes.
    pub other: Option<Scalar>,
    /// Scalar → canonical text, where it is not the inverse of `write`; looked at first.
    pub read: Vec<(Scalar, String)>,
    /// What every other scalar reads as; without it such a scalar is refused.
    pub unknown: Option<String>,
}

impl EnumTable {
    pub fn read<'a>(&'a self, captured: &Captured<'a>) -> Option<Value<'a>> {
        let read = self.read.iter().map(|(scalar, canonical)| (scalar, canonical));
        let inverse = self.write.iter().map(|(canonical, scalar)| (scalar, canonical));
        let canonical =
            read.chain(inverse).find(|(scalar, _)| scalar.matches(captured)).map(|(_, canonical)| canonical).or(
                self.unknown
                    .as_ref()
                    .filter(|_| !matches!(captured, Captured::Object | Captured::Array | Captured::Raw(_))),
            )?;
        Some(canonical_value(canonical))
    }

    pub fn write(&self, value: &Value<'_>, out: &mut String) -> bool {
        let Some(text) = value.to_text() else { return false };
        let listed = self.write.iter().find(|(canonical, _)| *canonical == text).map(|(_, scalar)| scalar);
        match listed.or(self.other.as_ref()) {
            Some(scalar) => scalar.write(out),
            None => return false,
        }
        true
    }

    /// Whether some other canonical value is written like this one.
    pub fn is_ambiguous(&self, canonical: &str) -> bool {
        match self.write.iter().find(|(known, _)| known == canonical) {
            Some((known, scalar)) => {
                self.other.as_ref() == Some(scalar)
                    || self.write.iter().any(|(other, same)| same == scalar && other != known)
            }
            None => true,
        }
    }

    /// Whether two canonical values are written as the same scalar.
    pub fn writes_alike(&self, one: &str, other: &str) -> bool {
        let written = |text: &str| {
            self.write.iter().find(|(canonical, _)| canonical == text).map(|(_, scalar)| scalar).or(self.other.as_ref())
        };
        written(one).is_some() && written(one) == written(other)
    }

    /// Whether every value that can be written is read back as itself.
    pub fn is_bijective(&self) -> bool {
        self.other.is_none()
            && self.write.iter().all(|(canonical, scalar)| {
                let first = self.read.iter().map(|(scalar, canonical)| (scalar, canonical));
                let inverse = self.write.iter().map(|(canonical, scalar)| (scalar, canonical));
                first.chain(inverse).find(|(known, _)| *known == scalar).is_some_and(|(_, back)| back == canonical)
            })
    }

    /// Every scalar that can be read.
    pub fn scalars(&self) -> impl Iterator<Item = &Scalar> {
        let written = self.write.iter().map(|(_, scalar)| scalar);
        self.read.iter().map(|(scalar, _)| scalar).chain(written).chain(self.other.as_ref())
    }
}

/// `true` and `false` are booleans wherever a table gives them.
fn canonical_value(text: &str) -> Value<'_> {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        _ => Value::text(text),
    }
}
