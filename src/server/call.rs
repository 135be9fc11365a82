//! A call of any dialect, by its file: credential, role, request into fields, the operation, fields into the answer.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Response};
use hyper::body::Incoming;

use crate::auth::{Presented, Principal, Secret};
use crate::dialect::{Call, Request};
use crate::edge::Client;
use crate::event::{Role, Timestamp};
use crate::fault::{Fault, Reason};

use super::asked::{Asked, has_role};
use super::body::{self, Answer};
use super::route::Route;
use super::{Site, answer, credential, guard, perform, respond, upload};

/// Answers a call; `calls` are those of its path and method, told apart by the caller's role.
pub async fn answer(
    site: &Site,
    route: &Arc<Route>,
    client: Client,
    calls: &[usize],
    parameters: &[String],
    parts: &Parts,
    incoming: Incoming,
) -> Response<Answer> {
    let first = &route.dialect.calls[calls[0]];
    let query = guard::query(parts.uri.query().unwrap_or_default());
    let principal = match known(route, first, &parts.headers, &query).await {
        Ok(principal) => principal,
        Err(fault) => {
            body::decline(site, incoming, &parts.headers);
            return respond::refusal(route, Some(first), &fault);
        }
    };
    let call =
        calls.iter().map(|at| &route.dialect.calls[*at]).find(|call| has_role(call, &principal)).unwrap_or(first);
    let mut caller = route.caller(principal);
    caller.presented = presented(route, call, &parts.headers, &query).map(Secret::new);
    let asked = Asked { site, route, client, call, caller, parts, began: Timestamp::now() };
    if let Err(fault) = behalf(route, call, &parts.headers, &query).await {
        body::decline(site, incoming, &parts.headers);
        return respond::refusal(route, Some(call), &fault);
    }
    match carry_out(&asked, parameters, &query, incoming).await {
        Ok(response) => response,
        Err(fault) => respond::refusal(route, Some(call), &fault),
    }
}

/// Request into fields, the operation, fields into the answer.
async fn carry_out(
    asked: &Asked<'_>,
    parameters: &[String],
    query: &[(String, String)],
    incoming: Incoming,
) -> Result<Response<Answer>, Fault> {
    if let Err(fault) = asked.permitted() {
        body::decline(asked.site, incoming, &asked.parts.headers);
        return Err(fault);
    }
    let mut fields = asked.named(parameters, query);
    match &asked.call.request {
        Request::Multipart { parts, raw } => {
            let event = upload::take(asked, fields, parts, *raw, incoming).await?;
            answer::write(asked, event)
        }
        Request::Empty => {
            body::decline(asked.site, incoming, &asked.parts.headers);
            asked.checked(&fields)?;
            asked.composed(&mut fields)?;
            asked.route.naming.inward(&asked.route.dialect, &asked.caller, &mut fields).await?;
            answer::write(asked, perform::perform(asked, fields).await?)
        }
        Request::Json(shapes) => {
            let limit = asked.route.frame_limit;
            let bytes = body::read(asked.site, incoming, &asked.parts.headers, limit).await?;
            let text = std::str::from_utf8(&bytes).map_err(|_| Fault::new(Reason::Malformed).detail("not UTF-8"))?;
            let read = shapes.read(if text.trim().is_empty() { "{}" } else { text })?;
            let mut all = read.fields.into_owned();
            for (field, value) in fields.iter() {
                // What the path says stands over what the body says.
                all.set(field, value.clone());
            }
            asked.checked(&all)?;
            asked.composed(&mut all)?;
            asked.route.naming.inward(&asked.route.dialect, &asked.caller, &mut all).await?;
            answer::write(asked, perform::perform(asked, all).await?)
        }
    }
}

/// The credential in the place that the call has for it.
fn presented<'a>(route: &Route, call: &Call, headers: &'a HeaderMap, query: &'a [(String, String)]) -> Option<&'a str> {
    let places = route.dialect.credentials.get(&call.credential)?;
    credential::presented(&places.http, headers, query)
}

/// Who calls: by the credential that the call asks for.
async fn known(
    route: &Route,
    call: &Call,
    headers: &HeaderMap,
    query: &[(String, String)],
) -> Result<Principal, Fault> {
    if call.op.is_login() {
        // Whoever logs in may still have a token that does not hold any more.
        return Ok(Principal { role: Some(Role::Visitor), ..Principal::anonymous() });
    }
    let token = presented(route, call, headers, query);
    let wanted = route.dialect.credentials.get(&call.credential);
    if wanted.is_some_and(|wanted| wanted.issued_by.is_some()) {
        let token = token.ok_or_else(|| Fault::new(Reason::Unauthenticated))?;
        return route.backend.redeem(token).await;
    }
    let named = (!call.credential.is_empty()).then_some(call.credential.as_str());
    match route.verifier.verify(&Presented { credential: named, token, party: None }).await {
        Err(fault) if call.public && fault.reason == Reason::Unauthenticated => {
            Ok(Principal { role: Some(Role::Visitor), ..Principal::anonymous() })
        }
        other => other,
    }
}

/// A program that calls for a user shows that user's credential too, on routes whose operator named users. Where nobody
/// is named the credential is the program's own business.
async fn behalf(route: &Route, call: &Call, headers: &HeaderMap, query: &[(String, String)]) -> Result<(), Fault> {
    let Some(behalf) = call.behalf.as_ref().filter(|behalf| route.verifier.names(&behalf.credential)) else {
        return Ok(());
    };
    let places = route.dialect.credentials.get(&behalf.credential);
    let token = places.and_then(|places| credential::presented(&places.http, headers, query));
    if token.is_none() && !behalf.needed {
        return Ok(());
    }
    let presented = Presented { credential: Some(&behalf.credential), token, party: None };
    let user = route.verifier.verify(&presented).await?;
    let granted = |permission: &String| user.permissions.contains(permission);
    if user.permissions.is_empty() || behalf.permissions.is_empty() || behalf.permissions.iter().any(granted) {
        return Ok(());
    }
    Err(Fault::new(Reason::Role).detail("the user has granted none of the permissions that the call needs"))
}
