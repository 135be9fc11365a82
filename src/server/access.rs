//! The line of the log that a request, or a socket, is worth (target `dragoman::access`). In: a head, and how it ended. Out:
//! who asked, the path without its query, what came of it and how long it took. Where nobody wants it, it costs nothing.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};

use crate::trace::Scope;

use super::body::Answer;

/// A request whose line is written when the last clone is gone: when its answer was sent, or its socket has ended.
#[derive(Clone)]
pub struct Access(Arc<Line>);

struct Line {
    scope: Scope,
    method: Method,
    path: String,
    began: Instant,
    /// The path of a file without the key, which is all that it takes to read the file.
    masked: OnceLock<String>,
    op: OnceLock<&'static str>,
    status: OnceLock<u16>,
    /// Why a socket ended.
    end: OnceLock<&'static str>,
    bytes: AtomicU64,
}

impl Access {
    /// Nothing where such lines are not written.
    pub fn begin(scope: &Scope, parts: &Parts) -> Option<Self> {
        if !tracing::enabled!(target: "dragoman::access", tracing::Level::INFO) {
            return None;
        }
        Some(Access(Arc::new(Line {
            scope: scope.clone(),
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            began: Instant::now(),
            masked: OnceLock::new(),
            op: OnceLock::new(),
            status: OnceLock::new(),
            end: OnceLock::new(),
            bytes: AtomicU64::new(0),
        })))
    }

    /// Shows this in place of the path.
    pub fn mask(&self, path: String) {
        let _ = self.0.masked.set(path);
    }

    /// What was asked for, in the words of metrics.
    pub fn operation(&self, op: &'static str) {
        let _ = self.0.op.set(op);
    }

    /// The answer, whose bytes are counted.
    pub fn answer(self, response: Response<Answer>) -> Response<Answer> {
        let _ = self.0.status.set(response.status().as_u16());
        response.map(|body| Sent { body, access: self }.boxed_unsync())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let path = self.masked.get().unwrap_or(&self.path);
        let (method, seconds) = (&self.method, self.began.elapsed().as_secs_f64());
        let (op, end) = (self.op.get(), self.end.get());
        // Of one whose client went away before it was answered.
        let status = self.status.get().copied().unwrap_or(0);
        let bytes = self.bytes.load(Ordering::Relaxed);
        self.scope.clone().within(|| {
            tracing::info!(target: "dragoman::access", %method, path, status, op, bytes, seconds, end, "request");
        });
    }
}

/// A socket is over, or never came to be.
pub fn end(access: Option<Access>, why: Option<&'static str>) {
    if let (Some(Access(line)), Some(why)) = (access, why) {
        let _ = line.end.set(why);
    }
}

/// An answer's body on its way out.
struct Sent {
    body: Answer,
    access: Access,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.access.0.bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
