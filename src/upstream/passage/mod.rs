//! Passing on to an upstream what needs no translation. In: a client's requests and handshakes. Out: the upstream's
//! answers and sockets. Of a request only the credential is exchanged, by the operator's rules.

mod exchange;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;

use crate::dialect::{Op, Redaction};
use crate::fault::Fault;
use crate::passage::{OpenedPassage, Passage, PassageBody, Passenger, UnopenedPassage};
use crate::tasks::Tasks;

use super::settings::UpstreamSettings;
use super::transport::{Again, Handshake, Transport, TransportSettings};
use exchange::{Channel, Exchange};

/// The passage to one upstream.
pub struct UpstreamPassage {
    settings: Arc<UpstreamSettings>,
    calls: Transport,
    sockets: Transport,
    /// For calls that have endpoints of their own.
    others: BTreeMap<Op, Transport>,
}

impl UpstreamPassage {
    pub fn new(settings: Arc<UpstreamSettings>, tasks: &Tasks) -> Self {
        let transport = |endpoints: &Vec<http::Uri>| {
            let settings = TransportSettings {
                upstream: Arc::clone(&settings.name),
                endpoints: endpoints.clone(),
                timeout: settings.timeout,
                health: settings.health.clone(),
            };
            Transport::new(settings, tasks)
        };
        let calls = transport(&settings.http);
        let sockets = transport(&settings.socket);
        let others = settings.hosts.iter().map(|(op, endpoints)| (*op, transport(endpoints))).collect();
        UpstreamPassage { settings, calls, sockets, others }
    }

    fn exchange<'a>(&'a self, passenger: &'a Passenger<'a>, channel: Channel) -> Exchange<'a> {
        Exchange { settings: &self.settings, passenger, channel }
    }
}

#[async_trait]
impl Passage for UpstreamPassage {
    fn redaction(&self) -> &Redaction {
        &self.settings.dialect.redaction
    }

    fn replaces_credentials(&self) -> bool {
        exchange::replaces_any(&self.settings)
    }

    async fn forward(
        &self,
        passenger: &Passenger<'_>,
        request: Request<PassageBody>,
    ) -> Result<Response<PassageBody>, Fault> {
        let (mut head, body) = request.into_parts();
        let mut path_and_query = head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        self.exchange(passenger, Channel::Http).of(&mut path_and_query, &mut head.headers)?;
        head.uri = path_and_query.into();
        // Nothing is known of what a call does but that these change nothing (RFC 9110 §9.2.1).
        let again = match head.method {
            Method::GET | Method::HEAD | Method::OPTIONS => Again::WhenSafe,
            _ => Again::Never,
        };
        let transport = passenger.call.and_then(|call| self.others.get(&call.op)).unwrap_or(&self.calls);
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
        self.exchange(passenger, Channel::Socket).of(&mut path_and_query, &mut headers).map_err(unopened)?;
        let subprotocols = exchange::subprotocols(&headers).map(str::to_owned).collect();
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
        let handshake = Handshake { path_and_query, headers, subprotocols };
        match self.sockets.open(handshake, largest).await {
            Ok(opened) => Ok(OpenedPassage {
                socket: opened.socket,
                subprotocol: opened.subprotocol,
                held: Box::new(opened.counted),
            }),
            Err(refused) => Err(UnopenedPassage { status: refused.status, fault: refused.fault }),
        }
    }
}
