//! Values with a unit: sizes, durations, rates. In: what was written, `10MiB`, `30s`, `20/s`. Out: typed values, or words
//! that name the unit which is missing or unknown.

use std::num::NonZeroU32;
use std::time::Duration;

/// So many per second, minute or hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: NonZeroU32,
    pub per: Duration,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.per.as_secs() {
            60 => "m",
            3600 => "h",
            _ => "s",
        };
        write!(formatter, "{}/{unit}", self.count)
    }
}

const SIZES: &[(&str, f64)] = &[
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
];

const TIMES: &[(&str, f64)] = &[("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];

/// Bytes.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let bytes = scaled(text, SIZES, "a size", "10MiB")?;
    // 2^53: beyond it a double loses bytes, and no setting of ours is near it.
    if bytes <= 9_007_199_254_740_992.0 { Ok(bytes as u64) } else { Err("this size is too large".to_owned()) }
}

/// A duration with its unit, as in `30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let seconds = scaled(text, TIMES, "a duration", "30s")?;
    Duration::try_from_secs_f64(seconds).map_err(|_| "this duration is too long".to_owned())
}

/// A bound in words: `100 ms`, `30 s`.
pub(super) fn shown(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{} s", duration.as_secs()),
        _ => format!("{} ms", duration.as_millis()),
    }
}

pub(super) fn rate(text: &str) -> Result<Rate, String> {
    const FORM: &str = "a rate is a whole number per `/s`, `/m` or `/h`, as in `20/s`";
    let (count, unit) = text.split_once('/').ok_or_else(|| format!("{FORM}; the unit is missing"))?;
    let per = match unit.trim() {
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return Err(format!("{FORM}; this unit is not known")),
    };
    match count.trim().parse::<NonZeroU32>() {
        Ok(count) => Ok(Rate { count, per }),
        Err(_) => Err(format!("{FORM}, and at least 1")),
    }
}

fn scaled(text: &str, units: &[(&str, f64)], what: &str, example: &str) -> Result<f64, String> {
    let text = text.trim();
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let known = || units.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let Ok(number) = number.parse::<f64>() else {
        return Err(format!("{what} starts with a number, as in `{example}`"));
    };
    match units.iter().find(|(name, _)| *name == unit.trim()) {
        Some((_, factor)) => Ok(number * factor),
        None if unit.trim().is_empty() => Err(format!("{what} needs a unit ({}), as in `{example}`", known())),
        None => Err(format!("`{}` is not a unit of {what} ({})", unit.trim(), known())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in
            [("0B", 0), ("64KiB", 65_536), ("10MiB", 10_485_760), ("1.5 MiB", 1_572_864), ("2MB", 2_000_000)]
        {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for (text, words) in [
            ("10", "needs a unit"),
            ("10mib", "`mib` is not a unit"),
            ("ten", "starts with a number"),
            ("-1B", "starts with a number"),
            ("1.2.3MiB", "starts with a number"),
            ("99999999GiB", "too large"),
        ] {
            assert!(size(text).is_err_and(|error| error.contains(words)), "{text}: {:?}", size(text));
        }
    }

    #[test]
    fn durations() {
        for (text, millis) in [("30s", 30_000), ("250ms", 250), ("10m", 600_000), ("1.5h", 5_400_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["30", "s", "30 seconds", "99999999999999999999d", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("20/s").map(|rate| rate.to_string()), Ok("20/s".to_owned()));
        assert_eq!(rate("5 / m").map(|rate| rate.per.as_secs()), Ok(60));
        for text in ["20", "0/s", "-1/s", "20/day", "1.5/s", "/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }
}
