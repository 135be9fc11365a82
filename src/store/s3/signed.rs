//! Requests that the client crate does not make: listing unfinished uploads, copying with a storage class. In: a method,
//! a target, headers. Out: the body of the answer.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request};
use http_body_util::{BodyExt, Limited};
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpRequestBody};

use super::super::{Mistake, StoreError};
use super::refusal::{Trouble, store_error};

/// Bytes of an answer; a page of a list has a thousand entries.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// What the wait before a retry begins with.
const FIRST_WAIT: Duration = Duration::from_millis(100);

pub(super) struct Signed {
    pub http: HttpClient,
    pub region: String,
    /// Of the bucket, without a slash at the end.
    pub url: String,
    pub retries: usize,
}

impl Signed {
    /// `target`: path below the bucket and query, percent-encoded, with what stands before it.
    pub async fn call(
        &self,
        store: &AmazonS3,
        method: Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Bytes, StoreError> {
        let mut wait = FIRST_WAIT;
        for _ in 0..self.retries {
            match self.once(store, &method, target, headers).await {
                Err(error) if error.retry_helps() => {}
                done => return done,
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
        self.once(store, &method, target, headers).await
    }

    async fn once(
        &self,
        store: &AmazonS3,
        method: &Method,
        target: &str,
        headers: &HeaderMap,
    ) -> Result<Bytes, StoreError> {
        let invalid = |detail: String| StoreError::Misconfigured { mistake: Mistake::Endpoint, detail };
        let credential = store.credentials().get_credential().await.map_err(store_error)?;
        let request = Request::builder().method(method).uri(format!("{}{target}", self.url));
        let mut request = request.body(HttpRequestBody::empty()).map_err(|error| invalid(error.to_string()))?;
        request.headers_mut().extend(headers.clone());
        let authorizer = AwsAuthorizer::new(&credential, "s3", &self.region);
        authorizer.try_authorize(&mut request, None).map_err(store_error)?;
        let answer = self.http.execute(request).await.map_err(lost)?;
        let body = Limited::new(answer.into_body(), LARGEST_ANSWER).collect().await;
        let body = body.map_err(|error| StoreError::Unavailable(error.to_string()))?.to_bytes();
        // A copy that takes long begins with a success and may end with a refusal.
        if body.windows(7).take(200).any(|window| window == b"<Error>") {
            return Err(Trouble::of(http::StatusCode::INTERNAL_SERVER_ERROR, None, &body).into());
        }
        Ok(body)
    }
}

fn lost(error: object_store::client::HttpError) -> StoreError {
    store_error(object_store::Error::Generic { store: "S3", source: Box::new(error) })
}
