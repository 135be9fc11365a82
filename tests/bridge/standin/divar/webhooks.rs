//! Events on their way to the app: one POST each, tried again while the app is away. In: where to, the key, the event. Out:
//! the status that it was answered with.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::super::PATIENCE;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// Delivers an event or fails the test. The app may be away for a while; what it refuses (4xx but 408 and 429) is refused.
pub async fn deliver(url: &str, key: &str, event: &Value) {
    let tries = async {
        loop {
            match post(url, key, event).await {
                Ok(status) if (200..300).contains(&status) => return,
                Ok(status) if (400..500).contains(&status) && status != 408 && status != 429 => {
                    panic!("the event was refused with {status}: {event}")
                }
                // The pause is the platform's own: it asks again, nothing waits here for anything else.
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, tries).await.unwrap_or_else(|_| panic!("nobody takes events at {url:?}: {event}"));
}

/// One try. The key is the whole header, without a scheme.
pub async fn post(url: &str, key: &str, event: &Value) -> Result<u16, String> {
    let url: http::Uri = url.parse().map_err(|error| format!("{url:?} is no URL: {error}"))?;
    let host = url.authority().ok_or("a URL without a host")?.as_str();
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let stream = TcpStream::connect(host).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let request = hyper::Request::post(path)
        .header("host", host)
        .header("authorization", key)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(event.to_string())))
        .map_err(|error| error.to_string())?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        Ok(answer.status().as_u16())
    };
    // The connection ends with the answer.
    tokio::select! {
        answer = answer => answer,
        broken = connection => Err(format!("the connection ended first: {broken:?}")),
    }
}
