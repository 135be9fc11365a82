//! Records as an operator reads them, or as JSON. In: records. Out: lines, and whether anything is wrong.

use std::time::{Duration, Instant};

use super::super::Console;
use crate::media::lifecycle::{Action, Found, Record, Summary};

/// Between two words about how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// Where records are shown.
pub(super) struct Shown<'a> {
    console: &'a mut Console,
    json: bool,
    said: Instant,
    is_fine: bool,
    /// Whether the last line came.
    is_over: bool,
}

impl<'a> Shown<'a> {
    pub fn new(console: &'a mut Console, json: bool) -> Self {
        Shown { console, json, said: Instant::now(), is_fine: true, is_over: false }
    }

    /// Whether all was told, and nothing is wrong.
    pub fn is_fine(&self) -> bool {
        self.is_fine && self.is_over
    }

    pub fn show(&mut self, record: &Record) {
        match record {
            Record::Progress(summary) => {
                if self.said.elapsed() >= PROGRESS {
                    self.said = Instant::now();
                    self.console.talk(&format_args!("{} so far\n", words(summary)));
                }
                return;
            }
            Record::Failed { detail } => {
                self.is_fine = false;
                self.console.error(detail);
                return;
            }
            Record::Summary(summary) => {
                self.is_over = true;
                self.is_fine &= summary.problems == 0;
                self.console.talk(&format_args!("{}\n", words(summary)));
                return;
            }
            Record::Upload(_) | Record::Removal { .. } | Record::Problem { .. } => {}
        }
        if self.json {
            // Plain data; what cannot be written does not exist.
            let line = serde_json::to_string(record).unwrap_or_default();
            self.console.data(&format_args!("{line}\n"));
            return;
        }
        self.console.data(&format_args!("{}\n", line(record)));
    }
}

fn line(record: &Record) -> String {
    match record {
        Record::Upload(found) => upload(found),
        Record::Removal { action, reason, store, key, size, detail } => {
            let done = match action {
                Action::WouldRemove => "would remove",
                Action::Removed => "removed",
                Action::Failed => "could not remove",
            };
            let size = size.map(|size| format!(", {size} bytes")).unwrap_or_default();
            let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            format!("{done} {store} {key:?} ({reason}{size}){detail}")
        }
        Record::Problem { problem, store, key, detail } => {
            let problem = serde_json::to_value(problem).ok();
            let problem = problem.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            format!("{problem} {store} {key:?}: {detail}")
        }
        Record::Progress(_) | Record::Summary(_) | Record::Failed { .. } => String::new(),
    }
}

/// Names of files are quoted: they are what clients made them.
fn upload(found: &Found) -> String {
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{}  {:?}  {} bytes  {}  {}  conversation {}  {}",
        found.stores.join("+"),
        found.key,
        found.size,
        age(found.age_seconds),
        if found.named { "named" } else { "unused" },
        dash(&found.conversation),
        dash(&found.handle),
    )
}

/// `90s`, `15m`, `7h`, `12d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn words(summary: &Summary) -> String {
    let Summary { uploads, bytes, objects, removals, problems } = summary;
    let mut words = format!("{uploads} uploads");
    for (count, of) in [(bytes, "bytes"), (objects, "files in stores"), (removals, "removals"), (problems, "problems")]
    {
        if *count > 0 {
            words += &format!(", {count} {of}");
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_short() {
        for (seconds, expected) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (7_199, "119m"),
            (7_200, "2h"),
            (172_800, "2d"),
            (9_000_000, "104d"),
        ] {
            assert_eq!(age(seconds), expected);
        }
    }

    #[test]
    fn names_cannot_pretend_to_be_lines() {
        let found = Record::Removal {
            action: Action::WouldRemove,
            reason: "age".to_owned(),
            store: "local".to_owned(),
            key: "chat/a\u{1b}[31m\nb\u{202e}.png".to_owned(),
            size: Some(5),
            detail: None,
        };
        assert_eq!(line(&found), "would remove local \"chat/a\\u{1b}[31m\\nb\\u{202e}.png\" (age, 5 bytes)");
    }
}
