//! One look at where keys are. In: an address or a file. Out: the keys, and how long they are good by the answer's own word;
//! or why not. Bounded in bytes and time; an address is asked there and nowhere else.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, USER_AGENT};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::TokioExecutor;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::tls;

use super::document::{self, BadKeys, Key};
use super::settings::Source;

/// Connecting, TLS and the answer together.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of a document: a hundred keys with their certificates.
const LARGEST: usize = 256 * 1024;

/// What was found.
#[derive(Debug)]
pub struct Fetched {
    pub keys: Vec<Key>,
    /// Of the document they stand in.
    pub digest: [u8; 32],
    /// `max-age` of the answer.
    pub max_age: Option<Duration>,
}

/// Why there are no keys. Never holds what was answered, or what follows the host of the address.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("no connection, or it broke: {0}")]
    Broken(String),
    #[error("it answers {0}{more}", more = if .0.is_redirection() { ", and redirects are not followed" } else { "" })]
    Status(StatusCode),
    #[error("it is larger than {} KiB, or broke off", LARGEST / 1024)]
    TooLarge,
    #[error("the file cannot be read: {0}")]
    File(std::io::ErrorKind),
    #[error(transparent)]
    Keys(#[from] BadKeys),
}

impl FetchError {
    /// The label of metrics.
    pub fn outcome(&self) -> &'static str {
        match self {
            FetchError::TooSlow | FetchError::Broken(_) | FetchError::File(_) => "unreachable",
            FetchError::Status(_) => "status",
            FetchError::TooLarge | FetchError::Keys(_) => "invalid",
        }
    }
}

/// Looks once.
pub async fn fetch(source: &Source) -> Result<Fetched, FetchError> {
    let looked = timeout(DEADLINE, async {
        match source {
            Source::File(path) => {
                let path = path.clone();
                // Only a panic ends it otherwise.
                spawn_blocking(move || read_file(&path)).await.unwrap_or(Err(FetchError::TooSlow))
            }
            Source::Url(_) => {
                let uri = source.uri().ok_or_else(|| FetchError::Broken("the address is none".to_owned()))?;
                from(uri).await
            }
        }
    });
    looked.await.unwrap_or(Err(FetchError::TooSlow))
}

/// Reads the keys of a file.
pub fn read_file(path: &Path) -> Result<Fetched, FetchError> {
    let unread = |error: std::io::Error| FetchError::File(error.kind());
    let mut document = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(LARGEST as u64 + 1).read_to_end(&mut document).map_err(unread)?;
    if document.len() > LARGEST {
        return Err(FetchError::TooLarge);
    }
    found(&document, None)
}

async fn from(uri: Uri) -> Result<Fetched, FetchError> {
    // Once in some minutes: nothing is kept open for the next time.
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .http1_max_buf_size(64 * 1024)
        .build(tls::connector(DEADLINE));
    let request = Request::get(uri)
        .header(ACCEPT, "application/jwk-set+json, application/json")
        .header(USER_AGENT, concat!("dragoman/", env!("CARGO_PKG_VERSION")))
        .body(Empty::new())
        .map_err(|_| FetchError::Broken("the address cannot be asked".to_owned()))?;
    let response = client.request(request).await.map_err(|error| FetchError::Broken(cause(&error)))?;
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(FetchError::Status(head.status));
    }
    let document = Limited::new(body, LARGEST).collect().await.map_err(|_| FetchError::TooLarge)?.to_bytes();
    found(&document, max_age(&head.headers))
}

fn found(document: &[u8], max_age: Option<Duration>) -> Result<Fetched, FetchError> {
    Ok(Fetched { keys: document::read(document)?, digest: Sha256::digest(document).into(), max_age })
}

/// What is at the bottom of it: the client's own words say only at which step it was.
fn cause(error: &ClientError) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// `Cache-Control: max-age` (RFC 9111 §5.2.2.1); `no-store` and `no-cache` are an age of nothing.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut shortest: Option<Duration> = None;
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let name = name.trim();
        let age = if name.eq_ignore_ascii_case("max-age") {
            value.trim().trim_matches('"').parse().ok().map(Duration::from_secs)
        } else if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            Some(Duration::ZERO)
        } else {
            None
        };
        shortest = match (shortest, age) {
            (Some(known), Some(age)) => Some(known.min(age)),
            (known, age) => known.or(age),
        };
    }
    shortest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_an_answer_is_good() {
        let age = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| _ = headers.append(CACHE_CONTROL, value.parse().unwrap()));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age(&["public, max-age=600, must-revalidate"]), Some(600));
        assert_eq!(age(&["MAX-AGE=\"60\""]), Some(60));
        assert_eq!(age(&["max-age=600", "no-cache"]), Some(0));
        assert_eq!(age(&["max-age=soon"]), None);
        assert_eq!(age(&["private"]), None);
        assert_eq!(age(&[]), None);
    }
}
