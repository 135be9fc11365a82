//! What operators and their machines ask: is it alive, is it ready, what does it count, take the config anew. In:
//! connections on the admin listener. Out: `/console`, `/healthz`, `/readyz`, `/metrics`, `POST /api/reload`,
//! `POST /api/journal/backup`, `POST /api/tokens/list|revoke|restore`, `POST /api/uploads/list|gc|verify`.

mod access;
mod console;
mod listen;
mod readiness;
mod tokens;
mod uploads;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, ORIGIN, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::auth::Revocations;
use crate::edge::{ClientCertificate, Entrance, Secured};
use crate::journal::Journal;
use crate::media::lifecycle::Current;
use crate::metrics;
use crate::tasks::Tasks;

pub use access::{Access, Certificates, Door, SHORTEST_TOKEN};
pub use console::{ConsoleAccess, Desk, Set};
pub use readiness::{Part, Parts};

/// Asks for the config to be taken anew; the answer says what was wrong with it.
pub type Reload = mpsc::Sender<oneshot::Sender<Result<(), String>>>;

/// What the answers come from.
#[derive(Clone)]
pub struct Site {
    pub parts: Arc<dyn Parts>,
    pub journal: Arc<dyn Journal>,
    pub revocations: Arc<Revocations>,
    pub uploads: Current,
    pub desk: Desk,
    pub tasks: Tasks,
    /// Absent: the config is not taken anew.
    pub reload: Option<Reload>,
    pub door: Door,
}

/// The body of every answer.
type Answer = UnsyncBoxBody<Bytes, Infallible>;

/// Answers on this address until the tasks are told to stop; while they stop, readiness says so. Over TLS, where that is
/// given.
pub async fn serve(listener: TcpListener, tls: Option<Arc<Secured>>, site: Site) {
    let (places, newcomers) = listen::PLACES;
    listen::listen(Entrance::new("admin", listener, tls, places, newcomers), site).await;
}

async fn answer(request: Request<Incoming>, site: &Site, shown: Option<&ClientCertificate>) -> Response<Answer> {
    let path = request.uri().path().to_owned();
    let admitted = match site.door.access().judge(&path, request.headers(), shown) {
        Ok(admitted) => admitted,
        Err((status, words)) => return not_admitted(status, words),
    };
    if path == "/console" || path.starts_with("/console/") {
        return console::answer(request, site, admitted).await;
    }
    if path.starts_with("/api/") {
        tracing::info!(path, by = %admitted, "asked by an operator");
    }
    let wanted = if path.starts_with("/api/") { [Method::POST, Method::POST] } else { [Method::GET, Method::HEAD] };
    if !wanted.contains(request.method()) {
        let words = format!("{path} is for {}", wanted[0]);
        return json(StatusCode::METHOD_NOT_ALLOWED, &serde_json::json!({ "error": words }));
    }
    match path.as_str() {
        "/healthz" => json(StatusCode::OK, &serde_json::json!({ "status": "alive" })),
        "/readyz" => readiness::readiness(site).await,
        // Not for pages: a browser says where a request comes from.
        path if path.starts_with("/api/") && request.headers().contains_key(ORIGIN) => {
            json(StatusCode::FORBIDDEN, &serde_json::json!({ "error": "not from a page" }))
        }
        "/api/reload" => reload(site).await,
        "/api/journal/backup" => back_up(site).await,
        "/api/tokens/list" => tokens::list(site),
        "/api/tokens/revoke" => tokens::revoke(request, site).await,
        "/api/tokens/restore" => tokens::restore(request, site).await,
        "/api/uploads/list" => uploads::list(request, site).await,
        "/api/uploads/gc" => uploads::collect(request, site).await,
        "/api/uploads/verify" => uploads::verify(request, site).await,
        "/metrics" => {
            let mut response = Response::new(Full::from(metrics::render()).boxed_unsync());
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        _ => json(
            StatusCode::NOT_FOUND,
            &serde_json::json!({ "error": "try /console, /healthz, /readyz, /metrics, POST /api/reload, /api/journal/backup, /api/tokens/list or /api/uploads/list" }),
        ),
    }
}

fn not_admitted(status: StatusCode, words: &str) -> Response<Answer> {
    let mut response = json(status, &serde_json::json!({ "error": words }));
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"dragoman\""));
    }
    response
}

/// Writes a backup beside the journal. Who asks names no file and is sent none: whoever may read that folder fetches it.
async fn back_up(site: &Site) -> Response<Answer> {
    match site.journal.back_up().await {
        Ok(path) => json(StatusCode::OK, &serde_json::json!({ "status": "written", "path": path })),
        Err(error) => {
            tracing::warn!(%error, "no backup was made");
            json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "error": error.to_string() }))
        }
    }
}

/// Takes the config anew and says what came of it.
async fn reload(site: &Site) -> Response<Answer> {
    let (reply, outcome) = oneshot::channel();
    let asked = match &site.reload {
        Some(reload) => reload.try_send(reply).is_ok(),
        None => false,
    };
    match outcome.await {
        Ok(Ok(())) => json(StatusCode::OK, &serde_json::json!({ "status": "taken" })),
        Ok(Err(problems)) => json(StatusCode::UNPROCESSABLE_ENTITY, &serde_json::json!({ "error": problems })),
        Err(_) if asked => json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "error": "stopping" })),
        Err(_) => json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "error": "not now; ask again" })),
    }
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Answer> {
    let mut response = Response::new(Full::from(body.to_string()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
