//! The stand-ins and the raw clients against each other, without a gateway: what both take from the documents agrees, what
//! the documents refuse is refused, and each failure shows as what it is.

mod andromedia;
mod divar;
mod frontdesk;
mod licomed;
mod luxmart;
mod promises;
mod server;

use std::future::Future;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::client::Client;
use crate::harness::http::{self, Answer, Part};
use crate::standin::{Failing, PATIENCE, Standin, credentials};

const SECRET: &str = "the stand-ins know each other by this secret";
const ANOTHER_SECRET: &str = "and nobody else knows them by this one";

fn token(claims: Value) -> String {
    credentials::token(SECRET, claims)
}

fn address(standin: &impl Standin) -> SocketAddr {
    standin.server().address()
}

/// Status and body of a call with this credential.
async fn call(standin: &impl Standin, method: &str, path: &str, credential: &str, body: Option<Value>) -> (u16, Value) {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let headers = [("Authorization", credential), ("Content-Type", "application/json")];
    let headers = if credential.is_empty() { &headers[1..] } else { &headers[..] };
    let answer = http::send(address(standin), &http::request(method, path, headers, body.as_bytes())).await;
    (answer.status, answer.json())
}

async fn upload(standin: &impl Standin, path: &str, credential: &str, parts: &[Part]) -> Answer {
    http::post_form(address(standin), path, &[("Authorization", credential)], parts).await
}

/// Waits for what a test cannot be told of.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let holds = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits until the failure of one message has hit.
async fn failed(standin: &impl Standin) {
    until("the failure hits", || standin.server().backstage().faults.now() == Failing::No).await;
}

/// Nothing comes of this until something else is done.
async fn nothing_of<T>(pending: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) {
    tokio::select! {
        biased;
        () = meanwhile => {}
        _ = pending => panic!("something came of it"),
    }
}

async fn connect<C: Client>(standin: &impl Standin, claims: Value) -> C {
    C::connect(address(standin), token(claims)).await
}

fn error(words: &str) -> Value {
    json!({ "error": words })
}
