//! The app that hears by webhooks: a server that answers each call with 200 and keeps what it was told. In: calls. Out: what
//! they said, in the order taken.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::record::Said;

/// The key that the gateway must show.
pub const KEY: &str = "key-of-the-events-7d1f0a52";

/// What the app was told so far.
#[derive(Clone)]
pub struct App {
    pub address: SocketAddr,
    told: Arc<Mutex<Vec<Said>>>,
    /// Calls that were not as they should be.
    complaints: Arc<Mutex<Vec<String>>>,
}

impl App {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let app = App { address, told: Arc::default(), complaints: Arc::default() };
        let serving = app.clone();
        #[allow(clippy::disallowed_methods, reason = "a task of the test")]
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let app = serving.clone();
                tokio::spawn(async move {
                    let service = hyper::service::service_fn(|request| app.clone().take(request));
                    // The gateway may be killed while it calls.
                    let connection = hyper::server::conn::http1::Builder::new();
                    let _ = connection.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        app
    }

    pub fn url(&self) -> String {
        format!("http://{}/events", self.address)
    }

    pub fn told(&self) -> Vec<Said> {
        self.told.lock().expect("whole").clone()
    }

    pub fn complaints(&self) -> Vec<String> {
        self.complaints.lock().expect("whole").clone()
    }

    async fn take(
        self,
        request: http::Request<hyper::body::Incoming>,
    ) -> Result<http::Response<Full<Bytes>>, Infallible> {
        let is_known = request.headers().get("authorization").is_some_and(|key| key == KEY);
        // A call that breaks off says nothing.
        let Ok(body) = request.into_body().collect().await else { return Ok(http::Response::default()) };
        let body: Value = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
        let text = body["new_message"]["text"].as_str().unwrap_or_default();
        match Said::parse(text) {
            Some(said) if is_known => self.told.lock().expect("whole").push(said),
            _ => self.complaints.lock().expect("whole").push(body.to_string()),
        }
        Ok(http::Response::default())
    }
}
