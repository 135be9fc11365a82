//! A part of a file. In: what a client asks for, later the head of the host's answer. Out: the one range that is asked of
//! the host, and which bytes its answer holds (RFC 9110 §14).

use http::header::{CONTENT_RANGE, IF_RANGE, RANGE};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};

/// One range of bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    pub(super) range: HeaderValue,
    /// The whole file is wanted if this is not its tag or date any more.
    pub(super) unless_changed: Option<HeaderValue>,
}

impl Wanted {
    /// What the headers of a request ask for. `None`: the whole file, which is also the answer to several ranges and to
    /// other units.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut ranges = headers.get_all(RANGE).iter();
        let (Some(range), None) = (ranges.next(), ranges.next()) else { return None };
        let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let is_number = |text: &str| text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_range = is_number(first) && is_number(last) && !(first.is_empty() && last.is_empty());
        is_range.then(|| Wanted { range: range.clone(), unless_changed: headers.get(IF_RANGE).cloned() })
    }
}

/// Which bytes of the file an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// From the first to the last, both counted from 0, of so many where the host knows.
    Part {
        first: u64,
        last: u64,
        of: Option<u64>,
    },
    /// None: what was wanted lies outside.
    Outside {
        of: Option<u64>,
    },
}

impl Extent {
    /// Reads the head of an answer whose body has this size. The error says what is wrong, to stand behind the host.
    pub(super) fn of(head: &Parts, size: Option<u64>) -> Result<Self, &'static str> {
        let said = head.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()?.strip_prefix("bytes "));
        let (range, of) = said.and_then(|said| said.split_once('/')).unzip();
        let of = of.and_then(|of| of.parse::<u64>().ok());
        match head.status {
            StatusCode::PARTIAL_CONTENT => {
                let ends = range.and_then(|range| range.split_once('-'));
                let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
                let (first, last) = ends.ok_or("sends a part and does not say which")?;
                let length = last.checked_sub(first).and_then(|length| length.checked_add(1));
                let fits = length.is_some_and(|length| size.is_none_or(|size| size == length))
                    && of.is_none_or(|of| last < of);
                if fits { Ok(Extent::Part { first, last, of }) } else { Err("sends another part than it says") }
            }
            StatusCode::RANGE_NOT_SATISFIABLE => Ok(Extent::Outside { of }),
            _ => Ok(Extent::Whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> bool {
        let headers = HeaderMap::from_iter([(RANGE, HeaderValue::from_str(range).unwrap())]);
        Wanted::of(&headers).is_some()
    }

    #[test]
    fn one_range_of_bytes_is_asked_for() {
        for range in ["bytes=0-", "bytes=0-0", "bytes=5-9", "bytes=-5", "bytes=9-5"] {
            assert!(asked(range), "{range}");
        }
        for range in ["bytes=-", "bytes=0-1,3-4", "lines=0-1", "bytes=a-b", "bytes=0-99999999999999999999", "bytes 0-1"]
        {
            assert!(!asked(range), "{range}");
        }
        assert_eq!(Wanted::of(&HeaderMap::new()), None);
    }

    fn extent(status: u16, range: &str, size: Option<u64>) -> Result<Extent, &'static str> {
        let mut builder = http::Response::builder().status(status);
        if !range.is_empty() {
            builder = builder.header(CONTENT_RANGE, range);
        }
        Extent::of(&builder.body(()).unwrap().into_parts().0, size)
    }

    #[test]
    fn an_answer_says_which_part_it_is() {
        let part = |first, last, of| Ok(Extent::Part { first, last, of });
        for (status, range, size, expected) in [
            (200, "", Some(9), Ok(Extent::Whole)),
            (206, "bytes 2-4/9", Some(3), part(2, 4, Some(9))),
            (206, "bytes 2-4/*", None, part(2, 4, None)),
            (416, "bytes */9", Some(0), Ok(Extent::Outside { of: Some(9) })),
            (416, "", None, Ok(Extent::Outside { of: None })),
        ] {
            assert_eq!(extent(status, range, size), expected, "{status} {range}");
        }
        for (range, size) in [
            ("", Some(3)),
            ("bytes */9", Some(3)),
            ("bytes 4-2/9", None),
            ("bytes 2-4/9", Some(4)),
            ("bytes 2-9/9", Some(8)),
            ("lines 2-4/9", Some(3)),
            ("bytes 0-18446744073709551615/*", None),
        ] {
            assert!(extent(206, range, size).is_err(), "{range}");
        }
    }
}
