//! One call outwards. In: an address, headers, a body. Out: the status, or why there is none; always within the deadline.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Connecting, sending and the answer together.
const DEADLINE: Duration = Duration::from_secs(10);

/// What is read of an answer, in bytes; only its status counts.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Why there is no status. Never holds a header or the body.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("no answer within {} s", DEADLINE.as_secs())]
    TooSlow,
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(hyper::Error),
    #[error("the address or a header cannot be sent")]
    Unsendable,
}

/// POSTs JSON over a connection of its own. Redirects are not followed: the address is the operator's word.
pub(super) async fn post(address: &Uri, headers: &HeaderMap, json: String) -> Result<StatusCode, PostError> {
    match tokio::time::timeout(DEADLINE, exchange(address, headers, json)).await {
        Ok(answered) => answered,
        Err(_) => Err(PostError::TooSlow),
    }
}

async fn exchange(address: &Uri, headers: &HeaderMap, json: String) -> Result<StatusCode, PostError> {
    let host = address.host().ok_or(PostError::Unsendable)?;
    let authority = address.authority().ok_or(PostError::Unsendable)?;
    let path = address.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::post(path)
        .header(http::header::HOST, authority.as_str())
        .header(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .body(Full::new(Bytes::from(json)))
        .map_err(|_| PostError::Unsendable)?;
    request.headers_mut().extend(headers.clone());

    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, address.port_u16().unwrap_or(80))).await.map_err(PostError::Connect)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(PostError::Broken)?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        // The rest of the answer is read so that the other side sees its call end, and thrown away.
        let _ = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        Ok(status)
        // The sender is dropped here, which ends the connection beside.
    };
    let (status, _) = tokio::join!(exchange, connection);
    status.map_err(PostError::Broken)
}
