//! Asking a gateway that runs for a backup. In: its admin listener. Out: where it wrote one.

use std::path::PathBuf;

use http::Method;
use http_body_util::{BodyExt, Limited};

use super::Failure;
use crate::cli::admin::{Admin, words};

/// Bytes of an answer.
const ANSWER: usize = 64 << 10;

#[derive(serde::Deserialize)]
struct Answer {
    path: Option<PathBuf>,
    error: Option<String>,
}

pub fn back_up(admin: &Admin) -> Result<PathBuf, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(words)?;
    let asking = admin.ask(Method::POST, "/api/journal/backup", Vec::new(), async |response| {
        let body = Limited::new(response.into_body(), ANSWER).collect().await.map_err(words)?;
        match serde_json::from_slice(&body.to_bytes()).map_err(words)? {
            Answer { path: Some(path), .. } => Ok(path),
            Answer { error, .. } => Err(error.unwrap_or_else(|| "it did not say why".to_owned())),
        }
    });
    runtime.block_on(asking).map_err(|why| format!("the gateway at {} made no backup: {why}", admin.address()))
}
