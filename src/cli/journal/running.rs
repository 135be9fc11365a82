//! Asking a gateway that runs. In: its admin address. Out: where it wrote a backup.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Failure;
use crate::secret::Secret;

/// To connect. The copy itself takes as long as it takes.
const CONNECT: Duration = Duration::from_secs(5);

/// Bytes of an answer.
const ANSWER: usize = 64 << 10;

#[derive(serde::Deserialize)]
struct Answer {
    path: Option<PathBuf>,
    error: Option<String>,
}

pub fn back_up(admin: SocketAddr, token: Option<&Secret>) -> Result<PathBuf, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(ask(admin, token)).map_err(|why| format!("the gateway at {admin} made no backup: {why}"))
}

async fn ask(admin: SocketAddr, token: Option<&Secret>) -> Result<PathBuf, Failure> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(admin)).await;
    let stream = connecting.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let mut request = http::Request::post("/api/journal/backup").header("host", admin.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", token.expose()));
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| failed(&error))?;
    let answering = async move {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        Limited::new(response.into_body(), ANSWER).collect().await.map_err(|error| failed(&error))
    };
    tokio::pin!(connection);
    tokio::pin!(answering);
    let body = tokio::select! {
        body = answering.as_mut() => body?,
        // The connection is done when its answer is: the rest of that is read from what it brought.
        _ = connection.as_mut() => answering.await?,
    };
    let answer: Answer = serde_json::from_slice(&body.to_bytes()).map_err(|error| failed(&error))?;
    match answer {
        Answer { path: Some(path), .. } => Ok(path),
        Answer { error, .. } => Err(error.unwrap_or_else(|| "it did not say why".to_owned())),
    }
}
