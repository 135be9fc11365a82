//! Asking a gateway that runs about its uploads. In: its admin listener, what is wanted. Out: the records that it tells, as
//! they come.

use std::time::Duration;

use bytes::BytesMut;
use http::{Method, Response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::Failure;
use super::shown::Shown;
use crate::cli::admin::{Admin, words};

/// Between two pieces: one file of a verification may be large.
const IDLE: Duration = Duration::from_secs(600);
/// Bytes of a record, and of a refusal.
const LONGEST: usize = 64 * 1024;

pub(super) async fn ask(admin: &Admin, path: &str, wanted: Vec<u8>, shown: &mut Shown<'_>) -> Result<(), Failure> {
    admin.ask(Method::POST, path, wanted, async |response| read(response, shown).await).await
}

async fn read(response: Response<Incoming>, shown: &mut Shown<'_>) -> Result<(), Failure> {
    if !response.status().is_success() {
        return Err(refusal(response).await);
    }
    let mut body = response.into_body();
    let mut lines = BytesMut::new();
    loop {
        let Some(frame) = timeout(IDLE, body.frame()).await.map_err(words)? else { return Ok(()) };
        let Ok(data) = frame.map_err(words)?.into_data() else { continue };
        lines.extend_from_slice(&data);
        while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
            let line = lines.split_to(end + 1);
            shown.show(&serde_json::from_slice(&line).map_err(words)?);
        }
        if lines.len() > LONGEST {
            return Err("it tells a record that has no end".to_owned());
        }
    }
}

/// The words of `{ "error": … }`.
async fn refusal(response: Response<Incoming>) -> Failure {
    let status = response.status();
    let body = Limited::new(response.into_body(), LONGEST).collect().await.map(|body| body.to_bytes());
    let said: Option<serde_json::Value> = body.ok().and_then(|body| serde_json::from_slice(&body).ok());
    match said.as_ref().and_then(|said| said["error"].as_str()) {
        Some(words) => format!("{words} ({status})"),
        None => format!("it answers {status}"),
    }
}
