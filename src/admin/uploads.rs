//! Uploads, for `dragoman uploads` of a gateway that runs. In: what is wanted, as JSON. Out: records, a line each, as they
//! are found; who stops reading stops the work.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::de::DeserializeOwned;

use crate::media::lifecycle::{GcOptions, Lifecycle, ListOptions, Record, Records, Stopped, VerifyOptions};

use super::{Answer, Site, json};

/// Bytes of what is wanted.
const WANTED: usize = 16 * 1024;

pub(super) async fn list(request: Request<Incoming>, site: &Site) -> Response<Answer> {
    told(request, site, async |lifecycle: Arc<Lifecycle>, options: ListOptions, records: Records| {
        lifecycle.list(options.store.as_deref(), &records).await
    })
    .await
}

pub(super) async fn collect(request: Request<Incoming>, site: &Site) -> Response<Answer> {
    told(request, site, async |lifecycle: Arc<Lifecycle>, options: GcOptions, records: Records| {
        lifecycle.collect(&options, &records).await
    })
    .await
}

pub(super) async fn verify(request: Request<Incoming>, site: &Site) -> Response<Answer> {
    told(request, site, async |lifecycle: Arc<Lifecycle>, options: VerifyOptions, records: Records| {
        lifecycle.verify(&options, &records).await
    })
    .await
}

/// Does the work beside the answer, which tells of it.
async fn told<Options, Work, Working>(request: Request<Incoming>, site: &Site, work: Work) -> Response<Answer>
where
    Options: DeserializeOwned + Send + 'static,
    Work: FnOnce(Arc<Lifecycle>, Options, Records) -> Working,
    Working: Future<Output = Result<(), Stopped>> + Send + 'static,
{
    let body = match Limited::new(request.into_body(), WANTED).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refused(&error.to_string()),
    };
    let options: Options = match serde_json::from_slice(if body.is_empty() { b"{}" } else { &body }) {
        Ok(options) => options,
        Err(error) => return refused(&error.to_string()),
    };
    let (records, heard) = Records::channel();
    let (stop, working) = (site.tasks.stopping(), work(site.uploads.get(), options, records.clone()));
    site.tasks.spawn(async move {
        tokio::select! {
            () = stop.cancelled() => records.fail("the gateway stops").await,
            result = working => if let Err(Stopped::Failed(fault)) = result {
                records.fail(&fault.to_string()).await;
            },
        }
    });
    let lines = stream::unfold(heard, async |mut heard| {
        let record = heard.recv().await?;
        Some((Ok::<_, Infallible>(Frame::data(line(&record))), heard))
    });
    let mut response = Response::new(BodyExt::boxed_unsync(StreamBody::new(lines)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

fn line(record: &Record) -> Bytes {
    // Records are plain data; one that cannot be written does not exist.
    let mut line = serde_json::to_vec(record).unwrap_or_default();
    line.push(b'\n');
    Bytes::from(line)
}

fn refused(why: &str) -> Response<Answer> {
    json(StatusCode::BAD_REQUEST, &serde_json::json!({ "error": why }))
}
