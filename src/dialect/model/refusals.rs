//! Refusals of a dialect, by reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fault::Reason;

use super::super::frame::FrameSet;

/// What refusals look like.
#[derive(Debug, Default)]
pub struct Refusals {
    pub rules: BTreeMap<Reason, Refusal>,
    /// The error shape; `None` in a socket's or call's own list, which falls back to the dialect's.
    pub shape: Option<Arc<FrameSet>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    pub status: Option<u16>,
    pub text: Option<Words>,
    pub code: Option<i64>,
    /// As client: numbers that mean this reason, whatever the status beside them.
    pub codes: Vec<i64>,
    /// Socket: closes with this code.
    pub close: Option<u16>,
    /// Socket: an error frame, before the close if there is one.
    pub frame: Option<bool>,
}

/// The words of a refusal: `File size exceeds {limit} limit`, where `{limit}` is the size that was exceeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// What stands before, between and after the holes.
    texts: Vec<String>,
}

impl Words {
    /// Reads a text; the error is what stands in braces and is no hole.
    pub fn parse(text: &str) -> Result<Self, String> {
        let texts: Vec<String> = text.split("{limit}").map(str::to_owned).collect();
        match texts.iter().find_map(|text| text.split_once('{')) {
            Some((_, rest)) => Err(rest.split('}').next().unwrap_or_default().to_owned()),
            None => Ok(Words { texts }),
        }
    }

    /// Whether a text says this, whatever the limit in it.
    pub fn is_said_by(&self, text: &str) -> bool {
        let [first, between @ .., last] = &self.texts[..] else {
            return self.texts.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        for words in between {
            let Some((_, after)) = rest.split_once(words.as_str()) else { return false };
            rest = after;
        }
        true
    }

    /// The words about a limit, in bytes; `None` where they name one and nobody knows it.
    pub fn say(&self, limit: Option<u64>) -> Option<String> {
        match (&self.texts[..], limit) {
            ([text], _) => Some(text.clone()),
            (_, Some(limit)) => Some(self.texts.join(&size(limit))),
            (_, None) => None,
        }
    }
}

/// `10MB`, `1.5MB`, `64KB`: in units of 1024, as documents of chat APIs say it, and never more than it is.
fn size(bytes: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let Some((unit, name)) = UNITS.iter().find(|(unit, _)| bytes >= *unit) else { return format!("{bytes} bytes") };
    let tenths = u128::from(bytes) * 10 / u128::from(*unit);
    match tenths % 10 {
        0 => format!("{}{name}", tenths / 10),
        rest => format!("{}.{rest}{name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_where_its_hole_is() {
        let words = Words::parse("File size exceeds {limit} limit").expect("words");
        for (bytes, expected) in [
            (10 << 20, "File size exceeds 10MB limit"),
            (3 << 19, "File size exceeds 1.5MB limit"),
            (2 << 30, "File size exceeds 2GB limit"),
            (65_536, "File size exceeds 64KB limit"),
            (1_000_000, "File size exceeds 976.5KB limit"),
            (512, "File size exceeds 512 bytes limit"),
        ] {
            assert_eq!(words.say(Some(bytes)).as_deref(), Some(expected));
        }
        assert_eq!(words.say(None), None, "nothing is made up");
        assert_eq!(Words::parse("File too large").expect("words").say(None).as_deref(), Some("File too large"));
        for (text, expected) in [
            ("File size exceeds 25MB limit", true),
            ("File size exceeds limit", false),
            ("File size exceeds 25MB", false),
        ] {
            assert_eq!(words.is_said_by(text), expected, "{text}");
        }
        let plain = Words::parse("File too large").expect("words");
        assert!(plain.is_said_by("File too large") && !plain.is_said_by("File too large!"));
        assert_eq!(Words::parse("more than {size}"), Err("size".to_owned()));
    }
}
