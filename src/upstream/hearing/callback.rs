//! An upstream that calls back instead of keeping a socket. In: the body of its call. Out: the events in it for those
//! who listen; a call that is repeated is one event.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderMap;

use crate::backend::{Callbacks, Caller};
use crate::event::{EventKind, Field, Fields};
use crate::fault::{Fault, Reason};
use crate::metrics;

use crate::upstream::{Inner, Upstream};

#[async_trait]
impl Callbacks for Upstream {
    fn path(&self) -> Option<&str> {
        self.0.settings.callback.as_ref().map(|callback| callback.path.as_str())
    }

    fn is_authentic(&self, headers: &HeaderMap) -> bool {
        let Some(callback) = &self.0.settings.callback else { return false };
        // The dialect says in which headers the key is shown, and what stands around it.
        let mut shown = self.0.settings.dialect.webhooks.iter().flat_map(|webhook| &webhook.headers);
        shown.any(|(name, template)| {
            let (before, after) = template.split_once("{credential}").unwrap_or((template, ""));
            let value = headers.get(name.as_str()).and_then(|value| value.to_str().ok());
            let key = value.and_then(|value| value.strip_prefix(before)?.strip_suffix(after));
            template.contains("{credential}") && key.is_some_and(|key| callback.key.is(key))
        })
    }

    async fn receive(&self, body: &str) -> Result<(), Fault> {
        let inner = &self.0;
        let mut first_fault = None;
        for webhook in &inner.settings.dialect.webhooks {
            match webhook.shapes.read(body) {
                Ok(read) => return inner.called(read.fields.into_owned()).await,
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
        }
        let fault = first_fault.unwrap_or_else(|| Fault::new(Reason::NotSupported));
        // What the dialect does not know of is no mistake of the caller: a refusal would make it come again.
        if fault.reason == Reason::UnknownAction {
            metrics::count_unreadable(&inner.settings.name);
            return Ok(());
        }
        Err(fault)
    }
}

impl Inner {
    async fn called(self: &Arc<Self>, fields: Fields<'static>) -> Result<(), Fault> {
        let message = fields.kind().and_then(EventKind::message).and(fields.id(Field::Id)).map(|id| id.into_owned());
        // The same call twice at once: the second waits, and finds that the first was taken.
        let _turn = match &message {
            Some(id) => Some(self.turns.take(format!("message/{id}")).await),
            None => None,
        };
        if let Some(id) = &message
            && self.names.is_known(id).await?
        {
            return Ok(());
        }
        let mut accounts = self.accounts.all();
        if accounts.is_empty() {
            // Nobody listens; what no history will tell is kept all the same.
            accounts.push(self.account(&Caller::nobody()));
        }
        for account in accounts {
            self.take_in(&account, None, fields.clone(), false).await?;
        }
        match &message {
            Some(id) => self.names.note(id).await,
            None => Ok(()),
        }
    }
}
