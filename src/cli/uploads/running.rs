//! Asking a gateway that runs. In: its admin address, what is wanted. Out: the records that it tells, as they come.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Failure;
use super::shown::Shown;
use crate::secret::Secret;

/// To connect.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two pieces: one file of a verification may be large.
const IDLE: Duration = Duration::from_secs(600);
/// Bytes of a record.
const LONGEST: usize = 64 * 1024;

pub(super) async fn ask(
    admin: SocketAddr,
    token: Option<&Secret>,
    path: &str,
    wanted: Vec<u8>,
    shown: &mut Shown<'_>,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(admin)).await;
    let stream = connecting.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let mut request = http::Request::post(path).header("host", admin.to_string());
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", token.expose()));
    }
    let request = request.body(Full::new(Bytes::from(wanted))).map_err(|error| failed(&error))?;
    let answering = async move {
        let response = sender.send_request(request).await.map_err(|error| failed(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("it answers {status}"));
        }
        let mut body = response.into_body();
        let mut lines = BytesMut::new();
        loop {
            let frame = tokio::time::timeout(IDLE, body.frame()).await.map_err(|error| failed(&error))?;
            let Some(frame) = frame else { return Ok(()) };
            let Ok(data) = frame.map_err(|error| failed(&error))?.into_data() else { continue };
            lines.extend_from_slice(&data);
            while let Some(end) = lines.iter().position(|byte| *byte == b'\n') {
                let line = lines.split_to(end + 1);
                shown.show(&serde_json::from_slice(&line).map_err(|error| failed(&error))?);
            }
            if lines.len() > LONGEST {
                return Err("it tells a record that has no end".to_owned());
            }
        }
    };
    tokio::pin!(connection);
    tokio::pin!(answering);
    tokio::select! {
        done = answering.as_mut() => done,
        // The connection is done when its answer is: the rest of that is read from what it brought.
        _ = connection.as_mut() => answering.await,
    }
}
