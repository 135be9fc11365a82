//! How one scalar of the wire becomes a value and back. A closed list: a dialect picks, it does not program.

use std::borrow::Cow;
use std::sync::Arc;

use crate::event::{Field, FieldType, IdForm, Timestamp, Value};

use super::capture::Captured;
use super::json;
use super::table::EnumTable;
use super::url_end::UrlEnd;

/// The codecs a hole may name after its colon.
#[derive(Debug, Clone, PartialEq)]
pub enum Codec {
    Text,
    /// Text without blanks at its ends.
    Trim,
    /// An integer; reads digit strings too.
    Integer,
    /// An integer as a digit string; reads integers too.
    IntegerText,
    /// An id as text; reads an integer too, where documents leave the form of an id open.
    AnyId,
    Number,
    Boolean,
    /// JSON carried unread.
    Json,
    Time(TimeForm),
    /// `194.75KB`, `1.20MB`, `0kb`: two digits, binary units. Lossy.
    HumanSize,
    /// `5 minutes ago`. Write-only.
    TimeAgo,
    /// The first word. Lossy.
    FirstName,
    /// So many of its first letters, for previews. Lossy.
    Head(u16),
    /// In small letters, with `_` for blanks, as names of groups are. Lossy.
    Folded,
    Enum(Arc<EnumTable>),
    /// An id that is the end of a URL. Lossy: of the URL only its path comes back.
    UrlEnd(Arc<UrlEnd>),
}

/// How a time is written; every form is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeForm {
    Seconds,
    Millis,
    Micros,
    MicrosOffset,
    UnixSeconds,
    UnixMillis,
    UnixMicros,
}

/// What decoding after encoding gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    Lossless,
    /// Something near: law 1 holds, exact inversion does not.
    Lossy,
    /// Nothing: never read.
    WriteOnly,
}

/// The value is of a type or form that the codec cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

const NAMES: &[(&str, Codec)] = &[
    ("text", Codec::Text),
    ("trim", Codec::Trim),
    ("int", Codec::Integer),
    ("int_text", Codec::IntegerText),
    ("id", Codec::AnyId),
    ("number", Codec::Number),
    ("bool", Codec::Boolean),
    ("json", Codec::Json),
    ("rfc3339_s", Codec::Time(TimeForm::Seconds)),
    ("rfc3339_ms", Codec::Time(TimeForm::Millis)),
    ("rfc3339_us", Codec::Time(TimeForm::Micros)),
    ("rfc3339_us_offset", Codec::Time(TimeForm::MicrosOffset)),
    ("unix_s", Codec::Time(TimeForm::UnixSeconds)),
    ("unix_ms", Codec::Time(TimeForm::UnixMillis)),
    ("unix_us", Codec::Time(TimeForm::UnixMicros)),
    ("human_size", Codec::HumanSize),
    ("time_ago", Codec::TimeAgo),
    ("first_name", Codec::FirstName),
    ("folded", Codec::Folded),
];
/// Before how many letters there are, from 1 to the longest.
const HEAD: &str = "head_";
const LONGEST_HEAD: u16 = 500;

impl Codec {
    pub fn parse(name: &str) -> Option<Self> {
        if let Some(letters) = name.strip_prefix(HEAD) {
            return letters.parse().ok().filter(|letters| (1..=LONGEST_HEAD).contains(letters)).map(Codec::Head);
        }
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, codec)| codec.clone())
    }

    pub fn names() -> impl Iterator<Item = &'static str> + use<> {
        NAMES.iter().map(|(name, _)| *name).chain(["head_30"])
    }

    /// The codec of a hole that names none.
    pub fn of_field(field: Field, ids: impl Fn(crate::event::Resource) -> IdForm) -> Self {
        match field.field_type() {
            FieldType::Text => Codec::Text,
            FieldType::Id => match field.resource().map(ids) {
                Some(IdForm::Integer) => Codec::Integer,
                Some(IdForm::Text | IdForm::Uuid) | None => Codec::Text,
            },
            FieldType::Integer => Codec::Integer,
            FieldType::Number => Codec::Number,
            FieldType::Boolean => Codec::Boolean,
            FieldType::Time => Codec::Time(TimeForm::Micros),
            FieldType::Json | FieldType::List | FieldType::Record => Codec::Json,
        }
    }

    /// Whether values of this type can pass.
    pub fn fits(&self, field_type: FieldType) -> bool {
        match self {
            Codec::Text | Codec::Trim => matches!(field_type, FieldType::Text | FieldType::Id),
            Codec::Integer | Codec::IntegerText => {
                matches!(field_type, FieldType::Integer | FieldType::Id | FieldType::Text)
            }
            Codec::AnyId => field_type == FieldType::Id,
            Codec::Number => field_type == FieldType::Number,
            Codec::Boolean => field_type == FieldType::Boolean,
            Codec::Json => field_type == FieldType::Json,
            Codec::Time(_) | Codec::TimeAgo => field_type == FieldType::Time,
            Codec::HumanSize => field_type == FieldType::Integer,
            Codec::FirstName | Codec::Head(_) | Codec::Folded | Codec::UrlEnd(_) => field_type == FieldType::Text,
            Codec::Enum(_) => matches!(field_type, FieldType::Text | FieldType::Boolean | FieldType::Id),
        }
    }

    pub fn fidelity(&self) -> Fidelity {
        match self {
            Codec::Trim | Codec::HumanSize | Codec::FirstName | Codec::Head(_) | Codec::Folded | Codec::UrlEnd(_) => {
                Fidelity::Lossy
            }
            // Coarser forms cut what is finer than they can say.
            Codec::Time(TimeForm::Seconds | TimeForm::Millis | TimeForm::UnixSeconds | TimeForm::UnixMillis) => {
                Fidelity::Lossy
            }
            Codec::TimeAgo => Fidelity::WriteOnly,
            Codec::Enum(table) if !table.is_bijective() => Fidelity::Lossy,
            Codec::Text
            | Codec::Integer
            | Codec::IntegerText
            | Codec::AnyId
            | Codec::Number
            | Codec::Boolean
            | Codec::Json
            | Codec::Time(_)
            | Codec::Enum(_) => Fidelity::Lossless,
        }
    }

    /// Reads what a frame holds in this place.
    pub fn read<'a>(&'a self, captured: &Captured<'a>) -> Result<Value<'a>, Unreadable> {
        match self {
            Codec::Text | Codec::FirstName | Codec::Head(_) | Codec::Folded => match captured {
                Captured::Text(text) => Ok(Value::Text(text.clone())),
                _ => Err(Unreadable),
            },
            Codec::Trim => match captured {
                Captured::Text(Cow::Borrowed(text)) => Ok(Value::Text(Cow::Borrowed(text.trim()))),
                Captured::Text(Cow::Owned(text)) => Ok(Value::Text(Cow::Owned(text.trim().to_owned()))),
                _ => Err(Unreadable),
            },
            Codec::AnyId => match captured {
                Captured::Text(text) => Ok(Value::Text(text.clone())),
                _ => captured.integer().map(Value::Integer).ok_or(Unreadable),
            },
            Codec::Integer | Codec::IntegerText => captured.integer().map(Value::Integer).ok_or(Unreadable),
            Codec::Number => captured.number().map(Value::Number).ok_or(Unreadable),
            Codec::Boolean => match captured {
                Captured::Boolean(flag) => Ok(Value::Boolean(*flag)),
                _ => Err(Unreadable),
            },
            Codec::Json => match captured {
                Captured::Raw(text) => Ok(Value::Json(Cow::Borrowed(text))),
                _ => Err(Unreadable),
            },
            Codec::Time(_) => read_time(captured).map(Value::Time).ok_or(Unreadable),
            Codec::HumanSize => match captured {
                Captured::Text(text) => parse_human_size(text).map(Value::Integer).ok_or(Unreadable),
                _ => Err(Unreadable),
            },
            Codec::TimeAgo => Err(Unreadable),
            Codec::Enum(table) => table.read(captured).ok_or(Unreadable),
            Codec::UrlEnd(end) => match captured {
                Captured::Text(text) => end.path(text).map(|path| Value::Text(Cow::Owned(path))).ok_or(Unreadable),
                _ => Err(Unreadable),
            },
        }
    }

    /// Writes a value as JSON; says whether the value has this codec's type.
    pub fn write(&self, value: &Value<'_>, out: &mut String) -> bool {
        match (self, value) {
            (Codec::Text | Codec::Trim | Codec::AnyId, Value::Text(text)) => json::write_string(text, out),
            (Codec::Text | Codec::Trim | Codec::IntegerText | Codec::AnyId, Value::Integer(number)) => {
                out.push('"');
                out.push_str(itoa::Buffer::new().format(*number));
                out.push('"');
            }
            (Codec::Integer, Value::Integer(number)) => out.push_str(itoa::Buffer::new().format(*number)),
            (Codec::Integer, Value::Text(text)) => match text.parse::<i64>() {
                Ok(number) => out.push_str(itoa::Buffer::new().format(number)),
                Err(_) => return false,
            },
            (Codec::IntegerText, Value::Text(text)) if text.parse::<i64>().is_ok() => json::write_string(text, out),
            (Codec::Number, Value::Number(number)) if number.is_finite() => out.push_str(&json::number_text(*number)),
            (Codec::Number, Value::Integer(number)) => out.push_str(itoa::Buffer::new().format(*number)),
            (Codec::Boolean, Value::Boolean(flag)) => out.push_str(if *flag { "true" } else { "false" }),
            (Codec::Json, Value::Json(text)) => out.push_str(text),
            (Codec::Time(form), Value::Time(time)) => return write_time(*form, *time, out),
            (Codec::TimeAgo, Value::Time(time)) => json::write_string(&time_ago(*time, Timestamp::now()), out),
            (Codec::HumanSize, Value::Integer(bytes)) => json::write_string(&human_size(*bytes), out),
            (Codec::FirstName, Value::Text(text)) => {
                json::write_string(text.split_whitespace().next().unwrap_or_default(), out);
            }
            (Codec::Head(letters), Value::Text(text)) => {
                let end = text.char_indices().nth(usize::from(*letters)).map_or(text.len(), |(at, _)| at);
                json::write_string(&text[..end], out);
            }
            (Codec::Folded, Value::Text(text)) => json::write_string(&text.to_lowercase().replace(' ', "_"), out),
            (Codec::Enum(table), value) => return table.write(value, out),
            (Codec::UrlEnd(end), Value::Text(url)) => match end.of(url) {
                Some(id) => json::write_string(id, out),
                None => return false,
            },
            _ => return false,
        }
        true
    }
}

impl Codec {
    /// The same as it stands among other text: without quotes.
    pub(super) fn write_plain(&self, value: &Value<'_>, out: &mut String) -> bool {
        if let (Codec::Text | Codec::Integer, Some(text)) = (self, value.to_text()) {
            out.push_str(&text);
            return true;
        }
        let mut written = String::new();
        if !self.write(value, &mut written) {
            return false;
        }
        match serde_json::from_str::<String>(&written) {
            Ok(text) => out.push_str(&text),
            Err(_) => out.push_str(&written),
        }
        true
    }
}

/// A time in any of the forms; integers by magnitude: seconds below 10^11, milliseconds below 10^14, else microseconds.
fn read_time(captured: &Captured<'_>) -> Option<Timestamp> {
    if let Captured::Text(text) = captured
        && let Some(time) = Timestamp::parse(text)
    {
        return Some(time);
    }
    let count = captured.integer()?;
    let micros = match count.unsigned_abs() {
        0..100_000_000_000 => count.checked_mul(1_000_000)?,
        100_000_000_000..100_000_000_000_000 => count.checked_mul(1_000)?,
        _ => count,
    };
    Some(Timestamp::from_micros(micros))
}

fn write_time(form: TimeForm, time: Timestamp, out: &mut String) -> bool {
    let unix = match form {
        TimeForm::UnixSeconds => Some(time.micros().div_euclid(1_000_000)),
        TimeForm::UnixMillis => Some(time.micros().div_euclid(1_000)),
        TimeForm::UnixMicros => Some(time.micros()),
        TimeForm::Seconds | TimeForm::Millis | TimeForm::Micros | TimeForm::MicrosOffset => None,
    };
    if let Some(count) = unix {
        out.push_str(itoa::Buffer::new().format(count));
        return true;
    }
    // RFC 3339 has four digits for the year.
    let Some(at) = time.civil().filter(|at| (0..=9999).contains(&at.year)) else { return false };
    out.push('"');
    json::write_padded(at.year.unsigned_abs().into(), 4, out);
    for (mark, part) in [('-', at.month), ('-', at.day), ('T', at.hour), (':', at.minute), (':', at.second)] {
        out.push(mark);
        json::write_padded(part.into(), 2, out);
    }
    match form {
        TimeForm::Millis => {
            out.push('.');
            json::write_padded(at.microsecond / 1_000, 3, out);
        }
        TimeForm::Micros | TimeForm::MicrosOffset => {
            out.push('.');
            json::write_padded(at.microsecond, 6, out);
        }
        TimeForm::Seconds | TimeForm::UnixSeconds | TimeForm::UnixMillis | TimeForm::UnixMicros => {}
    }
    out.push_str(if form == TimeForm::MicrosOffset { "+00:00\"" } else { "Z\"" });
    true
}

/// Above one MiB in MiB, else in KiB, two digits, ties to even as in the language of the documents' servers; nothing is
/// `0kb` (seen for messages without a file).
pub(super) fn human_size(bytes: i64) -> String {
    let (unit, name) = match bytes {
        ..=0 => return "0kb".to_owned(),
        1..=MIB => (1024, "KB"),
        _ => (MIB, "MB"),
    };
    let hundred = i128::from(bytes) * 100;
    let (quotient, rest) = (hundred / i128::from(unit), hundred % i128::from(unit));
    let tie = i128::from(unit) / 2;
    let rounded = quotient + i128::from(rest > tie || (rest == tie && quotient % 2 == 1));
    let mut text = String::with_capacity(12);
    text.push_str(itoa::Buffer::new().format(rounded / 100));
    text.push('.');
    json::write_padded(u32::try_from(rounded % 100).unwrap_or(0), 2, &mut text);
    text.push_str(name);
    text
}

const MIB: i64 = 1_048_576;

/// The middle of what such a text stands for, in bytes.
fn parse_human_size(text: &str) -> Option<i64> {
    let letters = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(letters);
    let factor: i64 = match unit {
        "B" | "b" => 1,
        "KB" | "kb" | "Kb" | "kB" => 1024,
        "MB" | "mb" | "Mb" | "mB" => MIB,
        "GB" | "gb" | "Gb" | "gB" => 1 << 30,
        _ => return None,
    };
    let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), "0"));
    let is_digits = |text: &str| !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let parts = whole.parse::<i128>().ok()? * scale + fraction.parse::<i128>().ok()?;
    i64::try_from((parts * i128::from(factor) + scale / 2) / scale).ok()
}

/// The largest whole unit that has passed.
fn time_ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = (now.micros() - then.micros()).max(0) / 1_000_000;
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}
