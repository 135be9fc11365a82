//! How the upstream is told a message. In: the event in canonical names. Out: its fields in the upstream's, with the handle
//! of its file; or the same in words, with a link, where the upstream has no place for it.

use crate::backend::Caller;
use crate::dialect::{Audience, Degradation, OnLoss, Spelled, as_text};
use crate::event::{Event, EventKind, Field, Fields, MessageKind, Value};
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::upstream::Inner;
use crate::upstream::account::Account;
use crate::upstream::call::unwritable;
use crate::upstream::once::Turn;

/// An event as the upstream is told it.
#[derive(Clone)]
pub struct Told {
    pub fields: Fields<'static>,
    /// Words that need a message of their own, after the file.
    pub caption: Option<String>,
    /// The handle of the file is one that an earlier send got: the upstream may have forgotten it.
    pub kept: bool,
}

impl Inner {
    /// The event in the upstream's names, with the handle that its shape needs. Fails with what the upstream cannot take.
    pub(super) async fn plan(
        &self,
        caller: &Caller,
        account: &Account,
        event: &Event,
        turn: Option<&Turn>,
    ) -> Result<Told, Fault> {
        let dialect = &self.settings.dialect;
        let Spelled { mut fields, has_lines } = self.spelled(event.fields().into_owned());
        if has_lines && caller.terms.on_loss == OnLoss::Refuse {
            return Err(Fault::new(Reason::Lossy).detail("the upstream has no buttons"));
        }
        let said: Vec<Field> = fields.iter().map(|(field, _)| field).collect();
        if let Some(why) = dialect.refuses_file(&fields) {
            return Err(Fault::new(why.file_refusal()).detail("the upstream's dialect does not take such a file"));
        }
        let way = self.way(caller, &fields).ok_or_else(|| unwritable(crate::dialect::Unwritable::NoShape))?;
        let (told, alone) = self.told_by(&way, fields.kind());
        self.names.outward(&mut fields).await?;
        let mut kept = false;
        if event.kind.message().is_some_and(MessageKind::is_file) {
            if let Some(turn) = turn.filter(|_| told.contains(&Field::AttachmentChatId)) {
                // The upload is the message already.
                turn.intend().await?;
            }
            kept = self.give_handle(caller, account, event, &mut fields, &told).await?;
        }
        let by_upload = told.contains(&Field::AttachmentChatId);
        let untold = (!told.contains(&Field::Body) || alone) && !by_upload;
        let is_file = event.kind.message().is_some_and(MessageKind::is_file);
        let caption = if untold && is_file { fields.remove(Field::Body) } else { None };
        let caption = caption.and_then(|value| value.as_text().map(str::to_owned)).filter(|text| !text.is_empty());
        let uploaded = event.kind.message().map(|kind| dialect.told_by_uploads(kind)).unwrap_or_default();
        let lost = said.into_iter().filter(|field| {
            // The words of a file follow where they have no place beside it.
            let told_apart = is_file && (by_upload || *field == Field::Body) || uploaded.contains(field);
            !crate::dialect::is_told(*field, &told) && !told_apart && !self.is_ours_to_say(*field)
        });
        let degraded = has_lines.then_some(Degradation::Buttons.as_str());
        metrics::count_losses(&caller.dialect, &dialect.name, lost.map(|field| field.path()), degraded.into_iter());
        Ok(Told { fields, caption, kept })
    }

    /// With buttons as lines where the upstream has none: those that the other side sees, as it is the upstream that hears.
    pub fn spelled(&self, fields: Fields<'static>) -> Spelled<'static> {
        let spelled = self.settings.dialect.spelled(&fields, Audience::Receiver);
        spelled.unwrap_or(Spelled { fields, has_lines: false })
    }

    /// Facts that a client never says of itself: the upstream knows them, or gives them.
    fn is_ours_to_say(&self, field: Field) -> bool {
        let path = field.path();
        path.starts_with("sender.")
            || path.starts_with("conversation.")
            || path.starts_with("guest.")
            || path.starts_with("receiver.")
            || path.starts_with("receipt.")
            || matches!(field, Field::Id | Field::Kind | Field::SentAt | Field::ReceivedAt | Field::UpdatedAt)
    }

    /// The same in words, with a link to the file: or a refusal, where the route wants that.
    pub(super) async fn degraded(&self, caller: &Caller, event: &Event, why: Fault) -> Result<Told, Fault> {
        let refused_here = matches!(
            why.reason,
            Reason::UnsupportedType | Reason::TooLarge | Reason::NotSupported | Reason::Lossy | Reason::Invalid
        );
        let Some(kind) = event.kind.message().filter(|kind| *kind != MessageKind::Text && refused_here) else {
            return Err(why);
        };
        if caller.terms.on_loss == OnLoss::Refuse {
            return Err(match why.reason {
                Reason::NotSupported => Fault::new(Reason::Lossy).detail("the upstream has no such message"),
                _ => why,
            });
        }
        let Spelled { mut fields, has_lines } = self.spelled(as_text(&event.fields(), kind).into_owned());
        self.names.outward(&mut fields).await?;
        let reason = match why.reason {
            Reason::UnsupportedType => Degradation::Type,
            Reason::TooLarge => Degradation::Size,
            _ => Degradation::Kind,
        };
        let degraded = std::iter::once(reason).chain(has_lines.then_some(Degradation::Buttons));
        metrics::count_losses(
            &caller.dialect,
            &self.settings.dialect.name,
            std::iter::once(Field::Kind.path()),
            degraded.map(Degradation::as_str),
        );
        Ok(Told { fields, caption: None, kept: false })
    }

    /// As the upstream will say it when it comes back: its own names, its own handle of the file.
    pub(super) fn as_sent(&self, event: &Event, fields: &Fields<'_>) -> Event {
        let mut sent = Event::from_fields(fields).unwrap_or_else(|| event.clone());
        sent.details.conversation.id.clone_from(&event.details.conversation.id);
        if sent.details.attachment.name.is_none() {
            sent.details.attachment.name.clone_from(&event.details.attachment.name);
        }
        sent.details.id.clear();
        sent
    }
}

/// The words of a file as a message of their own.
pub(super) fn words(event: &Event, text: String) -> Event {
    let mut said = Event::new(EventKind::Message(MessageKind::Text));
    said.details.conversation.id.clone_from(&event.details.conversation.id);
    said.details.sender = event.details.sender.clone();
    said.details.body = Some(text);
    said
}

/// The same record as words only.
pub(super) fn caption_fields(fields: &mut Fields<'static>, text: &str) {
    let files: Vec<Field> =
        fields.iter().map(|(field, _)| field).filter(|field| field.path().starts_with("attachment.")).collect();
    for field in files {
        fields.remove(field);
    }
    fields.set_kind(EventKind::Message(MessageKind::Text));
    fields.remove(Field::Kind);
    fields.set(Field::Body, Value::Text(text.to_owned().into()));
}
