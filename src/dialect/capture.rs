//! What one pass over a frame found at the places that any shape of its direction names. Texts borrow from the frame.

use std::borrow::Cow;

/// What stands at a place.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Captured<'a> {
    #[default]
    Missing,
    Null,
    Boolean(bool),
    Integer(i64),
    /// A number that is no integer of 64 bits.
    Number(f64),
    Text(Cow<'a, str>),
    Object,
    Array,
    /// Any JSON, unread.
    Raw(&'a str),
}

impl Captured<'_> {
    /// Nothing is here, or nothing in particular.
    pub fn is_absent(&self) -> bool {
        matches!(self, Captured::Missing | Captured::Null)
    }

    /// An integer, or the canonical digits of one. A number with a fraction or beyond 64 bits is refused, not rounded.
    pub fn integer(&self) -> Option<i64> {
        match self {
            Captured::Integer(number) => Some(*number),
            Captured::Text(text) => {
                let digits = text.strip_prefix('-').unwrap_or(text);
                let canonical = !digits.is_empty()
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
                    && (digits == "0" || !digits.starts_with('0'));
                canonical.then(|| text.parse().ok()).flatten()
            }
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "checked by the round trip")]
    pub fn number(&self) -> Option<f64> {
        match self {
            Captured::Number(number) => Some(*number),
            Captured::Integer(number) if number.unsigned_abs() <= 1 << 53 => Some(*number as f64),
            _ => None,
        }
    }
}
