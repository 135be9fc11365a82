//! A request for a socket that is passed on: handshake, origin, credential; then the backend is asked, and what it says to
//! that the client hears. In: a request on a socket's path, or for a WebSocket on a path that the dialect does not know.
//! Out: two sockets joined in a task of their own; or a refusal.

use std::sync::Arc;

use http::header::{SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;

use crate::auth::{Secret, Standing};
use crate::dialect::Socket;
use crate::fault::{Blame, Fault, Reason};
use crate::metrics::OpenSocket;
use crate::passage::{OpenedPassage, Passenger, UnopenedPassage};
use crate::session::tunnel::{self, Tunnel};
use crate::socket::{Side, WebSocket};
use crate::trace;

use super::access::{self, Access};
use super::body::Answer;
use super::forward::{Asker, Way};
use super::upgrade::{self, Seat};
use super::{credential, guard, respond};

/// Bytes of a message from the backend, where the route allows less to its clients: an answer may be larger than what
/// was asked.
const LARGEST_FROM_BACKEND: usize = 1024 * 1024;

/// Whether a request asks for a WebSocket.
pub fn is_asked_for(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::GET
        && headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Why there is no tunnel.
enum Unopened {
    /// The gateway says no.
    Refused(Fault),
    /// The backend does.
    Answered(u16, Fault),
}

impl From<Fault> for Unopened {
    fn from(fault: Fault) -> Self {
        Unopened::Refused(fault)
    }
}

/// Answers it; `socket` is which of the dialect's sockets it is for, if it is for one.
pub async fn answer(way: Way<'_>, socket: Option<usize>, request: Request<Incoming>) -> Response<Answer> {
    let accept = match upgrade::accepted(way.site, way.route, request).await {
        Ok(accepted) => accepted,
        Err(response) => return response,
    };
    let (accept, request) = accept;
    let route = Arc::clone(way.route);
    let contract = socket.map(|at| &route.dialect.sockets[at]);
    let (parts, incoming) = request.into_parts();
    let offered = parts.headers.clone();
    let opened = open(way, contract, parts.clone()).await;
    let request = Request::from_parts(parts, incoming);
    let (opened, asker, seat) = match opened {
        Ok(opened) => opened,
        Err(Unopened::Refused(fault)) => return refused(way, contract, &accept, fault, request),
        Err(Unopened::Answered(status, fault)) => {
            let mut response = said_no(way, contract, &fault);
            if let Ok(status) = http::StatusCode::from_u16(status) {
                *response.status_mut() = status;
            }
            return response;
        }
    };
    let subprotocol = subprotocol(way, &opened, &offered);
    let standing = asker.caller.as_ref().map_or_else(Standing::default, |caller| {
        route.verifier.standing(&caller.principal, caller.presented.as_ref().map(Secret::expose))
    });
    let tunnel = Tunnel {
        route: Arc::clone(&route.name),
        principal: asker.key,
        rate: route.rate.clone(),
        contract: socket.map(|at| (Arc::clone(&route.dialect), at)),
        redaction: way.passage.redaction().clone(),
        frames: route.counts.frames.clone(),
        settings: route.session,
    };
    let access = request.extensions().get::<Access>().cloned();
    let upgrade = hyper::upgrade::on(request);
    let stay = way.site.tasks.stay();
    let name = format!("websocket {}", route.name);
    way.site.tasks.spawn(trace::long(name, async move {
        let Ok(upgraded) = upgrade.await else { return };
        let open = OpenSocket::begin(&route.name);
        let client = WebSocket::new(upgraded, Side::Server, route.frame_limit).await;
        let end = tunnel::run(tunnel, standing, client, opened.socket, stay).await;
        tracing::debug!(route = %route.name, end = end.as_str(), "tunnel ended");
        open.end(end.as_str());
        drop((opened.held, seat));
        access::end(access, Some(end.as_str()));
    }));
    upgrade::switching(&accept, subprotocol.as_deref())
}

async fn open(
    way: Way<'_>,
    contract: Option<&Socket>,
    mut parts: http::request::Parts,
) -> Result<(OpenedPassage, Asker, Seat), Unopened> {
    upgrade::origin_may(way.route, way.wanted, &parts.headers)?;
    let seat = Seat::take(way.site, way.route, way.client)?;
    let query = guard::query(parts.uri.query().unwrap_or_default());
    let showing = way.showing(&parts.headers, &query);
    let mut asker = match contract {
        Some(contract) => showing.caller_of_socket(contract).await?,
        None => showing.anybody(&**way.passage).await?,
    };
    if let Some(caller) = &mut asker.caller {
        caller.connection = way.site.connection_number();
    }
    let path_and_query = way.path_and_query(&parts)?;
    way.end_to_end(&mut parts);
    // Those of the handshake are each side's own, and extensions are agreed with neither.
    for name in [SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_ACCEPT] {
        parts.headers.remove(name);
    }
    let passenger = Passenger { caller: asker.caller.as_ref(), dialect: &way.route.dialect, call: None };
    let largest = way.route.frame_limit.max(LARGEST_FROM_BACKEND);
    match way.passage.open(&passenger, path_and_query, parts.headers, largest).await {
        Ok(opened) => Ok((opened, asker, seat)),
        // An answer that is neither a refusal nor a handshake's says nothing that a client could read.
        Err(UnopenedPassage { status: Some(status @ 400..=599), fault }) => Err(Unopened::Answered(status, fault)),
        Err(UnopenedPassage { fault, .. }) => Err(Unopened::Refused(fault)),
    }
}

/// What the backend chose, if the client offered it; for a credential that the gateway moved, what its dialect answers.
fn subprotocol(way: Way<'_>, opened: &OpenedPassage, offered: &HeaderMap) -> Option<String> {
    let chosen =
        opened.subprotocol.as_ref().filter(|chosen| credential::subprotocols(offered).any(|name| name == *chosen));
    let places =
        way.route.dialect.credentials.get("").map(|credential| credential.socket.as_slice()).unwrap_or_default();
    chosen.cloned().or_else(|| credential::subprotocol_answer(places, offered).map(str::to_owned))
}

/// A refusal of the gateway's own, before the upgrade or, where the dialect accepts first, after it.
fn refused(
    way: Way<'_>,
    contract: Option<&Socket>,
    accept: &str,
    fault: Fault,
    request: Request<Incoming>,
) -> Response<Answer> {
    let at =
        contract.and_then(|contract| way.route.dialect.sockets.iter().position(|known| std::ptr::eq(known, contract)));
    let after = contract.is_some_and(|contract| contract.accept_first)
        && fault.reason != Reason::Origin
        && fault.reason.blame() == Blame::Client;
    let Some(at) = at.filter(|_| after) else { return said_no(way, contract, &fault) };
    let places =
        way.route.dialect.credentials.get("").map(|credential| credential.socket.as_slice()).unwrap_or_default();
    let subprotocol = credential::subprotocol_answer(places, request.headers()).map(str::to_owned);
    let upgrade = hyper::upgrade::on(request);
    let route = Arc::clone(way.route);
    way.site.tasks.spawn(async move { upgrade::refuse(&route, at, &fault, upgrade).await });
    upgrade::switching(accept, subprotocol.as_deref())
}

/// A refused handshake in the words of the socket, or of the dialect.
fn said_no(way: Way<'_>, contract: Option<&Socket>, fault: &Fault) -> Response<Answer> {
    match contract {
        Some(contract) => respond::refused_handshake(way.route, way.route.dialect.refuse_frame(contract, fault), fault),
        None => respond::refusal(way.route, None, fault),
    }
}
