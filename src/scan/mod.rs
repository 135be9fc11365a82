//! Asking somebody else whether a file is harmful. In: the bytes of a file. Out: a verdict, within a bounded time and by a
//! bounded number of questions at once; or that there is none.

mod command;
mod icap;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::metrics;

/// How a file is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScannerSettings {
    pub asks: Asks,
    /// For one file altogether, waiting for a place included; 1 s to 1 h.
    pub timeout: Duration,
    /// Files at a time; others wait.
    pub at_once: usize,
    pub on_failure: OnFailure,
    /// The store of the config that infected files are moved to; absent: they are removed.
    pub quarantine: Option<String>,
}

/// Who is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A program that reads the file from its standard input: 0 is clean, 1 is infected, anything else no verdict.
    Command { argv: Vec<String> },
    /// A server of RFC 3507, by RESPMOD.
    Icap(IcapService),
}

/// `icap://host:port/service`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IcapService {
    /// Host and port.
    pub authority: String,
    /// With a slash at its beginning.
    pub path: String,
}

/// What becomes of a file without a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    #[default]
    Refuse,
    Accept,
}

/// What is known of a file beside its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Safe in a path.
    pub name: &'a str,
    pub mime: &'a str,
    /// In bytes.
    pub size: u64,
}

/// The bytes of a file.
pub type Chunks = BoxStream<'static, std::io::Result<Bytes>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// With what was found, where the scanner says it.
    Infected(String),
}

/// Why there is no verdict; for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoVerdict(String);

/// A scanner and its places.
pub struct Scanner {
    name: Arc<str>,
    settings: ScannerSettings,
    places: Semaphore,
}

impl Scanner {
    pub fn new(name: impl Into<Arc<str>>, settings: ScannerSettings) -> Self {
        let (name, places) = (name.into(), Semaphore::new(settings.at_once));
        metrics::know_scanner(&name);
        Scanner { name, settings, places }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn settings(&self) -> &ScannerSettings {
        &self.settings
    }

    /// Asks for a verdict. Dropping the future ends the question.
    pub async fn judge(&self, subject: &Subject<'_>, chunks: Chunks) -> Result<Verdict, NoVerdict> {
        let judging = async {
            // The places are never closed.
            let _place = self.places.acquire().await.map_err(|error| NoVerdict(error.to_string()))?;
            match &self.settings.asks {
                Asks::Command { argv } => command::judge(argv, chunks).await,
                Asks::Icap(service) => icap::judge(service, subject, chunks).await,
            }
        };
        let late = || NoVerdict(format!("no verdict within {} s", self.settings.timeout.as_secs()));
        let judged = timeout(self.settings.timeout, judging).await.unwrap_or_else(|_| Err(late()));
        let outcome = match &judged {
            Ok(Verdict::Clean) => "clean",
            Ok(Verdict::Infected(_)) => "infected",
            Err(_) => "failed",
        };
        metrics::count_scan(&self.name, outcome);
        judged
    }
}

/// What a scanner says, short enough for a log and without what could break a line.
fn said(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
