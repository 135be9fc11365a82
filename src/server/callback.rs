//! A call of an upstream that has no socket. In: a request on the path that was agreed on. Out: 200 once those who
//! listen have what it tells; 401 for who does not show the key.

use std::sync::Arc;

use http::request::Parts;
use http::{Method, Response};
use hyper::body::Incoming;

use crate::backend::Callbacks;
use crate::fault::{Blame, Fault, Reason};

use super::body::{self, Answer};
use super::{Served, Site, respond};

/// Bytes of a call.
const LARGEST: usize = 256 * 1024;

/// Whose path this is.
pub fn find<'a>(served: &'a Served, path: &str) -> Option<&'a Arc<dyn Callbacks>> {
    let trimmed = |path: &str| path.strip_suffix('/').unwrap_or(path).to_owned();
    served.callbacks.iter().find(|callbacks| callbacks.path().is_some_and(|own| trimmed(own) == trimmed(path)))
}

pub async fn answer(
    site: &Site,
    callbacks: &Arc<dyn Callbacks>,
    parts: &Parts,
    incoming: Incoming,
) -> Response<Answer> {
    match receive(site, callbacks, parts, incoming).await {
        Ok(()) => respond::json(200, "{}".to_owned()),
        Err(fault) => {
            match fault.reason.blame() {
                Blame::Client => tracing::info!(%fault, "a callback was refused"),
                Blame::Upstream | Blame::Gateway => tracing::error!(%fault, "a callback could not be taken"),
            }
            respond::unknown(&fault)
        }
    }
}

async fn receive(site: &Site, callbacks: &Arc<dyn Callbacks>, parts: &Parts, incoming: Incoming) -> Result<(), Fault> {
    let refused = match () {
        () if parts.method != Method::POST => Some(Reason::Method),
        () if !callbacks.is_authentic(&parts.headers) => Some(Reason::Unauthorized),
        () => None,
    };
    if let Some(reason) = refused {
        body::decline(site, incoming, &parts.headers);
        return Err(Fault::new(reason));
    }
    let bytes = body::read(site, incoming, &parts.headers, LARGEST).await?;
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::new(Reason::Malformed).detail("not UTF-8"))?;
    callbacks.receive(text).await
}
