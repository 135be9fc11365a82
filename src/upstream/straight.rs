//! An upload on its way straight to the upstream, by the upstream's own upload call, while the client still sends it. In:
//! pieces. Out: a handle kept for the message that names the file; given up, the upstream never gets the end of it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{StreamExt, unfold};
use tokio::sync::{mpsc, oneshot};

use crate::backend::{Caller, FileAhead, Handover, UploadIntent};
use crate::dialect::{Op, Request};
use crate::event::{Attachment, Event, EventKind, Field, Fields};
use crate::fault::{Fault, Reason};

use super::Inner;
use super::call::Outgoing;

/// Pieces between the client and the upstream: the slower of them sets the pace.
const AHEAD: usize = 2;

/// What is told to the call.
enum Piece {
    Bytes(Bytes),
    /// All came.
    End,
}

/// An upload that the upstream reads.
struct Straight {
    upstream: Arc<Inner>,
    caller: Caller,
    event: Event,
    /// In the upstream's names.
    fields: Fields<'static>,
    pieces: mpsc::Sender<Piece>,
    answer: oneshot::Receiver<Result<Fields<'static>, Fault>>,
    taken: u64,
    most: Option<u64>,
}

impl Inner {
    /// Begins an upload there. Fails with `UnsupportedType` or `TooLarge` for what the upstream's dialect does not take,
    /// and with `Missing` where its call needs to know more than is known before a message names the file.
    pub async fn straight(
        self: &Arc<Self>,
        caller: &Caller,
        intent: &UploadIntent,
        file: &FileAhead<'_>,
        size: Option<u64>,
    ) -> Result<Box<dyn Handover>, Fault> {
        let event = event_of(intent, file);
        let dialect = &self.settings.dialect;
        if dialect.refuses_file(&event.fields()).is_some() {
            return Err(Fault::new(Reason::UnsupportedType).detail("the upstream's dialect does not take it"));
        }
        let most = dialect.types.max(file.kind);
        if let Some((size, most)) = size.zip(most).filter(|(size, most)| size > most) {
            return Err(Fault::larger_than(most).detail(format!("{size} bytes for the upstream")));
        }
        let mut fields = event.fields().into_owned();
        self.names.outward(&mut fields).await?;
        if let Some(owner) = self.owner_there(caller) {
            fields.set_text(Field::AttachmentOwner, owner);
        }
        let call = self.call_for(Op::Upload, caller, &fields, Some(file.kind));
        let call = call.ok_or_else(|| Fault::new(Reason::UnsupportedType).detail("it takes no upload of this kind"))?;
        if let Some(field) = lacking(&call.request, &fields) {
            return Err(Fault::missing(field));
        }
        let id = call.id.clone();
        let (pieces, taken) = mpsc::channel(AHEAD);
        let (told, answer) = oneshot::channel();
        let outgoing = Outgoing {
            name: file.name.to_owned(),
            mime: file.mime.to_owned(),
            size,
            chunks: unfold(Some(taken), next_piece).boxed(),
        };
        let (upstream, asker, asked, kind) = (Arc::clone(self), caller.clone(), fields.clone(), file.kind);
        self.tasks.spawn(async move {
            let call = upstream.settings.dialect.calls.iter().find(|call| call.id == id);
            let answered = match call {
                Some(call) => upstream.ask(&asker, call, &asked, Some((kind, outgoing))).await,
                None => Err(Fault::new(Reason::NotSupported)),
            };
            // Whoever gave up hears of nothing.
            let _ = told.send(answered);
        });
        let upstream = Arc::clone(self);
        Ok(Box::new(Straight { upstream, caller: caller.clone(), event, fields, pieces, answer, taken: 0, most }))
    }
}

/// The upload as the message that may name it.
fn event_of(intent: &UploadIntent, file: &FileAhead<'_>) -> Event {
    let mut event = Event::new(EventKind::Message(file.kind));
    event.details.kind = Some(file.kind);
    event.details.conversation.id = intent.conversation.clone().unwrap_or_default();
    event.details.receiver.id = intent.receiver.clone().unwrap_or_default();
    event.details.body.clone_from(&intent.body);
    event.details.attachment.name = Some(file.name.to_owned());
    event.details.attachment.mime = Some(file.mime.to_owned());
    event
}

/// The field that a form must have and that is not known.
fn lacking(request: &Request, fields: &Fields<'_>) -> Option<Field> {
    let Request::Multipart { parts, .. } = request else { return None };
    let needed = parts.iter().filter(|part| part.written && !part.optional).filter_map(|part| part.field);
    needed.into_iter().find(|field| !fields.has(*field))
}

/// One that ends before all came has failed: its form must not look whole.
async fn next_piece(
    taken: Option<mpsc::Receiver<Piece>>,
) -> Option<(std::io::Result<Bytes>, Option<mpsc::Receiver<Piece>>)> {
    let mut taken = taken?;
    match taken.recv().await {
        Some(Piece::Bytes(bytes)) => Some((Ok(bytes), Some(taken))),
        Some(Piece::End) => None,
        None => {
            let fault = Fault::new(Reason::Malformed).detail("its client gave the upload up");
            Some((Err(std::io::Error::other(fault)), None))
        }
    }
}

impl Straight {
    /// Why the call ended before it was given everything.
    async fn ended(&mut self) -> Fault {
        match (&mut self.answer).await {
            Ok(Err(fault)) => fault,
            Ok(Ok(_)) => Fault::new(Reason::Upstream).detail("it answered before it had the file"),
            Err(_) => Fault::new(Reason::GoingAway),
        }
    }
}

#[async_trait]
impl Handover for Straight {
    async fn write(&mut self, chunk: Bytes) -> Result<(), Fault> {
        self.taken += chunk.len() as u64;
        if let Some(most) = self.most.filter(|most| self.taken > *most) {
            return Err(Fault::larger_than(most).detail("the upstream's dialect does not take such a file"));
        }
        match self.pieces.send(Piece::Bytes(chunk)).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.ended().await),
        }
    }

    async fn finish(self: Box<Self>, file: &mut Attachment) -> Result<(), Fault> {
        let Straight { upstream, caller, mut event, fields, pieces, answer, .. } = *self;
        // If it does not want the end, its answer says why.
        let _ = pieces.send(Piece::End).await;
        let answer = answer.await.unwrap_or_else(|_| Err(Fault::new(Reason::GoingAway)))?;
        event.details.attachment.sha256.clone_from(&file.sha256);
        let url = upstream.keep_handle(&caller, &event, &fields, &answer).await?;
        if file.url.is_some() {
            return Ok(());
        }
        // Nobody else has it: clients read it from there, under an address of ours.
        event.details.attachment.url = url;
        upstream.show_files(&caller, &mut event).await?;
        let shown = event.details.attachment;
        let url = shown.url.ok_or_else(|| Fault::new(Reason::Upstream).detail("the upload gave no address"))?;
        file.path = shown.path.or_else(|| path_of(&url));
        file.url = Some(url);
        Ok(())
    }
}

fn path_of(url: &str) -> Option<String> {
    url.splitn(4, '/').nth(3).map(|path| format!("/{path}"))
}
