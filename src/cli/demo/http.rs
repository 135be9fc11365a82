//! One HTTP call as any client would make it. In: an address, a path, headers, a body. Out: the status and the body.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::failure::Failure;
use super::script::File;

/// The longest answer that the demo reads, in bytes.
const LONGEST_ANSWER: usize = 1 << 20;

/// Between the parts of a form; occurs in no file of the script.
const BOUNDARY: &str = "demo-boundary-5c1f0a";

pub struct Answer {
    pub status: StatusCode,
    pub text: String,
}

/// POSTs over a connection of its own.
pub async fn post(
    address: SocketAddr,
    path: &str,
    headers: &[(String, String)],
    content: (String, Bytes),
) -> Result<Answer, Failure> {
    let (content_type, body) = content;
    let mut request = Request::post(path).header("host", address.to_string()).header("content-type", content_type);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).map_err(Failure::other)?;

    let stream = TcpStream::connect(address).await.map_err(Failure::other)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Failure::other)?;
    let exchange = async move {
        let response = sender.send_request(request).await.map_err(Failure::other)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(Failure::other)?.to_bytes();
        Ok(Answer { status: head.status, text: String::from_utf8_lossy(&body).into_owned() })
        // The sender is dropped here, which ends the connection beside.
    };
    let (answer, _) = tokio::join!(exchange, connection);
    answer
}

/// A `multipart/form-data` body as `curl -F` writes it: the fields, then the file.
pub fn form(fields: &[(String, String)], file_field: &str, file: &File) -> (String, Bytes) {
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{file_field}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
        file.name, file.mime
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&file.content());
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={BOUNDARY}"), Bytes::from(body))
}
