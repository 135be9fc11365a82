//! Passing on to an upstream what needs no translation. In: a client's requests and handshakes. Out: the upstream's
//! answers and sockets. Of a request only the credential is exchanged, by the operator's rules.

mod exchange;

use async_trait::async_trait;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;

use crate::dialect::Redaction;
use crate::fault::Fault;
use crate::passage::{OpenedPassage, Passage, PassageBody, Passenger, UnopenedPassage};

use super::transport::{Again, Handshake};
use super::{Inner, Upstream};
use exchange::{Channel, Exchange};

impl Inner {
    fn exchange<'a>(&'a self, passenger: &'a Passenger<'a>, channel: Channel) -> Exchange<'a> {
        Exchange { dialect: &self.settings.dialect, credentials: &self.credentials, passenger, channel }
    }
}

#[async_trait]
impl Passage for Upstream {
    fn redaction(&self) -> &Redaction {
        &self.0.settings.dialect.redaction
    }

    fn replaces_credentials(&self) -> bool {
        exchange::replaces_any(&self.0.settings.dialect, &self.0.credentials)
    }

    async fn forward(
        &self,
        passenger: &Passenger<'_>,
        request: Request<PassageBody>,
    ) -> Result<Response<PassageBody>, Fault> {
        let (mut head, body) = request.into_parts();
        let mut path_and_query = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        self.0.exchange(passenger, Channel::Http).of(&mut path_and_query, &mut head.headers)?;
        head.uri = path_and_query.into();
        // Nothing is known of what a call does but that these change nothing (RFC 9110 §9.2.1).
        let again = match head.method {
            Method::GET | Method::HEAD | Method::OPTIONS => Again::WhenSafe,
            _ => Again::Never,
        };
        let transport = passenger.call.map_or(&self.0.http, |call| self.0.transport(call.op));
        let response = transport.send(Request::from_parts(head, body), again).await?;
        Ok(response.map(BodyExt::boxed_unsync))
    }

    async fn open(
        &self,
        passenger: &Passenger<'_>,
        mut path_and_query: PathAndQuery,
        mut headers: HeaderMap,
        largest: usize,
    ) -> Result<OpenedPassage, UnopenedPassage> {
        let unopened = |fault| UnopenedPassage { status: None, fault };
        self.0.exchange(passenger, Channel::Socket).of(&mut path_and_query, &mut headers).map_err(unopened)?;
        let subprotocols = exchange::subprotocols(&headers).map(str::to_owned).collect();
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        let handshake = Handshake { path_and_query, headers, subprotocols };
        match self.0.socket_transport.open(handshake, largest).await {
            Ok(opened) => Ok(OpenedPassage {
                socket: opened.socket,
                subprotocol: opened.subprotocol,
                held: Box::new(opened.counted),
            }),
            Err(refused) => Err(UnopenedPassage { status: refused.status, fault: refused.fault }),
        }
    }
}
