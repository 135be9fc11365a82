//! The last step of an upload: the file gets its name, becomes visible, and the backend hears of it. In: a whole file that
//! passed every check. Out: the fields of the answer; or nothing is left of the file.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::activity::{self, Happening, Step};
use crate::backend::{Kept, UploadIntent};
use crate::event::{Attachment, Field, Fields};
use crate::fault::{Fault, Reason};
use crate::media::{Unfinished, file_name};
use crate::store::{Store, StoreError, Writing};
use crate::tasks::Tasks;
use crate::{metrics, percent};

use super::super::asked::Asked;
use super::super::perform;
use super::super::route::{Stores, UploadRule};
use super::intake::{Content, Taken};
use super::place::{self, About, Key, Placed};
use super::{picture, scan};

pub(super) async fn keep(
    asked: &Asked<'_>,
    mut intent: UploadIntent,
    named: Fields<'static>,
    taken: Taken,
) -> Result<Fields<'static>, Fault> {
    let stores = asked.route.stores.as_ref().ok_or_else(|| Fault::new(Reason::NotSupported))?;
    let (taken, in_memory) = picture::treated(asked, taken).await?;
    let Taken { content, kind, declared, mut file } = taken;
    let size = file.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0);
    let placed = match content {
        Content::Placed(placed) => placed,
        gathered => {
            let about = About {
                kind,
                name: file.name.as_deref().unwrap_or_default(),
                mime: file.mime.as_deref().unwrap_or_default(),
                declared: declared.as_deref(),
                size,
                all_came: true,
            };
            let mut placed = place::open(asked, &named, &about).await?;
            gathered.pour(asked, &mut placed).await?;
            placed
        }
    };
    // The last byte is with the stores: another image may have this one's place.
    drop(in_memory);
    let Placed { rule, writing, handover, key, span } = placed;
    let mut unknown = match (&rule.store, writing) {
        (Some(store), Some(writing)) => {
            let key = match key {
                Some(key) => key,
                None => certain(asked, &rule, &named, &file).await?,
            };
            addressed(asked, stores, &key, &mut file);
            intent.kept = Kept { stores: rule.names.clone(), key: key.text.clone() };
            let note = stores.unfinished.begin(&intent.kept).await?;
            intent.note = Some(note.clone());
            let unknown = Unknown {
                store: Some(Arc::clone(store)),
                key: key.text.clone(),
                note,
                unfinished: stores.unfinished.clone(),
                tasks: asked.site.tasks.clone(),
            };
            let unknown =
                finished(writing, key, unknown).await.inspect_err(|fault| span.fail(fault.reason.as_str()))?;
            span.set("dragoman.upload.bytes", i64::try_from(size).unwrap_or(i64::MAX));
            drop(span);
            scan::pass(asked.route, &**store, &intent.kept.key, &file).await?;
            Some(unknown)
        }
        (None, _) | (_, None) if asked.route.scan.is_some() => {
            return Err(Fault::new(Reason::NotSupported).detail("a file that no store keeps cannot be scanned"));
        }
        (None, _) | (_, None) => None,
    };
    if let Some(handover) = handover {
        // Last, as it cannot be taken back.
        handover.finish(&mut file).await?;
    }
    if let Some(display) = named.text(Field::AttachmentName) {
        file.name = Some(file_name::shown(display));
    }
    let event = asked.route.backend.upload(&asked.caller, intent, kind, file).await?;
    activity::tell(|| Happening::of(Step::Accepted, &asked.route.name, &asked.route.dialect.name, &event));
    if let Some(unknown) = &mut unknown {
        unknown.store = None;
    }
    metrics::count_upload(&asked.route.name, size);
    let mut answer = match perform::record(asked, &event).await? {
        Some(record) => record,
        None => event.fields().into_owned(),
    };
    if let Some(conversation) = named.get(Field::ConversationId) {
        answer.set(Field::ConversationId, conversation.clone());
    }
    Ok(answer)
}

/// The key of a file of which everything is known.
async fn certain(
    asked: &Asked<'_>,
    rule: &UploadRule,
    named: &Fields<'static>,
    file: &Attachment,
) -> Result<Key, Fault> {
    let key = place::key(asked, rule, named, file.name.as_deref().unwrap_or_default(), true).await?;
    key.ok_or_else(|| Fault::new(Reason::Internal).detail("the file has no key"))
}

/// Where the gateway serves it.
fn addressed(asked: &Asked<'_>, stores: &Stores, key: &Key, file: &mut Attachment) {
    let shown = match key.is_guessable() {
        true => asked.route.signer.sign(&asked.route.name, &key.text),
        false => key.text.clone(),
    };
    let path = format!("{}{}{}", asked.route.prefix, asked.route.dialect.storage.public, percent::encode(&shown));
    file.url = Some(format!("{}{path}", stores.public_url));
    file.path = Some(path);
    file.stored_name = key.text.rsplit('/').next().map(str::to_owned);
}

/// Makes the file visible. What was begun is carried to its end even if the client hangs up: half of it would be nobody's.
async fn finished(writing: Box<dyn Writing>, key: Key, unknown: Unknown) -> Result<Unknown, Fault> {
    let (done, finished) = oneshot::channel();
    unknown.tasks.clone().spawn(async move {
        let result = writing.finish(&key.text).await;
        // Nobody waits any more, or it failed: what is dropped here takes the file with it.
        let _ = done.send(result.map(|()| unknown));
    });
    let finished = finished.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the gateway stops".to_owned())));
    Ok(finished?)
}

/// A stored file of which the backend does not know yet. Dropped like this, by a refusal or a client that hung up, the
/// file goes: it would lie there for ever. What a crash leaves of it is found by its note.
struct Unknown {
    store: Option<Arc<dyn Store>>,
    key: String,
    note: String,
    unfinished: Unfinished,
    tasks: Tasks,
}

impl Drop for Unknown {
    fn drop(&mut self) {
        let Some(store) = self.store.take() else { return };
        let (key, note, unfinished) =
            (std::mem::take(&mut self.key), std::mem::take(&mut self.note), self.unfinished.clone());
        self.tasks.spawn(async move {
            match store.remove(&key).await {
                Ok(()) => {
                    if let Err(fault) = unfinished.end(&note).await {
                        tracing::warn!(%fault, "the note of an upload that was refused is left");
                    }
                }
                Err(error) => tracing::warn!(%error, "an upload that was refused could not be removed"),
            }
        });
    }
}
