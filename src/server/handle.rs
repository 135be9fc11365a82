//! One request, from its head to its answer: guard, route, and on to calls, files or sockets.

use std::sync::Arc;
use std::time::Instant;

use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;

use crate::edge::{Asking, Client};
use crate::fault::{Fault, Reason};
use crate::media::FOLDER;
use crate::metrics;
use crate::trace::{self, REQUEST_ID, RequestId, Scope, Span};

use super::access::Access;
use super::body::{self, Answer};
use super::forward::Way;
use super::guard::Wanted;
use super::table::{Found, Target};
use super::{Served, Site, call, callback, cors, download, guard, respond, traced, tunnel, upgrade};

/// Answers a request. Never fails: whatever goes wrong is an answer too.
pub async fn handle(site: Arc<Site>, peer: Client, request: Request<Incoming>) -> Response<Answer> {
    let (mut parts, incoming) = request.into_parts();
    let served = site.served();
    let asking = served.policy.proxies.asking(peer, &parts.headers);
    let span = Span::of_request(&parts.headers);
    traced::request(&span, asking.client, &parts);
    let scope = Scope::new(RequestId::of(&parts.headers), asking.client.address, &span);
    let id = scope.request().value();
    let access = Access::begin(&scope, &parts);
    if let Some(access) = &access {
        parts.extensions.insert(access.clone());
    }
    let mut response = scope.run(guarded(site, served, &span, asking, parts, incoming)).await;
    traced::answer(&span, response.status());
    response.headers_mut().insert(REQUEST_ID, id);
    match access {
        Some(access) => access.answer(response),
        None => response,
    }
}

/// The same, once it has an id.
async fn guarded(
    site: Arc<Site>,
    served: Arc<Served>,
    span: &Span,
    Asking { client, authority }: Asking,
    parts: Parts,
    incoming: Incoming,
) -> Response<Answer> {
    let wanted = match guard::inspect(&parts, authority) {
        Ok(wanted) => wanted,
        Err(words) => {
            // Where the body ends is in doubt, so nothing after it may be read as a request.
            let mut response = respond::malformed(words);
            response.headers_mut().insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
            return response;
        }
    };
    routed(site, served, span, client, wanted, parts, incoming).await
}

/// The same, once it is known who asks for what.
async fn routed(
    site: Arc<Site>,
    served: Arc<Served>,
    span: &Span,
    client: Client,
    wanted: Wanted,
    parts: Parts,
    incoming: Incoming,
) -> Response<Answer> {
    let began = Instant::now();
    if let Some(callbacks) = callback::find(&served, &wanted.path) {
        return callback::answer(&site, callbacks, &parts, incoming).await;
    }
    let found = match served.table.find(&wanted.host, parts.method.as_str(), &wanted.path) {
        Ok(found) => found,
        Err(nearest) => {
            traced::target(span, &parts, None);
            body::decline(&site, incoming, &parts.headers);
            let fault = Fault::new(Reason::NotFound);
            return nearest.map_or_else(|| respond::unknown(&fault), |route| respond::refusal(&route, None, &fault));
        }
    };
    let Found { route, target } = found;
    trace::say_route(&route.name);
    traced::target(span, &parts, Some((&route, &target)));
    let access = parts.extensions.get::<Access>().cloned();
    if let (Some(access), Target::File { .. }) = (&access, &target) {
        access.mask(format!("{}{}…", route.prefix, route.dialect.storage.public));
    }
    let page = cors::permitted(&route, &parts.headers);
    let to = |passage| Way { site: &site, route: &route, passage, wanted: &wanted, client };
    let identity = route.identity().map(to);
    let (op, mut response) = match (target, identity) {
        (Target::Calls { calls, .. }, Some(way)) => {
            let op = route.dialect.calls[calls[0]].op.as_str();
            (op, way.call(&calls, parts, incoming).await)
        }
        (Target::Calls { calls, parameters }, None) => {
            let asked = route.dialect.calls[calls[0]].op;
            let response = match route.login.as_ref().filter(|_| asked.is_login()).map(to) {
                Some(way) => way.call(&calls, parts, incoming).await,
                None => call::answer(&site, &route, client, &calls, &parameters, &parts, incoming).await,
            };
            (asked.as_str(), response)
        }
        (Target::Socket(socket), Some(way)) => {
            ("socket", tunnel::answer(way, Some(socket), Request::from_parts(parts, incoming)).await)
        }
        (Target::Socket(socket), None) => {
            let request = Request::from_parts(parts, incoming);
            ("socket", upgrade::answer(&site, &route, client, socket, &wanted, request).await)
        }
        (Target::File { key, elsewhere }, Some(way)) if !key.starts_with(FOLDER) => {
            // What the gateway has itself is known at once.
            (
                "download",
                match download::find(&elsewhere, &parts).await {
                    Some(response) => response,
                    None => way.file(parts, incoming).await,
                },
            )
        }
        (Target::File { key, elsewhere }, _) => {
            body::decline(&site, incoming, &parts.headers);
            let mut places = elsewhere;
            places.insert(0, (Arc::clone(&route), key));
            let found = download::find(&places, &parts).await;
            let missing = || respond::refusal(&route, None, &Fault::new(Reason::FileNotFound));
            ("download", found.unwrap_or_else(missing))
        }
        (Target::Method { allowed }, _) if page.is_some() && cors::is_preflight(&parts.method, &parts.headers) => {
            body::decline(&site, incoming, &parts.headers);
            ("preflight", cors::preflight(&route, &allowed, &parts.headers, false))
        }
        (Target::Method { allowed }, _) => {
            body::decline(&site, incoming, &parts.headers);
            ("none", respond::method_not_allowed(&route, &allowed))
        }
        (Target::Rest, _) => match route.rest().map(to) {
            Some(way) => rest(way, page.is_some(), parts, incoming).await,
            // The table finds this only where there is one.
            None => ("none", respond::unknown(&Fault::new(Reason::NotFound))),
        },
    };
    if let Some(origin) = page {
        cors::permit(&route, &mut response, origin);
    }
    cors::vary(&route, &mut response);
    if let Some(access) = access {
        access.operation(op);
    }
    span.set("dragoman.operation", op);
    metrics::count_request(&route.name, op, response.status().as_u16(), began.elapsed().as_secs_f64());
    response
}

/// A path that the dialect does not know, on a route that passes these on.
async fn rest(way: Way<'_>, listed: bool, parts: Parts, incoming: Incoming) -> (&'static str, Response<Answer>) {
    if listed && cors::is_preflight(&parts.method, &parts.headers) {
        body::decline(way.site, incoming, &parts.headers);
        return ("preflight", cors::preflight(way.route, "GET, HEAD, POST, PUT, PATCH, DELETE", &parts.headers, true));
    }
    if tunnel::is_asked_for(&parts.method, &parts.headers) {
        return ("socket", tunnel::answer(way, None, Request::from_parts(parts, incoming)).await);
    }
    ("forward", way.rest(parts, incoming).await)
}
