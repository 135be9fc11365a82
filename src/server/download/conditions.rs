//! What a client has already. In: the conditions of its request, what the file is now. Out: whether it is sent, and which
//! part of it (RFC 9110 §13 and §14).

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE, ToStrError};
use http::{HeaderMap, HeaderName, Method};

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Strong, in quotation marks.
    pub tag: String,
    pub modified: Option<SystemTime>,
}

/// What is sent of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Send {
    Whole,
    Part(Range<u64>),
    /// 304: the client has it.
    Unchanged,
    /// 412: it is not the file that the client means.
    Changed,
    /// 416: what is wanted lies outside.
    Outside,
}

/// Judges the conditions in the order of RFC 9110 §13.2.2.
pub fn judge(method: &Method, headers: &HeaderMap, version: &Version, size: u64) -> Send {
    if headers.contains_key(IF_MATCH) {
        // Strong comparison: a weak tag matches nothing.
        if !lists(headers, IF_MATCH, |known| known == version.tag) {
            return Send::Changed;
        }
    } else if is_later(headers, IF_UNMODIFIED_SINCE, version) == Some(true) {
        return Send::Changed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if has(headers, &version.tag) {
            return Send::Unchanged;
        }
    } else if is_later(headers, IF_MODIFIED_SINCE, version) == Some(false) {
        return Send::Unchanged;
    }
    // Only GET has ranges (§14.2).
    if method != Method::GET {
        return Send::Whole;
    }
    let mut wanted = headers.get_all(RANGE).iter();
    let (Some(range), None) = (wanted.next(), wanted.next()) else { return Send::Whole };
    // A part is of use only beside parts of the same file; by its date alone nobody knows that it is.
    if headers.get(IF_RANGE).is_some_and(|known| known.as_bytes() != version.tag.as_bytes()) {
        return Send::Whole;
    }
    match range.to_str().ok().and_then(|text| part(text, size)) {
        None => Send::Whole,
        Some(range) if range.is_empty() => Send::Outside,
        Some(range) => Send::Part(range),
    }
}

/// One range of bytes, empty where it lies outside. Several ranges, or another unit, are answered with the whole.
fn part(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.trim(), last.trim()) {
        ("", suffix) => size.saturating_sub(number(suffix)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            // Backwards it is no range at all.
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(range)
}

/// Digits only; what is beyond 64 bits is beyond every file.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// Whether the client has what carries this tag; weak comparison, as `If-None-Match` wants it.
pub fn has(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    lists(headers, IF_NONE_MATCH, |known| opaque(known) == opaque(tag))
}

/// Whether a list of tags is `*` or has one that fits.
fn lists(headers: &HeaderMap, name: HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().map(|value| value.to_str());
    let lines = lines.filter_map(|line: Result<&str, ToStrError>| line.ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|known| known == "*" || fits(known))
}

/// Whether the file was modified after the date of a header; `None` without a date that can be read.
fn is_later(headers: &HeaderMap, name: HeaderName, version: &Version) -> Option<bool> {
    let date = read_date(headers.get(name)?.to_str().ok()?)?;
    let modified = version.modified?.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(modified > date)
}

/// Seconds since 1970 of `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still written.
fn read_date(text: &str) -> Option<u64> {
    let text = text.strip_suffix(" GMT")?;
    let time = jiff::civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S", text).ok()?;
    let time = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    u64::try_from(time.timestamp().as_second()).ok()
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
pub fn written_date(time: SystemTime) -> Option<String> {
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()).ok()?;
    let time = jiff::Timestamp::from_second(seconds).ok()?;
    Some(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn version() -> Version {
        // The header has whole seconds; the file has more.
        let modified = UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        Version { tag: "\"abc\"".to_owned(), modified: Some(modified) }
    }

    fn judged(method: &Method, lines: &[(&str, &str)]) -> Send {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        judge(method, &headers, &version(), 10)
    }

    #[test]
    fn conditions_have_their_order() {
        let (before, after) = ("Sun, 06 Nov 1994 08:49:36 GMT", "Mon, 07 Nov 1994 08:49:37 GMT");
        assert_eq!(written_date(version().modified.expect("set")).as_deref(), Some(DATE));
        for (lines, expected) in [
            (vec![], Send::Whole),
            (vec![("if-none-match", "\"abc\"")], Send::Unchanged),
            (vec![("if-none-match", "W/\"abc\"")], Send::Unchanged),
            (vec![("if-none-match", "\"x\", \"abc\"")], Send::Unchanged),
            (vec![("if-none-match", "\"x\""), ("if-none-match", "\"abc\"")], Send::Unchanged),
            (vec![("if-none-match", "*")], Send::Unchanged),
            (vec![("if-none-match", "abc")], Send::Whole),
            (vec![("if-modified-since", DATE)], Send::Unchanged),
            (vec![("if-modified-since", after)], Send::Unchanged),
            (vec![("if-modified-since", before)], Send::Whole),
            (vec![("if-modified-since", "yesterday")], Send::Whole),
            // The tag says more than the date.
            (vec![("if-none-match", "\"x\""), ("if-modified-since", DATE)], Send::Whole),
            (vec![("if-match", "\"abc\"")], Send::Whole),
            (vec![("if-match", "*")], Send::Whole),
            (vec![("if-match", "W/\"abc\"")], Send::Changed),
            (vec![("if-match", "\"x\"")], Send::Changed),
            (vec![("if-unmodified-since", DATE)], Send::Whole),
            (vec![("if-unmodified-since", before)], Send::Changed),
            (vec![("if-match", "\"abc\""), ("if-unmodified-since", before)], Send::Whole),
            (vec![("if-match", "\"x\""), ("if-none-match", "\"abc\"")], Send::Changed),
            (vec![("range", "bytes=2-4"), ("if-none-match", "\"abc\"")], Send::Unchanged),
        ] {
            for method in [Method::GET, Method::HEAD] {
                assert_eq!(judged(&method, &lines), expected, "{method} {lines:?}");
            }
        }
    }

    #[test]
    fn one_range_is_sent_and_nothing_else_is_made_of_it() {
        for (range, expected) in [
            ("bytes=2-4", Send::Part(2..5)),
            ("bytes=7-", Send::Part(7..10)),
            ("bytes=-3", Send::Part(7..10)),
            ("bytes=-99", Send::Part(0..10)),
            ("bytes=5-99", Send::Part(5..10)),
            ("bytes=0-18446744073709551615", Send::Part(0..10)),
            ("bytes=0-99999999999999999999999", Send::Part(0..10)),
            ("bytes=10-", Send::Outside),
            ("bytes=99999999999999999999999-", Send::Outside),
            ("bytes=-0", Send::Outside),
            ("bytes=4-2", Send::Whole),
            ("bytes=0-1,4-5", Send::Whole),
            ("bytes=+1-2", Send::Whole),
            ("bytes=-", Send::Whole),
            ("bytes=a-b", Send::Whole),
            ("lines=1-2", Send::Whole),
        ] {
            assert_eq!(judged(&Method::GET, &[("range", range)]), expected, "{range}");
            assert_eq!(judged(&Method::HEAD, &[("range", range)]), Send::Whole, "{range}");
        }
        for (known, expected) in [("\"abc\"", Send::Part(2..5)), ("W/\"abc\"", Send::Whole), (DATE, Send::Whole)] {
            assert_eq!(judged(&Method::GET, &[("range", "bytes=2-4"), ("if-range", known)]), expected, "{known}");
        }
        assert_eq!(judged(&Method::GET, &[("range", "bytes=0-1"), ("range", "bytes=2-3")]), Send::Whole);
    }
}
