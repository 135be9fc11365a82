//! One request, from its head to its answer: guard, route, and on to calls, files or sockets.

use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use hyper::body::Incoming;

use crate::fault::{Fault, Reason};
use crate::metrics;

use super::body::{self, Answer};
use super::table::{Found, Target};
use super::{Site, call, cors, download, guard, respond, upgrade};

/// Answers a request. Never fails: whatever goes wrong is an answer too.
pub async fn handle(site: Arc<Site>, request: Request<Incoming>) -> Response<Answer> {
    let began = Instant::now();
    let (parts, incoming) = request.into_parts();
    let wanted = match guard::inspect(&parts) {
        Ok(wanted) => wanted,
        Err(words) => {
            // Where the body ends is in doubt, so nothing after it may be read as a request.
            let mut response = respond::malformed(words);
            response.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
            return response;
        }
    };
    let found = match site.table.find(&wanted.host, parts.method.as_str(), &wanted.path) {
        Ok(found) => found,
        Err(nearest) => {
            body::drain(incoming, site.bounds.body_idle).await;
            let fault = Fault::new(Reason::NotFound);
            return nearest.map_or_else(|| respond::unknown(&fault), |route| respond::refusal(&route, None, &fault));
        }
    };
    let Found { route, target } = found;
    let page = cors::permitted(&route, &parts.headers);
    let (op, mut response) = match target {
        Target::Calls { calls, parameters } => {
            let op = route.dialect.calls[calls[0]].op.as_str();
            (op, call::answer(&site, &route, &calls, &parameters, &parts, incoming).await)
        }
        Target::Socket(socket) => {
            let request = Request::from_parts(parts, incoming);
            ("socket", upgrade::answer(&site, &route, socket, &wanted, request).await)
        }
        Target::File(key) => {
            body::drain(incoming, site.bounds.body_idle).await;
            ("download", download::answer(&route, &key, &parts).await)
        }
        Target::Method { allowed } if page.is_some() && cors::is_preflight(&parts.method, &parts.headers) => {
            body::drain(incoming, site.bounds.body_idle).await;
            ("preflight", cors::preflight(&allowed))
        }
        Target::Method { allowed } => {
            body::drain(incoming, site.bounds.body_idle).await;
            ("none", respond::method_not_allowed(&route, &allowed))
        }
    };
    if let Some(origin) = page {
        cors::permit(&mut response, origin);
    }
    metrics::count_request(&route.name, op, response.status().as_u16(), began.elapsed().as_secs_f64());
    response
}
