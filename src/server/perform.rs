//! The operation of a call. In: fields in canonical names. Out: the fields of its answer, in the dialect's names again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::activity::{self, Happening, Step};
use crate::backend::{Listed, Listing, Page, SessionRequest};
use crate::dialect::{Audience, ListingKind, Op};
use crate::event::{Conversation, Event, EventKind, Field, Fields, Guest, Party, Role, Value};
use crate::fault::{Fault, Reason};
use crate::trace::{self, Span};

use super::asked::Asked;
use super::login;

/// How long a token is good that a visitor without a credential was given.
const VISITOR_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Does what the call asks.
pub async fn perform(asked: &Asked<'_>, fields: Fields<'static>) -> Result<Fields<'static>, Fault> {
    let id = fields.id(Field::ConversationId).map(std::borrow::Cow::into_owned);
    let named = || id.clone().ok_or_else(|| Fault::missing(Field::ConversationId));
    let backend = &asked.route.backend;
    match asked.call.op {
        Op::SessionOpen => open_session(asked, &fields).await,
        Op::Send => send(asked, &fields, id).await,
        Op::History | Op::SessionShow => {
            let id = named()?;
            let listed = backend.conversation(&asked.caller, &id).await;
            let mut answer = match listed {
                Ok(listed) => conversation(asked, &listed.conversation, &listed.guest).await?,
                // Two parties who have not spoken have a history without a conversation.
                Err(fault) if fault.reason == Reason::ConversationNotFound && asked.call.op == Op::History => {
                    Fields::new()
                }
                Err(fault) => return Err(fault),
            };
            add_messages(asked, &id, &fields, &mut answer).await?;
            Ok(answer)
        }
        Op::Files => {
            let events = backend.files(&asked.caller, &named()?).await?;
            let mut answer = Fields::new();
            answer.set(Field::Messages, Value::List(records(asked, &events).await?));
            Ok(answer)
        }
        Op::SessionList | Op::Threads | Op::Notifications => list(asked, &fields).await,
        Op::Claim => {
            let claimed = backend.claim(&asked.caller, &named()?).await?;
            conversation(asked, &claimed, &Guest::default()).await
        }
        Op::Close => {
            let closed = backend.close(&asked.caller, &named()?).await?;
            conversation(asked, &closed, &Guest::default()).await
        }
        Op::Read => {
            let id = named()?;
            let read = backend.read(&asked.caller, &id).await?;
            let mut answer = Fields::new();
            answer.set_text(Field::ConversationId, id);
            answer.set(Field::Count, Value::Integer(i64::try_from(read.len()).unwrap_or(i64::MAX)));
            asked.route.naming.rename(&asked.route.dialect, &mut answer).await?;
            Ok(answer)
        }
        Op::Grant => {
            let grant = backend.grant_upload(&asked.caller).await?;
            let mut answer = Fields::new();
            answer.set_text(Field::GrantToken, grant.token);
            Ok(answer)
        }
        Op::Subscribe => {
            backend.subscribe(&asked.caller, fields).await?;
            Ok(Fields::new())
        }
        Op::Login | Op::Refresh => login::answer(asked, &fields).await,
        Op::Upload => Err(Fault::new(Reason::NotSupported)),
    }
}

async fn open_session(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<Fields<'static>, Fault> {
    let text = |field| fields.id(field).map(std::borrow::Cow::into_owned);
    let request = SessionRequest {
        business: text(Field::ConversationBusiness),
        department: text(Field::ConversationDepartment),
        customer: text(Field::ConversationCustomer),
        kind: Some(asked.route.dialect.naming.kind),
        guest: guest_asked_for(fields),
    };
    let guest = request.guest.clone().unwrap_or_default();
    let opened = asked.route.backend.open_session(&asked.caller, request).await?;
    let mut answer = conversation(asked, &opened, &guest).await?;
    if asked.caller.principal.role == Some(Role::Visitor) && asked.caller.principal.expires.is_none() {
        let mut visitor = asked.caller.principal.clone();
        visitor.conversations = vec![opened.id.clone()];
        let token = asked.route.visitors.mint(&visitor, VISITOR_LIFETIME);
        let token = token.map_err(|error| Fault::new(Reason::Internal).detail(error.to_string()))?;
        answer.set_text(Field::VisitorToken, token);
    }
    if tells(asked, Field::Messages) {
        add_messages(asked, &opened.id, fields, &mut answer).await?;
    }
    Ok(answer)
}

/// With whom somebody of the house begins a conversation.
fn guest_asked_for(fields: &Fields<'_>) -> Option<Guest> {
    let number = fields.text(Field::GuestWhatsapp).filter(|number| !number.is_empty())?;
    let name = fields.text(Field::GuestName).map(str::to_owned);
    Some(Guest { name, whatsapp_number: Some(number.to_owned()), ..Guest::default() })
}

async fn send(asked: &Asked<'_>, fields: &Fields<'static>, id: Option<String>) -> Result<Fields<'static>, Fault> {
    let mut event = Event::from_fields(fields).ok_or_else(|| Fault::new(Reason::UnknownAction))?;
    if event.details.conversation.id.is_empty() {
        event.details.conversation.id = match id {
            Some(id) => id,
            None => asked.route.backend.open_session(&asked.caller, SessionRequest::default()).await?.id,
        };
    }
    event.details.sender = Party { id: asked.caller.principal.id.to_string(), ..Party::default() };
    event.details.origin.route = Some(asked.caller.route.to_string());
    event.details.origin.dialect = Some(asked.caller.dialect.to_string());
    event.details.origin.key = asked
        .parts
        .headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .filter(|key| !key.is_empty() && key.len() <= 200)
        .map(|key| format!("{}/{key}", asked.caller.principal.id));
    let sends = event.kind.message().map(|_| &asked.route.counts.sends);
    let came = Instant::now();
    sends.inspect(|sends| sends.accept());
    let happening = Happening::seen(Step::Accepted, &asked.route.name, &asked.route.dialect.name, &event);
    let conversation = event.details.conversation.id.clone();
    let span = match sends {
        Some(_) => trace::message_span(&asked.route.name, &conversation),
        None => Span::NONE,
    };
    event.details.origin.trace = span.as_parent();
    let sent = trace::about_message(&conversation, &span, asked.route.backend.send(&asked.caller, event)).await;
    activity::tell_taken(happening, sent.as_ref().err().map(|fault| fault.reason.as_str()));
    let sent = sent.inspect_err(|fault| span.fail(fault.reason.as_str()))?;
    sends.inspect(|sends| sends.hand_on());
    let accepted = sent.outcome().await.inspect_err(|fault| span.fail(fault.reason.as_str()))?;
    drop(span);
    sends.inspect(|sends| sends.confirm(came));
    let mut answer = record(asked, &accepted).await?.unwrap_or_default();
    let itself = answer.clone();
    answer.set(Field::LastMessage, Value::List(vec![itself]));
    Ok(answer)
}

async fn list(asked: &Asked<'_>, fields: &Fields<'_>) -> Result<Fields<'static>, Fault> {
    let listing = match asked.call.listing {
        ListingKind::Mine => Listing::Mine,
        ListingKind::Open => Listing::Open,
        ListingKind::Visible => Listing::Visible,
    };
    let (found, count) = asked.route.backend.conversations(&asked.caller, listing, page(asked, fields)).await?;
    let mut conversations = Vec::with_capacity(found.len());
    for listed in &found {
        conversations.extend(listed_record(asked, listed).await?);
    }
    let mut answer = Fields::new();
    answer.set(Field::Conversations, Value::List(conversations));
    answer.set(Field::Count, Value::Integer(i64::try_from(count).unwrap_or(i64::MAX)));
    Ok(answer)
}

/// A conversation of a list, with its last message and, for conversations of two, the other one.
async fn listed_record(asked: &Asked<'_>, listed: &Listed) -> Result<Option<Fields<'static>>, Fault> {
    let mut event = Event::new(EventKind::ConversationUpdated);
    event.details.conversation = listed.conversation.clone();
    event.details.guest = listed.guest.clone();
    // Seen as a message of the other one, a conversation of two names its counterpart.
    let other = listed.members.iter().find(|member| member.id != *asked.caller.principal.id);
    event.details.sender = other.cloned().unwrap_or_default();
    let seen = asked.route.naming.outward(&asked.route.dialect, &asked.caller.principal, &event).await?;
    let Some(mut fields) = seen else { return Ok(None) };
    if let Some(last) = &listed.last
        && let Some(record) = record(asked, last).await?
    {
        fields.set(Field::LastMessage, Value::List(vec![record]));
    }
    Ok(Some(fields))
}

async fn add_messages(
    asked: &Asked<'_>,
    id: &str,
    fields: &Fields<'_>,
    answer: &mut Fields<'static>,
) -> Result<(), Fault> {
    let events = asked.route.backend.history(&asked.caller, id, page(asked, fields)).await?;
    answer.set(Field::Messages, Value::List(records(asked, &events).await?));
    Ok(())
}

fn page(asked: &Asked<'_>, fields: &Fields<'_>) -> Page {
    let rule = asked.call.page;
    let said = |field| fields.integer(field).and_then(|number| usize::try_from(number).ok());
    let wanted = |field| said(field).filter(|number| *number > 0);
    let number = said(Field::PageNumber).map(|number| (number + 1).saturating_sub(rule.first));
    Page {
        // Beyond this a page is empty anyway; the bound keeps the arithmetic small.
        number: number.unwrap_or(1).clamp(1, 100_000),
        size: wanted(Field::PageSize).unwrap_or(rule.size).min(rule.max),
        newest_first: rule.newest_first,
    }
}

async fn records(asked: &Asked<'_>, events: &[Arc<Event>]) -> Result<Vec<Fields<'static>>, Fault> {
    let mut records = Vec::with_capacity(events.len());
    for event in events {
        records.extend(record(asked, event).await?);
    }
    Ok(records)
}

/// A message in the dialect's names, as text where the dialect has no other form for it.
pub async fn record(asked: &Asked<'_>, event: &Event) -> Result<Option<Fields<'static>>, Fault> {
    let dialect = &asked.route.dialect;
    let seen = asked.route.naming.outward(dialect, &asked.caller.principal, event).await?;
    let audience = match event.details.sender.id == *asked.caller.principal.id {
        true => Audience::Sender,
        false => Audience::Receiver,
    };
    Ok(seen.map(|fields| dialect.fitted(fields, audience)))
}

/// A conversation in the dialect's names.
async fn conversation(asked: &Asked<'_>, conversation: &Conversation, guest: &Guest) -> Result<Fields<'static>, Fault> {
    let mut event = Event::new(EventKind::ConversationUpdated);
    event.details.conversation = conversation.clone();
    event.details.guest = guest.clone();
    let mut fields = event.fields().into_owned();
    asked.route.naming.rename(&asked.route.dialect, &mut fields).await?;
    Ok(fields)
}

/// Whether the call's answer has a place for this.
fn tells(asked: &Asked<'_>, field: Field) -> bool {
    let shapes = &asked.call.answer.shapes;
    (0..shapes.frames.len()).any(|at| shapes.told(at).contains(&field))
}
