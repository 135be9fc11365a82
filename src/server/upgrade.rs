//! A request for a socket: handshake, origin, admission; then a session in a task of its own. A refusal is an HTTP
//! answer, or, where the dialect accepts first, a close with its code.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{
    CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::auth::{Presented, Secret};
use crate::dialect::{Credential, RefusedFrame};
use crate::edge::{AddressPlace, Client};
use crate::fault::{Fault, Reason};
use crate::metrics::OpenSocket;
use crate::session::{self, Admitted, Place};
use crate::socket::{Side, Socket, WebSocket};
use crate::tasks::Stay;
use crate::trace;

use super::access::{self, Access};
use super::body::{self, Answer};
use super::guard::{self, Wanted};
use super::route::Route;
use super::{Site, credential, respond};

/// When an address that has all its sockets may try again.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// Answers a request on a socket's path.
pub async fn answer(
    site: &Site,
    route: &Arc<Route>,
    client: Client,
    socket: usize,
    wanted: &Wanted,
    request: Request<Incoming>,
) -> Response<Answer> {
    let (accept, request) = match accepted(site, route, request).await {
        Ok(accepted) => accepted,
        Err(response) => return response,
    };
    let place = Place {
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect),
        socket,
        backend: Arc::clone(&route.backend),
        naming: Arc::clone(&route.naming),
        rate: route.rate.clone(),
        terms: route.terms,
        counts: route.counts.clone(),
        settings: route.session,
    };
    let query = guard::query(request.uri().query().unwrap_or_default());
    let admitted = admit(site, route, &place, &query, (client, wanted), request.headers()).await;
    let contract = &route.dialect.sockets[socket];
    if let Err(fault) = &admitted
        && (!contract.accept_first
            || fault.reason == Reason::Origin
            || fault.reason.blame() != crate::fault::Blame::Client
            // A code would say that it is for good.
            || fault.reason.retry_helps())
    {
        let refused = route.dialect.refuse_frame(contract, fault);
        return respond::refused_handshake(route, refused, fault);
    }
    let subprotocol = credential::subprotocol_answer(&places(route).socket, request.headers()).map(str::to_owned);
    let access = request.extensions().get::<Access>().cloned();
    let upgrade = hyper::upgrade::on(request);
    let route = Arc::clone(route);
    let stay = site.tasks.stay();
    let name = format!("websocket {}", route.name);
    site.tasks.spawn(trace::long(name, async move {
        let end = match admitted {
            Ok((admitted, seat)) => {
                let end = converse(&route, place, admitted, upgrade, stay).await;
                drop(seat);
                end
            }
            Err(fault) => {
                refuse(&route, socket, &fault, upgrade).await;
                Some(fault.reason.as_str())
            }
        };
        access::end(access, end);
    }));
    switching(&accept, subprotocol.as_deref())
}

/// The accept key of a request that is a well-formed handshake; else the answer to it.
pub async fn accepted(
    site: &Site,
    route: &Route,
    request: Request<Incoming>,
) -> Result<(String, Request<Incoming>), Response<Answer>> {
    match handshake(&request) {
        Ok(_) if site.tasks.is_leaving() => {
            let (parts, incoming) = request.into_parts();
            body::decline(site, incoming, &parts.headers);
            Err(respond::refusal(route, None, &Fault::new(Reason::GoingAway)))
        }
        Ok(accept) => Ok((accept, request)),
        Err((status, words)) => {
            let (parts, incoming) = request.into_parts();
            body::decline(site, incoming, &parts.headers);
            let mut response = respond::json(status, serde_json::json!({ "error": words }).to_string());
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            Err(response)
        }
    }
}

/// The accept key of a well-formed handshake (RFC 6455 §4.2.1).
fn handshake(request: &Request<Incoming>) -> Result<String, (u16, &'static str)> {
    let headers = request.headers();
    let has = |name, token: &str| {
        let values = headers.get_all(name).iter().filter_map(|value: &HeaderValue| value.to_str().ok());
        values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    if request.version() != Version::HTTP_11
        || request.method() != Method::GET
        || !has(UPGRADE, "websocket")
        || !has(CONNECTION, "upgrade")
    {
        return Err((426, "This is a WebSocket: connect with an upgrade"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err((426, "Sec-WebSocket-Version must be 13"));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
    // 16 bytes in base64 are 24 letters, the last two of them padding.
    if key.len() != 24 || !key.ends_with("==") {
        return Err((400, "Sec-WebSocket-Key is malformed"));
    }
    Ok(derive_accept_key(key.as_bytes()))
}

fn places(route: &Route) -> &Credential {
    static NONE: std::sync::OnceLock<Credential> = std::sync::OnceLock::new();
    route.dialect.credentials.get("").unwrap_or_else(|| NONE.get_or_init(Credential::default))
}

/// A place among the route's sockets and among those of the client's address, given back when dropped.
pub struct Seat(Arc<AtomicUsize>, Option<AddressPlace>);

impl Seat {
    pub fn take(site: &Site, route: &Route, client: Client) -> Result<Self, Fault> {
        let mut seat = Seat(Arc::clone(&route.open), None);
        if route.open.fetch_add(1, Ordering::Relaxed) >= route.connections {
            return Err(Fault::new(Reason::Busy).detail("the route has all the sockets it may have"));
        }
        seat.1 = site.sockets.take(client.address, site.served().policy.per_address);
        if seat.1.is_none() {
            let fault = Fault::new(Reason::RateLimited).detail("the address has all the sockets it may have");
            return Err(Fault { retry_after: Some(RETRY_AFTER), ..fault });
        }
        Ok(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn admit(
    site: &Site,
    route: &Arc<Route>,
    place: &Place,
    query: &[(String, String)],
    (client, wanted): (Client, &Wanted),
    headers: &HeaderMap,
) -> Result<(Admitted, Seat), Fault> {
    origin_may(route, wanted, headers)?;
    let seat = Seat::take(site, route, client)?;
    let token = credential::presented(&places(route).socket, headers, query);
    let verified = route.verifier.verify(&Presented { credential: None, token, party: None }).await;
    let mut admitted = session::admit(place, query, verified, token.map(Secret::new), site.connection_number()).await?;
    admitted.standing = route.verifier.standing(&admitted.caller.principal, token);
    Ok((admitted, seat))
}

/// A browser says which page connects; others say nothing and are not asked.
pub fn origin_may(route: &Route, wanted: &Wanted, headers: &HeaderMap) -> Result<(), Fault> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let allowed = if route.origins.is_empty() {
        origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(&wanted.authority))
    } else {
        route.origins.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin))
    };
    if allowed { Ok(()) } else { Err(Fault::new(Reason::Origin)) }
}

/// The answer that switches.
pub fn switching(accept: &str, subprotocol: Option<&str>) -> Response<Answer> {
    let mut response = Response::new(body::full(""));
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(accept) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    if let Some(name) = subprotocol.and_then(|name| HeaderValue::from_str(name).ok()) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    }
    response
}

async fn converse(
    route: &Route,
    place: Place,
    admitted: Admitted,
    upgrade: OnUpgrade,
    stay: Stay,
) -> Option<&'static str> {
    let upgraded = upgrade.await.ok()?;
    let open = OpenSocket::begin(&route.name);
    let socket = WebSocket::new(upgraded, Side::Server, route.frame_limit).await;
    let end = session::run(place, admitted, socket, stay).await;
    tracing::debug!(route = %route.name, end = end.as_str(), "session ended");
    open.end(end.as_str());
    Some(end.as_str())
}

/// Accepted only to be told why not.
pub async fn refuse(route: &Route, socket: usize, fault: &Fault, upgrade: OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    crate::metrics::count_refused(&route.name, fault.reason.as_str());
    let RefusedFrame { frame, close, text, .. } = route.dialect.refuse_frame(&route.dialect.sockets[socket], fault);
    let mut socket = WebSocket::new(upgraded, Side::Server, route.frame_limit).await;
    if let Some(frame) = frame {
        let _ = socket.feed(frame.into()).await;
    }
    socket.close(close.unwrap_or(1008), &text).await;
}
