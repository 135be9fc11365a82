//! A point in time: microseconds since the Unix epoch, as no dialect is finer. In: RFC 3339 text or a count. Out: the
//! same, and its civil parts for the codecs of dialects.

use std::time::{SystemTime, UNIX_EPOCH};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds since 1970-01-01T00:00:00Z. Serialised as RFC 3339 in UTC with six digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// The civil date and time of a [`Timestamp`] in UTC.
pub struct Civil {
    pub year: i16,
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
    pub microsecond: u32,
}

impl Timestamp {
    /// The wall clock. Never used to order messages: that is what sequence numbers are for.
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(elapsed.as_micros()).unwrap_or(i64::MAX))
    }

    /// From a count of microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// The count of microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Parses RFC 3339 with any offset; a fraction finer than a microsecond is cut.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(time) = parse_utc(text.as_bytes()) {
            return Some(time);
        }
        let parsed: jiff::Timestamp = text.parse().ok()?;
        Some(Timestamp(parsed.as_microsecond()))
    }

    /// The civil parts in UTC; `None` outside the years -9999 to 9999.
    pub fn civil(self) -> Option<Civil> {
        let zoned = jiff::tz::Offset::UTC.to_datetime(jiff::Timestamp::from_microsecond(self.0).ok()?);
        Some(Civil {
            year: zoned.year(),
            month: zoned.month().unsigned_abs(),
            day: zoned.day().unsigned_abs(),
            hour: zoned.hour().unsigned_abs(),
            minute: zoned.minute().unsigned_abs(),
            second: zoned.second().unsigned_abs(),
            microsecond: zoned.subsec_nanosecond().unsigned_abs() / 1_000,
        })
    }
}

/// The form that dialects write: `2024-01-15T10:30:00`, up to six digits of a fraction, `Z` or `+00:00`. Every frame has
/// one, so it has its own way; all other forms go to the library.
fn parse_utc(text: &[u8]) -> Option<Timestamp> {
    let number = |at: usize, digits: usize| {
        text.get(at..at + digits)?
            .iter()
            .try_fold(0_i64, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !marks.iter().all(|(at, mark)| text.get(*at) == Some(mark)) {
        return None;
    }
    let (mut rest, mut micros) = (text.get(19..)?, 0);
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=6).contains(&digits) {
            return None;
        }
        micros = number(20, digits)? * 10_i64.pow(u32::try_from(6 - digits).ok()?);
        rest = &fraction[digits..];
    }
    if rest != b"Z" && rest != b"+00:00" {
        return None;
    }
    let date = jiff::civil::Date::new(i16::try_from(number(0, 4)?).ok()?, small(number(5, 2)?)?, small(number(8, 2)?)?)
        .ok()?;
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = i64::from(date.since(jiff::civil::date(1970, 1, 1)).ok()?.get_days());
    let total = ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + micros;
    // What the library cannot turn back into a date is no time here either.
    let known = jiff::Timestamp::MIN.as_microsecond()..=jiff::Timestamp::MAX.as_microsecond();
    known.contains(&total).then_some(Timestamp(total))
}

fn small(number: i64) -> Option<i8> {
    i8::try_from(number).ok()
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.civil() {
            Some(at) => write!(
                formatter,
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
                at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond
            ),
            None => write!(formatter, "@{}us", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Timestamp::parse(&text).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "description": "RFC 3339, UTC, microseconds" })
    }
}
