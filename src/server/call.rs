//! A call of any dialect, by its file: credential, role, request into fields, the operation, fields into the answer.

use std::borrow::Cow;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Response};
use hyper::body::Incoming;

use crate::auth::{Presented, Principal};
use crate::backend::Caller;
use crate::dialect::{Call, Check, Credential, Request};
use crate::event::{Field, Fields, IdForm, Role, Value};
use crate::fault::{Fault, Reason};

use super::body::{self, Answer};
use super::route::Route;
use super::table::parameter_names;
use super::{Site, answer, credential, guard, perform, respond, upload};

/// Answers a call; `calls` are those of its path and method, told apart by the caller's role.
pub async fn answer(
    site: &Site,
    route: &Arc<Route>,
    calls: &[usize],
    parameters: &[String],
    parts: &Parts,
    incoming: Incoming,
) -> Response<Answer> {
    let first = &route.dialect.calls[calls[0]];
    let query = guard::query(parts.uri.query().unwrap_or_default());
    let principal = match known(site, route, first, &parts.headers, &query).await {
        Ok(principal) => principal,
        Err(fault) => {
            body::drain(incoming, site.bounds.body_idle).await;
            return respond::refusal(route, Some(first), &fault);
        }
    };
    let call =
        calls.iter().map(|at| &route.dialect.calls[*at]).find(|call| has_role(call, &principal)).unwrap_or(first);
    let asked = Asked { site, route, call, caller: caller(route, principal), parts };
    match asked.answer(parameters, &query, incoming).await {
        Ok(response) => response,
        Err(fault) => respond::refusal(route, Some(call), &fault),
    }
}

/// A call on its way.
pub struct Asked<'a> {
    pub site: &'a Site,
    pub route: &'a Arc<Route>,
    pub call: &'a Call,
    pub caller: Caller,
    pub parts: &'a Parts,
}

impl Asked<'_> {
    async fn answer(
        &self,
        parameters: &[String],
        query: &[(String, String)],
        incoming: Incoming,
    ) -> Result<Response<Answer>, Fault> {
        if let Err(fault) = self.permitted() {
            body::drain(incoming, self.site.bounds.body_idle).await;
            return Err(fault);
        }
        let mut fields = self.named(parameters, query);
        match &self.call.request {
            Request::Multipart { parts, raw } => {
                let event = upload::take(self, fields, parts, *raw, incoming).await?;
                answer::write(self, event)
            }
            Request::Empty => {
                body::drain(incoming, self.site.bounds.body_idle).await;
                self.checked(&fields)?;
                self.site.naming.inward(&self.route.dialect, &self.caller, &mut fields).await?;
                answer::write(self, perform::perform(self, fields).await?)
            }
            Request::Json(shapes) => {
                let limit = self.route.frame_limit;
                let bytes = body::read(incoming, limit, self.site.bounds.body_idle).await?;
                let text =
                    std::str::from_utf8(&bytes).map_err(|_| Fault::new(Reason::Malformed).detail("not UTF-8"))?;
                let read = shapes.read(if text.trim().is_empty() { "{}" } else { text })?;
                let mut all = read.fields.into_owned();
                for (field, value) in fields.iter() {
                    // What the path says stands over what the body says.
                    all.set(field, value.clone());
                }
                self.checked(&all)?;
                self.site.naming.inward(&self.route.dialect, &self.caller, &mut all).await?;
                answer::write(self, perform::perform(self, all).await?)
            }
        }
    }

    /// Role, permission and rate. The role of an upload is checked in the dialect's own order, with all else.
    fn permitted(&self) -> Result<(), Fault> {
        if let Some(rate) = &self.route.rate {
            rate.check(&self.caller.principal.id)?;
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

    /// What path and query say, and what the call implies.
    fn named(&self, parameters: &[String], query: &[(String, String)]) -> Fields<'static> {
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

/// Whether the call is for this role.
pub fn has_role(call: &Call, principal: &Principal) -> bool {
    call.roles.is_empty() || principal.role.is_some_and(|role| call.roles.contains(&role))
}

fn caller(route: &Route, principal: Principal) -> Caller {
    Caller {
        principal,
        route: Arc::clone(&route.name),
        dialect: Arc::clone(&route.dialect.name),
        connection: 0,
        foreign_files: route.dialect.flag("foreign_files"),
    }
}

/// Who calls: by the credential that the call asks for.
async fn known(
    site: &Site,
    route: &Route,
    call: &Call,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<Principal, Fault> {
    let unplaced = Credential::default();
    let wanted = route.dialect.credentials.get(&call.credential).unwrap_or(&unplaced);
    let token = credential::presented(&wanted.http, headers, query);
    if wanted.issued_by.is_some() {
        let token = token.ok_or_else(|| Fault::new(Reason::Unauthenticated))?;
        return site.backend.redeem(token).await;
    }
    let named = (!call.credential.is_empty()).then_some(call.credential.as_str());
    match route.verifier.verify(&Presented { credential: named, token, party: None }) {
        Err(fault) if call.public && fault.reason == Reason::Unauthenticated => {
            Ok(Principal { role: Some(Role::Visitor), ..Principal::anonymous() })
        }
        other => other,
    }
}
