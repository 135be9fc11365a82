//! A call on its way: what it is, who makes it, from where, and the checks that its file asks for. In: path, query and
//! fields. Out: the fields they name, or the first fault.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;

use crate::auth::Principal;
use crate::backend::Caller;
use crate::dialect::{Call, Check, Request};
use crate::edge::Client;
use crate::event::{Field, Fields, IdForm, Resource, Timestamp, Value};
use crate::fault::{Fault, Reason};

use super::Site;
use super::route::Route;
use super::table::parameter_names;

/// A call on its way.
pub struct Asked<'a> {
    pub site: &'a Site,
    pub route: &'a Arc<Route>,
    pub client: Client,
    pub call: &'a Call,
    pub caller: Caller,
    pub parts: &'a Parts,
    pub began: Timestamp,
}

impl Asked<'_> {
    /// Role, permission and rate. The role of an upload is checked in the dialect's own order, with all else.
    pub fn permitted(&self) -> Result<(), Fault> {
        if let Some(rate) = &self.route.rate {
            rate.check(&self.counted_as())?;
        }
        let permissions = &self.caller.principal.permissions;
        let lacks = |wanted: &String| !permissions.is_empty() && !permissions.contains(wanted);
        let is_upload = matches!(self.call.request, Request::Multipart { .. });
        if self.call.permission.as_ref().is_some_and(lacks)
            || (!is_upload && !has_role(self.call, &self.caller.principal))
        {
            return Err(Fault::new(Reason::Role));
        }
        Ok(())
    }

    /// Whose calls these are: who has a new id with each call is known by its address.
    fn counted_as(&self) -> Arc<str> {
        match self.caller.principal.is_anonymous() {
            true => self.client.address.to_string().into(),
            false => Arc::clone(&self.caller.principal.id),
        }
    }

    /// What path and query say, and what the call implies.
    pub fn named(&self, parameters: &[String], query: &[(String, String)]) -> Fields<'static> {
        let mut fields = Fields::new();
        let path = self.call.paths.iter().find(|path| parameter_names(path).count() == parameters.len());
        for (name, value) in path.into_iter().flat_map(|path| parameter_names(path)).zip(parameters) {
            if let Some(field) = Field::parse(name) {
                fields.set_text(field, value.clone());
            }
        }
        for (field, name) in &self.call.query {
            if let Some((_, value)) = query.iter().find(|(key, value)| key == name && !value.is_empty()) {
                fields.set_text(*field, value.clone());
            }
        }
        for (field, value) in &self.call.set {
            fields.set(*field, Value::Text(Cow::Owned(value.clone())));
        }
        fields
    }

    /// What the dialect has words for must be there, and ids must have their form.
    pub fn checked(&self, fields: &Fields<'_>) -> Result<(), Fault> {
        for check in self.call.required.keys() {
            if let Check::Field(field) = check
                && !fields.has(*field)
            {
                return Err(Fault::missing(*field));
            }
        }
        self.checked_form(fields)
    }

    /// Names the conversation by the fields that do so together, where the call has no id of it. The ids of parties
    /// stand in the order of their letters: both sides mean the same conversation.
    pub fn composed(&self, fields: &mut Fields<'_>) -> Result<(), Fault> {
        if self.call.conversation.is_empty() || fields.has(Field::ConversationId) {
            return Ok(());
        }
        let (mut parties, mut others) = (Vec::new(), Vec::new());
        for field in &self.call.conversation {
            let id = fields.id(*field).filter(|id| !id.is_empty()).ok_or_else(|| Fault::missing(*field))?.into_owned();
            match field.resource() {
                Some(Resource::Party) => parties.push(id),
                Some(Resource::Message | Resource::Conversation) | None => others.push(id),
            }
        }
        parties.sort();
        fields.set_text(Field::ConversationId, [others, parties].concat().join(":"));
        Ok(())
    }

    /// Ids must have their form, where the dialect has words for one that has not.
    pub fn checked_form(&self, fields: &Fields<'_>) -> Result<(), Fault> {
        for field in self.call.invalid.keys() {
            let form = field.resource().map(|resource| self.route.dialect.ids.form(resource));
            if form == Some(IdForm::Integer) && fields.has(*field) && fields.integer(*field).is_none() {
                return Err(Fault::invalid(*field));
            }
        }
        Ok(())
    }
}

/// Whether the call is for this role. Who logs in has none yet: it is asked once it is known who that is.
pub fn has_role(call: &Call, principal: &Principal) -> bool {
    call.op.is_login() || is_for(call, principal)
}

/// The same of somebody who is known.
pub fn is_for(call: &Call, principal: &Principal) -> bool {
    call.roles.is_empty() || principal.role.is_some_and(|role| call.roles.contains(&role))
}
