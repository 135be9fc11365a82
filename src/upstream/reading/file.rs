//! An upstream's file as clients see it. In: an event with the upstream's URL, or with none. Out: the same with an address
//! of ours, and with what the frame did not tell.

use crate::backend::Caller;
use crate::event::{Event, EventKind, Field, MessageKind};
use crate::fault::Fault;
use crate::upstream::Inner;

use super::Record;

impl Inner {
    /// Gives an event's files addresses of ours, and completes what the frame does not tell.
    pub async fn show_files(&self, caller: &Caller, event: &mut Event) -> Result<(), Fault> {
        let is_file = event.kind.message().is_some_and(MessageKind::is_file);
        if is_file && event.details.attachment.url.is_none() {
            self.complete_file(caller, event).await?;
        }
        let file = &mut event.details.attachment;
        if file.url.is_none() {
            file.url.clone_from(&file.path);
        }
        let Some(url) = file.url.as_deref().map(|url| self.absolute(url)) else { return Ok(()) };
        if let Some(address) = self.hosted.address(&url, file.name.as_deref()).await? {
            file.path = address.splitn(4, '/').nth(3).map(|path| format!("/{path}"));
            file.url = Some(address);
        } else {
            file.url = Some(url);
        }
        if file.name.is_none() {
            file.name =
                file.url.as_deref().and_then(|url| url.split(['?', '#']).next()?.rsplit('/').next()).map(str::to_owned);
        }
        if let Some(name) = file.name.as_deref().filter(|_| is_file) {
            if file.mime.is_none() {
                file.mime = mime_guess::from_path(name).first_raw().map(str::to_owned);
            }
            self.tell_kinds_apart(event);
        }
        Ok(())
    }

    /// A dialect with one kind for all files says less than the file's own type.
    fn tell_kinds_apart(&self, event: &mut Event) {
        if event.kind != EventKind::Message(MessageKind::Document) {
            return;
        }
        if let Some(mime) = &event.details.attachment.mime {
            let kind = MessageKind::of_mime(mime);
            event.kind = EventKind::Message(kind);
            event.details.kind = Some(kind);
        }
    }

    /// A URL of the upstream may be only a path.
    fn absolute(&self, url: &str) -> String {
        if url.contains("://") {
            return url.to_owned();
        }
        let origin = self.settings.http.first().map(|uri| {
            let authority = uri.authority().map_or("", http::uri::Authority::as_str);
            format!("{}://{authority}", uri.scheme_str().unwrap_or("http"))
        });
        format!("{}/{}", origin.unwrap_or_default(), url.trim_start_matches('/'))
    }

    /// A file of which only the message is told: the history of its conversation knows where it is.
    async fn complete_file(&self, caller: &Caller, event: &mut Event) -> Result<(), Fault> {
        let conversation = event.details.conversation.id.clone();
        let records = self.native_history(caller, &conversation).await?;
        let is_same = |record: &&Record| record.fields.id(Field::Id).is_some_and(|id| *id == *event.details.id);
        let found = records.iter().find(is_same);
        if let Some(same) = found.and_then(|record| Event::from_fields(&record.fields)) {
            let name = event.details.attachment.name.take();
            event.details.attachment = same.details.attachment;
            event.details.attachment.name = name.or(event.details.attachment.name.take());
        }
        Ok(())
    }
}
