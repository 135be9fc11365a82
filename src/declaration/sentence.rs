//! What an editor shows of a key. In: its declaration. Out: its sentence, its bounds, the words that are known and the kinds
//! of table that it belongs to.

use std::time::Duration;

use super::{Key, Kind};

/// The sentence about a key, and what a schema cannot say otherwise.
pub(super) fn about(key: &Key) -> String {
    let mut about = key.about.to_owned();
    match key.kind {
        Kind::Duration(from, to) => about += &format!(" From {} to {}.", shown(from), shown(to)),
        Kind::Size(from, to) if to < u64::MAX => about += &format!(" From {} to {}.", shown_size(from), shown_size(to)),
        _ => {}
    }
    // What fits none of several is shown without what would: here it is.
    if let Some(words) = key.kind.words().filter(|words| words.name.is_none()) {
        let words: Vec<String> = (words.known)().into_iter().map(|word| format!("`{word}`")).collect();
        about += &format!(" Known: {}.", words.join(", "));
    }
    if !key.only.is_empty() {
        let kinds: Vec<String> = key.only.iter().map(|kind| format!("`kind = \"{kind}\"`")).collect();
        about += &format!(" With {}.", kinds.join(" or "));
    }
    about
}

fn shown(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.into_iter().find(|(_, unit)| millis >= *unit && millis.is_multiple_of(*unit));
    match unit {
        Some((name, unit)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0s".to_owned(),
        None => format!("{millis}ms"),
    }
}

fn shown_size(bytes: u64) -> String {
    let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let unit = units.into_iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{bytes}B"), |(name, unit)| format!("{}{name}", bytes / unit))
}
