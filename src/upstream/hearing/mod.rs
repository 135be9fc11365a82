//! What an upstream says on a socket. In: frames of its dialect. Out: events in canonical names for those who listen,
//! outcomes for those who wait.

mod callback;
mod claims;
mod identity;
mod inbound;
mod missed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::uri::PathAndQuery;
use tokio::time::timeout;

use crate::dialect::Socket as Contract;
use crate::event::{Event, EventKind, Field, Fields, Timestamp};
use crate::fault::{Blame, Fault, Reason};
use crate::metrics;
use crate::socket::{Incoming, Socket, WebSocket};

use super::Inner;
use super::account::Account;
use super::call::{refusal, with_query};
use super::correlator::Acknowledged;
use super::credential::Placed;
use super::link::{End, Hears, Link, Outage, Status};
use super::transport::{Counted, Handshake};

pub use claims::Claims;

/// Bytes of a frame that an upstream may send.
const LARGEST_FRAME: usize = 1024 * 1024;

/// The owner of one socket.
pub struct Hearing {
    pub upstream: Arc<Inner>,
    pub account: Arc<Account>,
    pub conversation: Option<String>,
    /// Which of the dialect's sockets it is.
    pub socket: usize,
}

#[async_trait]
impl Hears for Hearing {
    type Socket = WebSocket;
    type Kept = Counted;

    async fn open(&self) -> Result<(WebSocket, Counted), Status> {
        let status = |fault: Fault| if is_for_good(&fault) { Status::Over(fault) } else { Status::Down(fault) };
        let handshake = self.handshake().await.map_err(status)?;
        let transport = &self.upstream.socket_transport;
        let opened = transport.open(handshake, LARGEST_FRAME).await.map_err(|refused| {
            let Some(code) = refused.status else { return Status::Down(refused.fault) };
            let reason = refusal::of_handshake(code, self.upstream.credentials.is_forwarded());
            let retry_after = refused.fault.retry_after;
            let detail = format!("the upstream answered the handshake with {code}");
            status(Fault { retry_after, ..Fault::new(reason).detail(detail) })
        })?;
        let greets = self.contract().server.greets();
        let socket = if greets { self.greeted(opened.socket).await? } else { opened.socket };
        Ok((socket, opened.counted))
    }

    async fn catch_up(&self, link: &Link, outage: Outage) -> bool {
        self.upstream.catch_up(&self.account, link, outage).await
    }

    async fn hear(&self, link: &Link, text: &str) {
        let read = match self.contract().server.read(text) {
            Ok(read) => read,
            Err(fault) => {
                metrics::count_unreadable(&self.upstream.settings.name);
                tracing::debug!(upstream = %self.upstream.settings.name, %fault, "a frame that its dialect does not know");
                return;
            }
        };
        let frame = &self.contract().server.frames[read.frame];
        if frame.on_open {
            return;
        }
        let (is_copy, confirms) = (frame.is_copy(), frame.confirms);
        let fields = read.fields.into_owned();
        if fields.kind() == Some(EventKind::Error) {
            let text = fields.text(Field::ErrorText).unwrap_or_default();
            let fault = refusal::of_frame(&self.upstream.settings.dialect, self.contract(), text);
            if !link.correlator().refused(fault.clone()) {
                tracing::info!(upstream = %self.upstream.settings.name, %fault, "the upstream refused what nobody waits for");
            }
            return;
        }
        if confirms {
            return self.confirmed(link, fields).await;
        }
        if frame.is_answer() && fields.message_kind().is_none() {
            return self.answered(link, fields).await;
        }
        if let Err(fault) = self.upstream.take_in(&self.account, Some(link), fields, is_copy).await {
            tracing::warn!(upstream = %self.upstream.settings.name, %fault, "what the upstream said could not be passed on");
        }
    }

    async fn wrote(&self, link: &Link, send: u64) {
        let taken = link.correlator().take(send);
        let Some(pending) = taken else { return };
        if let Err(fault) = self.upstream.confirm_unsaid(&self.account, pending).await {
            tracing::warn!(upstream = %self.upstream.settings.name, %fault, "what was sent could not be passed on");
        }
    }

    async fn closed(&self, code: Option<u16>) -> End {
        let fault = self.of_close(code);
        if fault.reason == Reason::Ended {
            self.ended().await;
        }
        if is_for_good(&fault) { End::Over(fault) } else { End::Lost(fault) }
    }

    fn is_needed(&self) -> bool {
        self.account.is_heard(self.conversation.as_deref())
    }

    fn stalled_after(&self) -> Duration {
        self.upstream.settings.stalled_after
    }

    fn let_go(&self, link: &Arc<Link>, unasked: Duration, why: &Fault) -> bool {
        self.account.let_go(link, unasked, why)
    }

    fn over(&self, link: &Arc<Link>, why: &Fault) {
        // Where another socket stands in its place already, those who listen hear by that.
        if self.account.unlink(link) {
            self.account.dismiss(self.conversation.as_deref(), why.reason);
        }
    }
}

impl Hearing {
    fn contract(&self) -> &Contract {
        &self.upstream.settings.dialect.sockets[self.socket]
    }

    /// What a close means to the client. Who refuses a credential of ours says nothing about the client.
    fn of_close(&self, code: Option<u16>) -> Fault {
        let reason = code.and_then(|code| refusal::of_close(self.contract(), code)).unwrap_or(Reason::Upstream);
        let credential = matches!(reason, Reason::Unauthorized | Reason::Unauthenticated | Reason::Role);
        let reason = if credential && !self.upstream.credentials.is_forwarded() { Reason::Upstream } else { reason };
        let code = code.map_or("no code".to_owned(), |code| code.to_string());
        Fault::new(reason).detail(format!("the upstream closed its socket with {code}"))
    }

    /// The upstream confirms what waits longest on this socket by the id that it gave it: the message itself does not come back.
    async fn confirmed(&self, link: &Link, mut fields: Fields<'static>) {
        if let Err(fault) = self.upstream.names.inward(&mut fields, None).await {
            tracing::warn!(%fault, "a confirmation could not be read");
            return;
        }
        let Some(id) = fields.id(Field::Id).map(|id| id.into_owned()) else { return };
        let Some(pending) = link.correlator().confirm_first() else { return };
        let mut came = pending.event.clone();
        came.details.sent_at = fields.time(Field::SentAt).or(came.details.sent_at);
        came.details.id = id;
        if let Err(fault) = self.upstream.told_of(&self.account, pending, &came).await {
            tracing::warn!(upstream = %self.upstream.settings.name, %fault, "what was confirmed could not be passed on");
        }
    }

    /// The upstream took something. Of a message that is worth knowing; of all else nobody waits for it.
    async fn answered(&self, link: &Link, mut fields: Fields<'static>) {
        if fields.kind() != Some(EventKind::Receipt) || fields.text(Field::ReceiptStatus) != Some("sent") {
            return;
        }
        if let Err(fault) = self.upstream.names.inward(&mut fields, None).await {
            tracing::warn!(%fault, "an acknowledgment could not be read");
            return;
        }
        let (Some(id), Some(conversation)) = (fields.id(Field::Id), fields.id(Field::ConversationId)) else { return };
        let acknowledged = Acknowledged { id: id.into_owned(), at: fields.time(Field::SentAt) };
        link.correlator().acknowledge(&conversation, acknowledged);
    }

    async fn handshake(&self) -> Result<Handshake, Fault> {
        let caller = self.account.caller();
        let contract = self.contract();
        let mut placed = Placed::default();
        let secret = self.upstream.credentials.value("", &caller)?;
        if let (Some(places), Some(secret)) = (self.upstream.settings.dialect.credentials.get(""), &secret) {
            placed.put(&places.socket, secret)?;
        }
        let mut bound: Vec<(&str, String)> = Vec::new();
        if let Some(conversation) = &self.conversation {
            let native = self.upstream.names.conversation(conversation).await?;
            let native = native.ok_or_else(|| Fault::new(Reason::ConversationNotFound))?;
            let of_conversation = contract.bindings.iter().filter(|binding| binding.field == Field::ConversationId);
            bound.extend(of_conversation.map(|binding| (binding.query.as_str(), native.clone())));
        }
        let secrets = placed.query.iter().map(|(name, secret)| (name.as_str(), secret.expose().to_owned()));
        let path = contract.paths.first().cloned().unwrap_or_else(|| "/".to_owned());
        let target = with_query(path, bound.into_iter().chain(secrets));
        let path_and_query = PathAndQuery::try_from(target).map_err(|_| Fault::new(Reason::Internal))?;
        Ok(Handshake { path_and_query, headers: placed.headers, subprotocols: placed.subprotocols })
    }

    /// A dialect that greets is open only then: until it has, it may close with what is wrong.
    async fn greeted(&self, mut socket: WebSocket) -> Result<WebSocket, Status> {
        let lost = |why: &str| Status::Down(Fault::new(Reason::Upstream).detail(why));
        let greeting = async {
            loop {
                match socket.receive().await {
                    Incoming::Text(text) => {
                        let server = &self.contract().server;
                        if server.read(&text).is_ok_and(|read| server.frames[read.frame].on_open) {
                            return Ok(());
                        }
                    }
                    Incoming::Alive | Incoming::Pong(_) | Incoming::Binary => {}
                    Incoming::Closed(code) => {
                        let fault = self.of_close(code);
                        if fault.reason == Reason::Ended {
                            // While there was no socket.
                            self.ended().await;
                        }
                        return Err(if is_for_good(&fault) { Status::Over(fault) } else { Status::Down(fault) });
                    }
                    Incoming::TooLarge | Incoming::Broken(_) => return Err(lost("it broke the protocol")),
                }
            }
        };
        match timeout(self.upstream.settings.timeout, greeting).await {
            Ok(greeted) => greeted.map(|()| socket),
            Err(_) => Err(Status::Down(Fault::new(Reason::UpstreamTimeout).detail("it did not greet"))),
        }
    }

    /// The upstream closed a conversation without a word, or after it.
    async fn ended(&self) {
        let Some(conversation) = &self.conversation else { return };
        let mut event = Event::new(EventKind::SessionEnded);
        event.details.conversation.id.clone_from(conversation);
        event.details.sent_at = Some(Timestamp::now());
        if let Err(fault) = self.upstream.end_once(&self.account, event).await {
            tracing::warn!(%fault, "the end of a conversation could not be told");
        }
    }
}

/// Whether another attempt would end the same way.
fn is_for_good(fault: &Fault) -> bool {
    fault.reason.blame() == Blame::Client && !fault.reason.retry_helps()
}

/// What is told of the one who sent a message, in the upstream's names.
#[derive(Debug, Default)]
pub struct Told {
    pub id: Option<String>,
    pub name: Option<String>,
    pub role: Option<crate::event::Role>,
}

impl Told {
    pub fn of(fields: &Fields<'_>) -> Self {
        Told {
            id: fields.id(Field::SenderId).map(|id| id.into_owned()),
            name: fields.text(Field::SenderName).filter(|name| !name.is_empty()).map(str::to_owned),
            role: fields.text(Field::SenderRole).and_then(crate::event::Role::parse),
        }
    }
}
