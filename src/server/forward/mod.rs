//! What needs no translation, passed on: calls and files of a dialect that the backend speaks too, and paths that the
//! dialect does not know, where the route says so. In: a request. Out: the backend's answer, streamed; only what the
//! gateway itself refuses is in the dialect's words.

mod asker;
mod headers;
mod incoming;
mod redacted;

use std::sync::Arc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::dialect::{Call, CredentialPlace, Request as CallRequest};
use crate::edge::Client;
use crate::fault::{Fault, Reason};
use crate::passage::{Passage, Passenger};

use super::body::{self, Answer};
use super::guard::{self, Wanted};
use super::route::Route;
use super::{Site, respond};
use incoming::Watched;

pub use asker::{Asker, Showing};

/// Bytes of a form around its file.
const AROUND_FILE: u64 = 1024 * 1024;

/// A request's place on its way: to where, and from where.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    pub site: &'a Site,
    pub route: &'a Arc<Route>,
    pub passage: &'a Arc<dyn Passage>,
    pub wanted: &'a Wanted,
    pub client: Client,
}

/// What is passed on of one request.
struct Errand<'a> {
    call: Option<&'a Call>,
    asker: Asker,
    /// Bytes of the body.
    limit: u64,
    /// Whether the answer may hold what no client hears; a stored file is content.
    redacted: bool,
}

impl<'a> Way<'a> {
    /// A call of the dialect; `calls` are those of its path and method, told apart by the caller's role.
    pub async fn call(self, calls: &[usize], parts: Parts, incoming: Incoming) -> Response<Answer> {
        let dialect = &self.route.dialect;
        let first = &dialect.calls[calls[0]];
        let query = guard::query(parts.uri.query().unwrap_or_default());
        let showing = self.showing(&parts.headers, &query);
        let (mut call, mut asker) = (first, Err(Fault::new(Reason::Role)));
        for at in calls {
            let found = showing.caller_of(&dialect.calls[*at]).await;
            // Whom this one is not for may be whom the next is for.
            if !found.as_ref().is_err_and(|fault| fault.reason == Reason::Role) {
                (call, asker) = (&dialect.calls[*at], found);
                break;
            }
        }
        let limit = match &call.request {
            CallRequest::Multipart { .. } => self.route.largest_upload().saturating_add(AROUND_FILE),
            CallRequest::Json(_) | CallRequest::Empty => self.route.frame_limit as u64,
        };
        let errand = asker.map(|asker| Errand { call: Some(call), asker, limit, redacted: true });
        self.answer(Some(call), errand, parts, incoming).await
    }

    /// A file that the backend keeps.
    pub async fn file(self, parts: Parts, incoming: Incoming) -> Response<Answer> {
        let limit = self.route.frame_limit as u64;
        self.unknown(limit, false, parts, incoming).await
    }

    /// A path that the dialect does not know.
    pub async fn rest(self, parts: Parts, incoming: Incoming) -> Response<Answer> {
        // The one would show a client what only the backend may see, the other would be a tunnel to anywhere.
        if matches!(parts.method, Method::TRACE | Method::CONNECT) {
            body::decline(self.site, incoming, &parts.headers);
            return respond::refusal(self.route, None, &Fault::new(Reason::Method));
        }
        let limit = self.route.largest_upload().saturating_add(AROUND_FILE).max(self.route.frame_limit as u64);
        self.unknown(limit, true, parts, incoming).await
    }

    async fn unknown(self, limit: u64, redacted: bool, parts: Parts, incoming: Incoming) -> Response<Answer> {
        let query = guard::query(parts.uri.query().unwrap_or_default());
        let asker = self.showing(&parts.headers, &query).anybody(&**self.passage).await;
        let errand = asker.map(|asker| Errand { call: None, asker, limit, redacted });
        self.answer(None, errand, parts, incoming).await
    }

    pub fn showing<'s>(&'s self, headers: &'s HeaderMap, query: &'s [(String, String)]) -> Showing<'s> {
        Showing { route: self.route, headers, query, client: self.client }
    }

    /// More than a file or a body may have, as the call has the one or the other.
    fn too_large(&self, call: Option<&Call>) -> Fault {
        Fault::larger_than(match call.map(|call| &call.request) {
            Some(CallRequest::Multipart { .. }) => self.route.largest_upload(),
            Some(CallRequest::Json(_) | CallRequest::Empty) | None => self.route.frame_limit as u64,
        })
    }

    async fn answer(
        self,
        call: Option<&'a Call>,
        errand: Result<Errand<'a>, Fault>,
        parts: Parts,
        incoming: Incoming,
    ) -> Response<Answer> {
        let fault = match errand {
            Ok(errand) if incoming.size_hint().lower() <= errand.limit => {
                match self.pass(errand, parts, incoming).await {
                    Ok(response) => return response,
                    Err(fault) => fault,
                }
            }
            refused => {
                body::decline(self.site, incoming, &parts.headers);
                refused.err().unwrap_or_else(|| self.too_large(call))
            }
        };
        respond::refusal(self.route, call, &fault)
    }

    async fn pass(self, errand: Errand<'a>, mut parts: Parts, incoming: Incoming) -> Result<Response<Answer>, Fault> {
        let path_and_query = self.path_and_query(&parts)?;
        self.end_to_end(&mut parts);
        let redaction = self.passage.redaction();
        let redacted = errand.redacted && !redaction.is_empty();
        if redacted {
            redacted::ask_readable(&mut parts.headers);
        }
        let idle = self.site.bounds.body_idle;
        let mut request = Request::new(Watched::new(incoming, errand.limit, idle).boxed_unsync());
        *request.method_mut() = parts.method;
        *request.uri_mut() = path_and_query.into();
        *request.headers_mut() = parts.headers;
        let passenger =
            Passenger { caller: errand.asker.caller.as_ref(), dialect: &self.route.dialect, call: errand.call };
        let mut response = self.passage.forward(&passenger, request).await?;
        if response.status().is_informational() {
            return Err(Fault::new(Reason::Upstream).detail("it switches to something that nobody asked for"));
        }
        let version = response.version();
        headers::to_client(response.headers_mut(), version);
        if !self.route.origins.is_empty() {
            // Which pages may read is said by the route.
            headers::remove_permissions(response.headers_mut());
        }
        if redacted { redacted::answer(redaction, response, idle).await } else { Ok(response) }
    }

    /// The path as the client wrote it, without the route's prefix.
    pub fn path_and_query(&self, parts: &Parts) -> Result<PathAndQuery, Fault> {
        let lost = || Fault::new(Reason::NotFound);
        let path = below(parts.uri.path(), &self.route.prefix).ok_or_else(lost)?;
        let Some(query) = parts.uri.query() else { return PathAndQuery::try_from(path).map_err(|_| lost()) };
        PathAndQuery::try_from(format!("{path}?{query}")).map_err(|_| lost())
    }

    /// Leaves of a client's headers what goes from end to end, and says who asked.
    pub fn end_to_end(&self, parts: &mut Parts) {
        let origin = headers::Origin { client: self.client, authority: &self.wanted.authority, version: parts.version };
        let places = self.route.dialect.credentials.values().flat_map(|credential| &credential.http);
        let kept: Vec<&str> = places
            .filter_map(|place| match place {
                CredentialPlace::Header { name, .. } => Some(name.as_str()),
                CredentialPlace::Query { .. } | CredentialPlace::Subprotocol { .. } => None,
            })
            .collect();
        headers::to_upstream(&mut parts.headers, &origin, &kept);
    }
}

/// What follows a prefix in a path that is percent-encoded; the prefix is not.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = path;
    for wanted in prefix.bytes() {
        let (byte, after) = match rest.as_bytes() {
            [b'%', ..] => (u8::from_str_radix(rest.get(1..3)?, 16).ok()?, rest.get(3..)?),
            [byte, ..] => (*byte, rest.get(1..)?),
            [] => return None,
        };
        if byte != wanted {
            return None;
        }
        rest = after;
    }
    rest.starts_with('/').then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_prefix_is_taken_off_however_it_is_written() {
        for (path, prefix, expected) in [
            ("/a/b", "", Some("/a/b")),
            ("/hotel/a%20b", "/hotel", Some("/a%20b")),
            ("/%68otel/a", "/hotel", Some("/a")),
            ("/h%C3%B4tel/a", "/hôtel", Some("/a")),
            ("/hotels/a", "/hotel", None),
            ("/hotel", "/hotel", None),
            ("/h", "/hotel", None),
            ("/%6", "/hotel", None),
        ] {
            assert_eq!(below(path, prefix), expected, "{path}");
        }
    }
}
