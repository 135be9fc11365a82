//! Where a file goes: the first rule of its route that fits it. In: what is known of the file, the fields that came before
//! it. Out: a way into all stores of that rule, or why none opened.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join;

use crate::backend::{FileAhead, Handover};
use crate::dialect::OnLoss;
use crate::event::{Event, EventKind, Field, Fields, MessageKind, Role, Value};
use crate::fault::{Fault, Reason};
use crate::media::{Claim, file_name};
use crate::placement::Facts;
use crate::store::{Intended, Writing};
use crate::trace::{Span, SpanKind};

use super::super::asked::{Asked, has_role};
use super::super::route::{Stores, UploadRule};
use super::super::storage_key::{self, StorageKey};

/// What is known of a file before it is written.
pub struct About<'a> {
    pub kind: MessageKind,
    pub name: &'a str,
    /// By the bytes or the name.
    pub mime: &'a str,
    /// As its sender says.
    pub declared: Option<&'a str>,
    /// In bytes; exact, or the most that it can still become.
    pub size: u64,
    /// Whether no field can come any more.
    pub all_came: bool,
}

/// A file on its way to where a rule says.
pub struct Placed {
    pub rule: Arc<UploadRule>,
    /// Into the rule's stores; absent where it has none.
    pub writing: Option<Box<dyn Writing>>,
    /// To where the route leads; absent where the rule says nothing of it, or the backend does not take it.
    pub handover: Option<Box<dyn Handover>>,
    /// Where it is certain already.
    pub key: Option<Key>,
    /// From when the stores were asked for a place, to when the file is there.
    pub span: Span,
}

/// The key of a file, nobody else's until this is dropped.
pub struct Key {
    pub text: String,
    /// Kept where somebody else could come to want the same key.
    claim: Option<Claim>,
}

impl Key {
    /// Whether somebody could guess it.
    pub fn is_guessable(&self) -> bool {
        self.claim.is_some()
    }
}

impl Placed {
    /// Resolves when all can take the next piece.
    pub async fn write(&mut self, asked: &Asked<'_>, chunk: Bytes) -> Result<(), Fault> {
        let storing = async {
            match &mut self.writing {
                Some(writing) => writing.write(chunk.clone()).await.map_err(Fault::from),
                None => Ok(()),
            }
        };
        let handing = async {
            match &mut self.handover {
                Some(handover) => handover.write(chunk.clone()).await,
                None => Ok(()),
            }
        };
        let (stored, handed) = join(storing, handing).await;
        stored?;
        match handed {
            Err(fault) if self.writing.is_some() && may_lose(asked, &fault) => self.handover = None,
            other => other?,
        }
        Ok(())
    }
}

/// Whether a file that the backend refuses for good may stay in the stores beside it: a message that names it is then told
/// with a link.
fn may_lose(asked: &Asked<'_>, fault: &Fault) -> bool {
    let refused = matches!(fault.reason, Reason::UnsupportedType | Reason::TooLarge | Reason::Missing);
    refused && asked.route.terms.on_loss == OnLoss::Degrade
}

/// Finds the rule and opens its stores.
pub async fn open(asked: &Asked<'_>, fields: &Fields<'static>, about: &About<'_>) -> Result<Placed, Fault> {
    let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
    let rule = find(asked, stores, fields, about).await?;
    let handover = match rule.to_backend {
        true => match hand_over(asked, fields, about).await {
            Ok(handover) => Some(handover),
            Err(fault) if rule.store.is_some() && may_lose(asked, &fault) => None,
            Err(fault) => return Err(fault),
        },
        false => None,
    };
    let Some(store) = &rule.store else {
        return Ok(Placed { rule, writing: None, handover, key: None, span: Span::NONE });
    };
    let span = Span::part(SpanKind::Internal, "store");
    span.say("dragoman.stores", &rule.names.join(", "));
    let key = key(asked, &rule, fields, about.name, about.all_came).await?;
    let intended =
        Intended { key: key.as_ref().map(|key| key.text.clone()), content_type: Some(about.mime.to_owned()) };
    let created = store.create(&intended).await.inspect_err(|_| span.fail("store"));
    let writing = Some(created?);
    Ok(Placed { rule, writing, handover, key, span })
}

/// Begins the backend's own upload. It cannot be taken back once it is whole, so who may not upload is found out now.
async fn hand_over(asked: &Asked<'_>, fields: &Fields<'static>, about: &About<'_>) -> Result<Box<dyn Handover>, Fault> {
    if !has_role(asked.call, &asked.caller.principal) {
        return Err(Reason::Role.into());
    }
    asked.checked_form(fields)?;
    let intent = super::intent_of(asked, &mut fields.clone()).await?;
    asked.route.backend.permit_upload(&asked.caller, &intent).await?;
    let file = FileAhead { kind: about.kind, name: about.name, mime: about.mime };
    let size = about.all_came.then_some(about.size);
    asked.route.backend.begin_upload(&asked.caller, &intent, &file, size).await
}

/// The key of a file; `None` where what may still come would change it.
pub async fn key(
    asked: &Asked<'_>,
    rule: &UploadRule,
    fields: &Fields<'static>,
    name: &str,
    all_came: bool,
) -> Result<Option<Key>, Fault> {
    let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
    let storage = &asked.route.dialect.storage;
    let fields = with_caller(asked, fields.clone());
    let key = storage_key::of(&rule.keys, storage, &fields, &file_name::safe(name), all_came);
    let Some(StorageKey { text, can_collide }) = key else { return Ok(None) };
    if !can_collide {
        return Ok(Some(Key { text, claim: None }));
    }
    let claim = stores.names.free(&stores.all, &text).await?;
    Ok(Some(Key { text: claim.key().to_owned(), claim: Some(claim) }))
}

/// What templates of keys may name: the call's fields, and who calls as what.
fn with_caller(asked: &Asked<'_>, mut named: Fields<'static>) -> Fields<'static> {
    let principal = &asked.caller.principal;
    let me = Value::from(principal.id.to_string());
    named.set(Field::SenderId, me.clone());
    if let Some(role) = principal.role {
        named.set_text(Field::SenderRole, role.as_str());
    }
    match principal.role {
        Some(Role::Store) => named.set(Field::ConversationOwner, me),
        Some(Role::Admin | Role::Agent | Role::Staff) => named.set(Field::ConversationAgent, me),
        Some(Role::Guest | Role::Visitor | Role::User | Role::Bot | Role::System) | None => {}
    }
    named
}

/// The rule that takes this file.
async fn find(
    asked: &Asked<'_>,
    stores: &Stores,
    fields: &Fields<'static>,
    about: &About<'_>,
) -> Result<Arc<UploadRule>, Fault> {
    let asks = stores.rules.iter().any(|rule| rule.condition.asks_for_event());
    let (event, conversation) = if asks { known(asked, fields, about).await? } else { Default::default() };
    let facts = Facts {
        kind: about.kind,
        mime: about.mime,
        declared: about.declared,
        size: about.size,
        conversation: &conversation,
        event: &event,
    };
    let rule = stores.rules.iter().find(|rule| rule.condition.holds(&facts));
    // A config whose last rule does not take everything fails its check.
    rule.map(Arc::clone).ok_or_else(|| Fault::new(Reason::NotSupported).detail("no rule takes this file"))
}

/// The upload as an event in canonical names, and every name of its conversation.
async fn known(
    asked: &Asked<'_>,
    fields: &Fields<'static>,
    about: &About<'_>,
) -> Result<(serde_json::Value, Vec<String>), Fault> {
    let native = fields.id(Field::ConversationId).map(std::borrow::Cow::into_owned);
    let mut canonical = fields.clone();
    // What it names need not be there; whether that matters is checked in the dialect's own order, later.
    if let Err(fault) = asked.route.naming.inward(&asked.route.dialect, &asked.caller, &mut canonical).await {
        if fault.reason == Reason::Unavailable {
            return Err(fault);
        }
        for field in [Field::ConversationId, Field::ReceiverId] {
            canonical.remove(field);
        }
    }
    let mut conversation: Vec<String> = native.into_iter().collect();
    conversation.extend(canonical.id(Field::ConversationId).map(std::borrow::Cow::into_owned));
    canonical.set_kind(EventKind::Message(about.kind));
    let mut event = Event::from_fields(&canonical).unwrap_or_else(|| Event::new(EventKind::Message(about.kind)));
    event.details.kind = Some(about.kind);
    event.details.sender.id = asked.caller.principal.id.to_string();
    event.details.sender.role = asked.caller.principal.role;
    event.details.attachment.name = Some(about.name.to_owned());
    event.details.attachment.mime = Some(about.mime.to_owned());
    event.details.attachment.size = i64::try_from(about.size).ok();
    event.details.origin.route = Some(asked.route.name.to_string());
    event.details.origin.dialect = Some(asked.route.dialect.name.to_string());
    let event = serde_json::to_value(&event.details);
    Ok((event.map_err(|error| Fault::new(Reason::Internal).detail(error.to_string()))?, conversation))
}
