//! A call to an upstream, by its dialect's file. In: an operation and fields in native names. Out: the fields of the
//! answer, in native names; a refusal in our words.

mod body;
pub mod refusal;
#[cfg(test)]
mod tests;

use http::header::ACCEPT;
use http::{HeaderValue, Method, Request as HttpRequest};

use crate::backend::Caller;
use crate::dialect::{Call, Op, Request, Unwritable};
use crate::event::{Field, Fields, MessageKind, Role};
use crate::fault::{Fault, Reason};
use crate::metrics;
use crate::percent;

pub use body::Outgoing;

use super::Inner;
use super::credential::Placed;
use super::transport::{Again, read_limited, retry_after};

/// Bytes of an answer that is read.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;

impl Inner {
    /// As which role the gateway calls for this caller.
    pub fn role(&self, caller: &Caller) -> Option<Role> {
        self.settings.role.or(caller.principal.role)
    }

    /// The call for an operation: the most exact of those that fit.
    pub fn call_for(&self, op: Op, caller: &Caller, fields: &Fields<'_>, kind: Option<MessageKind>) -> Option<&Call> {
        // What is implied is more exact than what is not. Of equals the first: `max_by_key` would take the last.
        self.calls_for(op, caller, fields, kind).into_iter().rev().max_by_key(|call| call.set.len())
    }

    /// The calls for an operation: of the right role, with nothing implied that is not so, and a path that can be filled.
    pub fn calls_for(&self, op: Op, caller: &Caller, fields: &Fields<'_>, kind: Option<MessageKind>) -> Vec<&Call> {
        let role = self.role(caller);
        let fits = |call: &&Call| {
            let implied = call.set.iter().all(|(field, value)| fields.text(*field) == Some(value));
            let medium =
                call.media.is_empty() || kind.is_some_and(|kind| call.media.values().any(|known| *known == kind));
            let body = match &call.request {
                Request::Json(set) => set.has_form(fields.kind()),
                Request::Empty | Request::Multipart { .. } => true,
            };
            call.written && call.op == op && implied && medium && body && path_of(call, fields, kind).is_some()
        };
        let fitting: Vec<&Call> = self.settings.dialect.calls.iter().filter(fits).collect();
        let is_of_role = |call: &&Call| call.roles.is_empty() || role.is_some_and(|role| call.roles.contains(&role));
        let of_role: Vec<&Call> = fitting.iter().copied().filter(is_of_role).collect();
        // A role that no call has leaves it to the upstream.
        if of_role.is_empty() { fitting } else { of_role }
    }

    /// Calls, and reads the answer.
    pub async fn ask(
        &self,
        caller: &Caller,
        call: &Call,
        fields: &Fields<'_>,
        file: Option<(MessageKind, Outgoing)>,
    ) -> Result<Fields<'static>, Fault> {
        let issued = self.issued(caller, call).await?;
        let secret = match issued {
            Some(issued) => Some(issued),
            None => self.credentials.value(&call.credential, caller)?,
        };
        let places = self.settings.dialect.credentials.get(&call.credential);
        let mut placed = Placed::of_call(places, secret.as_ref())?;
        self.add_named(caller, call, &mut placed)?;
        let kind = file.as_ref().map(|(kind, _)| *kind);
        let target = self.target(call, fields, kind, &placed)?;
        let again = if call.method == "GET" { Again::WhenSafe } else { Again::Never };
        let mut request =
            HttpRequest::new(body::of(&self.settings.dialect.types, call, fields, file, &mut placed.headers)?);
        *request.method_mut() = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::POST);
        *request.uri_mut() =
            target.parse().map_err(|_| Fault::new(Reason::Invalid).detail("no path can be made of it"))?;
        placed.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.headers_mut() = placed.headers;
        let response = self.transport(call.op).send(request, again).await?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let bytes = read_limited(response, LARGEST_ANSWER).await?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        if !status.is_success() {
            let forwarded = self.credentials.is_forwarded();
            let fault = refusal::of_call(&self.settings.dialect, call, status.as_u16(), text, forwarded);
            return Err(Fault { retry_after: retry_after.filter(|_| fault.reason.retry_helps()), ..fault });
        }
        if call.answer.shapes.is_empty() {
            return Ok(Fields::new());
        }
        match call.answer.shapes.read(text) {
            Ok(read) => Ok(read.fields.into_owned()),
            Err(fault) => {
                metrics::count_unreadable(&self.settings.name);
                let detail = format!("the answer of `{}` is not of its documented form ({fault})", call.id);
                Err(Fault::new(Reason::Upstream).detail(detail))
            }
        }
    }

    /// A credential that another call issues.
    async fn issued(&self, caller: &Caller, call: &Call) -> Result<Option<crate::auth::Secret>, Fault> {
        let issuer = self.settings.dialect.credentials.get(&call.credential).and_then(|wanted| wanted.issued_by);
        let Some(op) = issuer else { return Ok(None) };
        let nothing = Fields::new();
        let grant = self.call_for(op, caller, &nothing, None).ok_or_else(|| Fault::new(Reason::NotSupported))?;
        let answer = Box::pin(self.ask(caller, grant, &nothing, None)).await?;
        let token = answer.text(Field::GrantToken).ok_or_else(|| Fault::new(Reason::Upstream).detail("no token"))?;
        Ok(Some(crate::auth::Secret::new(token.to_owned())))
    }

    /// Further credentials that the operator gave, where their places are free.
    fn add_named(&self, caller: &Caller, call: &Call, placed: &mut Placed) -> Result<(), Fault> {
        for (name, places) in &self.settings.dialect.credentials {
            if name.is_empty() || *name == call.credential || places.issued_by.is_some() || !call.credential.is_empty()
            {
                continue;
            }
            if let Some(secret) = self.credentials.value(name, caller)? {
                placed.put_if_free(&places.http, &secret)?;
            }
        }
        Ok(())
    }

    /// Path and query.
    fn target(
        &self,
        call: &Call,
        fields: &Fields<'_>,
        kind: Option<MessageKind>,
        placed: &Placed,
    ) -> Result<String, Fault> {
        let path = path_of(call, fields, kind).ok_or_else(|| Fault::new(Reason::ConversationNotFound))?;
        let named =
            call.query.iter().filter_map(|(field, name)| Some((name.as_str(), said_in_query(call, *field, fields)?)));
        let secret = placed.query.iter().map(|(name, secret)| (name.as_str(), secret.expose().to_owned()));
        Ok(with_query(path, named.chain(secret)))
    }
}

/// What a query says of a field. Pages are counted from 1 here, and from what the dialect says there.
fn said_in_query(call: &Call, field: Field, fields: &Fields<'_>) -> Option<String> {
    match field {
        Field::PageNumber => {
            let first = i64::try_from(call.page.first).unwrap_or(1);
            Some((fields.integer(field)? - 1 + first).to_string())
        }
        _ => fields.id(field).map(std::borrow::Cow::into_owned),
    }
}

/// A path with a query behind it.
pub fn with_query<'a>(mut path: String, pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut separator = '?';
    for (name, value) in pairs {
        path.push(separator);
        path.push_str(name);
        path.push('=');
        path.push_str(&percent::encode(&value).replace('/', "%2F"));
        separator = '&';
    }
    path
}

/// The first of a call's paths that can be filled.
fn path_of(call: &Call, fields: &Fields<'_>, kind: Option<MessageKind>) -> Option<String> {
    call.paths.iter().find_map(|path| filled(path, call, fields, kind))
}

fn filled(path: &str, call: &Call, fields: &Fields<'_>, kind: Option<MessageKind>) -> Option<String> {
    let mut out = String::new();
    let mut rest = path;
    while let Some((plain, after)) = rest.split_once('{') {
        out.push_str(plain);
        let (name, after) = after.split_once('}')?;
        let field = Field::parse(name)?;
        if field == Field::MediaKind {
            let (word, _) = call.media.iter().find(|(_, known)| Some(**known) == kind)?;
            out.push_str(word);
        } else {
            // One segment: what it says must not become a path of its own.
            let value = fields.id(field).filter(|value| !matches!(&**value, "" | "." | ".."))?;
            out.push_str(&percent::encode(&value).replace('/', "%2F"));
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// What the target's shape needs is not known of this message.
pub fn unwritable(why: Unwritable) -> Fault {
    match why {
        Unwritable::Needs(field) => Fault::new(Reason::Lossy).at(field).detail("the upstream's dialect needs it"),
        Unwritable::NoShape => Fault::new(Reason::NotSupported).detail("the upstream's dialect has no form for it"),
    }
}
