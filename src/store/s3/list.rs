//! What a bucket lists: objects, and uploads that are not finished. In: where to begin. Out: a page, and where the next
//! one begins. Asked for by hand: the client crate fails on a whole page where one name is not what it calls a path, and
//! lists no uploads.

use std::time::SystemTime;

use http::{HeaderMap, Method};
use serde::Deserialize;

use super::super::{About, Mistake, StoreError};
use super::bucket::Bucket;
use crate::percent;

/// Entries of a page; no server gives more.
const PAGE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ObjectsAnswer {
    #[serde(default)]
    contents: Vec<Content>,
    next_continuation_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    key: String,
    last_modified: Option<String>,
    #[serde(rename = "ETag")]
    tag: Option<String>,
    #[serde(default)]
    size: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UploadsAnswer {
    #[serde(default)]
    upload: Vec<Unfinished>,
    #[serde(default)]
    is_truncated: bool,
    next_key_marker: Option<String>,
    next_upload_id_marker: Option<String>,
}

/// An upload that is not finished.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Unfinished {
    /// The object's name in the bucket.
    pub key: String,
    pub upload_id: String,
    initiated: Option<String>,
}

impl Unfinished {
    pub fn began(&self) -> Option<SystemTime> {
        self.initiated.as_deref().and_then(time)
    }
}

/// A page of objects: their names in the bucket, and where the next page begins.
pub(super) struct Page {
    pub objects: Vec<(String, About)>,
    pub next: Option<String>,
}

/// The objects whose names begin with `prefix`, after `after`; a page further where `page` says.
pub(super) async fn objects(
    bucket: &Bucket,
    prefix: &str,
    after: &str,
    page: Option<&str>,
) -> Result<Page, StoreError> {
    let mut query = vec![("list-type", "2"), ("prefix", prefix)];
    match page {
        Some(token) => query.push(("continuation-token", token)),
        None if after.is_empty() => {}
        None => query.push(("start-after", after)),
    }
    let answer: ObjectsAnswer = ask(bucket, &query).await?;
    let objects = answer.contents.into_iter().map(|content| {
        let tag = content.tag.map(|tag| tag.trim_matches('"').to_owned());
        let modified = content.last_modified.as_deref().and_then(time);
        (content.key, About { size: content.size, modified, tag })
    });
    Ok(Page { objects: objects.take(PAGE).collect(), next: answer.next_continuation_token })
}

/// The uploads below a prefix that are not finished, at most a page of them.
pub(super) async fn unfinished(
    bucket: &Bucket,
    prefix: &str,
    after: Option<(String, String)>,
) -> Result<(Vec<Unfinished>, Option<(String, String)>), StoreError> {
    let mut query = vec![("uploads", ""), ("prefix", prefix)];
    if let Some((key, id)) = &after {
        query.extend([("key-marker", key.as_str()), ("upload-id-marker", id.as_str())]);
    }
    let answer: UploadsAnswer = ask(bucket, &query).await?;
    let next = answer.is_truncated.then_some(answer.next_key_marker.zip(answer.next_upload_id_marker)).flatten();
    Ok((answer.upload, next))
}

async fn ask<T: for<'de> Deserialize<'de>>(bucket: &Bucket, query: &[(&str, &str)]) -> Result<T, StoreError> {
    // A slash in a query is signed as `%2F` and sent as it is signed.
    let encoded = |text: &str| percent::encode(text).replace('/', "%2F");
    let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let target = format!("/?{}", query.join("&"));
    let body = bucket.call(Method::GET, &target, &HeaderMap::new()).await?;
    let unclear = |detail: String| StoreError::Misconfigured { mistake: Mistake::Endpoint, detail };
    let text = std::str::from_utf8(&body).map_err(|error| unclear(error.to_string()))?;
    quick_xml::de::from_str(text).map_err(|error| unclear(error.to_string()))
}

/// `2026-11-21T12:00:00.000Z`
fn time(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}
