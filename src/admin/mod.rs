//! What operators and their machines ask: is it alive, is it ready, what does it count. In: connections on the admin
//! listener. Out: `/healthz`, `/readyz`, `/metrics`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::backend::Backend;
use crate::metrics;
use crate::tasks::Tasks;

/// Answers on this listener until the tasks are told to stop; while they stop, readiness says so.
pub async fn serve(listener: TcpListener, backend: Arc<dyn Backend>, tasks: Tasks) {
    let stop = tasks.stopping();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // No descriptors left, for instance: wait, do not spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (backend, tasks_of_connection, stop) = (Arc::clone(&backend), tasks.clone(), tasks.stopping());
        tasks.spawn(async move {
            let service = service_fn(move |request| {
                let (backend, tasks) = (Arc::clone(&backend), tasks_of_connection.clone());
                async move { Ok::<_, Infallible>(answer(&request, &*backend, &tasks).await) }
            });
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
            let serving = builder.serve_connection(TokioIo::new(stream), service);
            tokio::pin!(serving);
            tokio::select! {
                _ = serving.as_mut() => {}
                () = stop.cancelled() => {
                    serving.as_mut().graceful_shutdown();
                    let _ = serving.await;
                }
            }
        });
    }
}

async fn answer(request: &Request<Incoming>, backend: &dyn Backend, tasks: &Tasks) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return json(StatusCode::METHOD_NOT_ALLOWED, &serde_json::json!({ "error": "only GET" }));
    }
    match request.uri().path() {
        "/healthz" => json(StatusCode::OK, &serde_json::json!({ "status": "alive" })),
        "/readyz" => readiness(backend, tasks).await,
        "/metrics" => {
            let mut response = Response::new(Full::from(metrics::render()));
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(CONTENT_TYPE, kind);
            response
        }
        _ => json(StatusCode::NOT_FOUND, &serde_json::json!({ "error": "try /healthz, /readyz or /metrics" })),
    }
}

async fn readiness(backend: &dyn Backend, tasks: &Tasks) -> Response<Full<Bytes>> {
    if tasks.is_leaving() {
        return json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "status": "stopping" }));
    }
    match backend.healthy().await {
        Ok(()) => json(StatusCode::OK, &serde_json::json!({ "status": "ready", "hub": "ok" })),
        Err(fault) => {
            let detail = serde_json::json!({ "status": "not ready", "hub": fault.to_string() });
            json(StatusCode::SERVICE_UNAVAILABLE, &detail)
        }
    }
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
