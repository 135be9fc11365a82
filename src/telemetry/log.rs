//! The log. In: which lines are wanted, and in which form. Out: lines on standard error; another choice while it runs.

use std::io::IsTerminal;

use tracing_subscriber::filter::Directive;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

use super::line::{Json, Text};

/// The target of the line that is written of each request and socket.
const ACCESS: &str = "dragoman::access";

const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];

/// What is written, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// A level, or levels by target, as in `info,dragoman::upstream=debug`. Lines that are more talkative are not written.
    pub level: String,
    pub format: Format,
    /// Whether there is a line of each request and socket; absent: as `level` says.
    pub access: Option<bool>,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text where somebody looks on, JSON where nobody does.
    Auto,
    Text,
    Json,
}

/// Levels that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum BadLevel {
    #[error(
        "`{0}` is no level; wanted off, error, warn, info, debug or trace, or levels by target, as in `hyper=warn`"
    )]
    Word(String),
    #[error("{0}")]
    Directive(String),
}

/// Whether this can be [`LogSettings::level`].
pub fn is_level(text: &str) -> Result<(), BadLevel> {
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        // What looks like a slip of a level would be taken for a target of which everything is wanted.
        if !part.contains(['=', '[', ':']) && !LEVELS.contains(&part.to_ascii_lowercase().as_str()) {
            return Err(BadLevel::Word(part.to_owned()));
        }
        part.parse::<Directive>().map_err(|error| BadLevel::Directive(format!("`{part}`: {error}")))?;
    }
    Ok(())
}

impl LogSettings {
    fn filter(&self) -> EnvFilter {
        let filter = EnvFilter::try_new(&self.level).unwrap_or_else(|_| EnvFilter::new("info"));
        let wanted = match self.access {
            Some(true) => "info",
            None if self.level.contains(ACCESS) => return filter,
            Some(false) | None => "off",
        };
        match format!("{ACCESS}={wanted}").parse() {
            Ok(directive) => filter.add_directive(directive),
            Err(_) => filter,
        }
    }
}

/// The log of this process, once it has begun.
pub struct Log {
    filter: Option<reload::Handle<EnvFilter, Registry>>,
}

impl Log {
    /// Begins. A subscriber that is there already stands, and then nothing can be changed. `colour`: whether it is welcome
    /// on a terminal.
    pub fn begin(settings: &LogSettings, colour: bool) -> Self {
        let (filter, handle) = reload::Layer::new(settings.filter());
        let terminal = std::io::stderr().is_terminal();
        let registry = tracing_subscriber::registry().with(filter);
        let lines = fmt::layer().with_writer(std::io::stderr);
        let is_json = match settings.format {
            Format::Auto => !terminal,
            Format::Text => false,
            Format::Json => true,
        };
        let began = match is_json {
            true => registry.with(lines.event_format(Json)).try_init(),
            false => registry.with(lines.event_format(Text::new(terminal && colour))).try_init(),
        };
        Log { filter: began.is_ok().then_some(handle) }
    }

    /// Writes from now on what these settings want; the form stays.
    pub fn change(&self, settings: &LogSettings) {
        if let Some(handle) = &self.filter
            && let Err(error) = handle.reload(settings.filter())
        {
            tracing::warn!(%error, "the level of the log stays as it was");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_a_level_are_found() {
        for good in ["info", "WARN", "info,hyper=warn", "dragoman::upstream=debug, off", "dragoman::access", ""] {
            assert!(is_level(good).is_ok(), "{good}");
        }
        for (bad, words) in
            [("inof", "`inof` is no level"), ("info,hyper", "`hyper` is no level"), ("a=b=c", "`a=b=c`")]
        {
            let error = is_level(bad).expect_err(bad).to_string();
            assert!(error.contains(words), "{bad}: {error}");
        }
    }

    #[test]
    fn lines_of_requests_are_asked_for() {
        for (level, access, expected) in [
            ("trace", None, "dragoman::access=off"),
            ("trace", Some(false), "dragoman::access=off"),
            ("warn", Some(true), "dragoman::access=info"),
            ("info,dragoman::access=info", None, "dragoman::access=info"),
            ("info,dragoman::access=info", Some(false), "dragoman::access=off"),
        ] {
            let filter = LogSettings { level: level.to_owned(), format: Format::Json, access }.filter().to_string();
            assert!(filter.contains(expected), "{level} {access:?}: {filter}");
        }
    }
}
