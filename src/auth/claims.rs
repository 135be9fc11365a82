//! What a token says about its bearer. In: the claims of a token whose signature holds, and the names a route gives them.
//! Out: a [`Principal`], or what is wrong with them; and the way back, for minting.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::party::Principal;
use super::settings::ClaimNames;
use crate::event::Role;
use crate::fault::{Fault, Reason};

/// The longest text of a claim, in bytes, and the most members of a list.
const LONGEST_TEXT: usize = 256;
const MOST_MEMBERS: usize = 256;

/// The principal of a token's claims.
pub(super) fn read(
    claims: &Map<String, Value>,
    names: &ClaimNames,
    roles: &BTreeMap<String, Role>,
) -> Result<Principal, Fault> {
    let id = text(claims, &names.subject)?.ok_or_else(|| wrong(&names.subject, "is missing"))?;
    Ok(Principal {
        id: Arc::from(id),
        role: text(claims, &names.role)?.map(|role| canonical(&role, &names.role, roles)).transpose()?,
        name: text(claims, &names.name)?,
        departments: texts(claims, &names.department)?,
        business: text(claims, &names.business)?,
        conversations: texts(claims, &names.conversations)?,
        permissions: Vec::new(),
        issued: claims.get("iat").and_then(seconds),
        expires: claims.get("exp").and_then(seconds),
        // One that is too long is no reason to refuse the token: it can be revoked otherwise.
        token: claims.get("jti").and_then(Value::as_str).filter(|id| id.len() <= LONGEST_TEXT).map(Arc::from),
    })
}

/// The claims that [`read`] turns into this principal; `exp` is the caller's.
pub(super) fn write(principal: &Principal, names: &ClaimNames, roles: &BTreeMap<String, Role>) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert(names.subject.clone(), Value::from(principal.id.as_ref()));
    if let Some(role) = principal.role {
        claims.insert(names.role.clone(), Value::from(written(role, roles)));
    }
    for (name, value) in [(&names.name, &principal.name), (&names.business, &principal.business)] {
        if let Some(value) = value {
            claims.insert(name.clone(), Value::from(value.as_str()));
        }
    }
    for (name, values) in
        [(&names.department, &principal.departments), (&names.conversations, &principal.conversations)]
    {
        if !values.is_empty() {
            claims.insert(name.clone(), Value::from(values.as_slice()));
        }
    }
    claims
}

fn canonical(role: &str, claim: &str, roles: &BTreeMap<String, Role>) -> Result<Role, Fault> {
    match roles.get(role).copied().or_else(|| Role::parse(role)) {
        Some(role) => Ok(role),
        None => {
            Err(Fault::new(Reason::Role).detail(format!("the claim `{claim}` is a role that this route does not know")))
        }
    }
}

/// A route that renames roles may have taken the canonical spelling for another role.
fn written(role: Role, roles: &BTreeMap<String, Role>) -> &str {
    match roles.get(role.as_str()) {
        Some(other) if *other != role => {
            roles.iter().find(|(_, known)| **known == role).map_or(role.as_str(), |(name, _)| name)
        }
        Some(_) | None => role.as_str(),
    }
}

/// A text or a whole number; absent, null and empty are the same.
fn text(claims: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(scalar(value, name)?).filter(|text| !text.is_empty())),
    }
}

fn texts(claims: &Map<String, Value>, name: &str) -> Result<Vec<String>, Fault> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(values)) if values.len() > MOST_MEMBERS => Err(wrong(name, "has too many members")),
        Some(Value::Array(values)) => values.iter().map(|value| scalar(value, name)).collect(),
        Some(value) => Ok(vec![scalar(value, name)?]),
    }
}

fn scalar(value: &Value, name: &str) -> Result<String, Fault> {
    match value {
        Value::String(text) if text.len() > LONGEST_TEXT => Err(wrong(name, "is too long")),
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        Value::Number(_) | Value::Bool(_) | Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(wrong(name, "is neither a text nor a whole number"))
        }
    }
}

/// `exp` may have a fraction (RFC 7519 §2, NumericDate).
fn seconds(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

fn wrong(name: &str, what: &str) -> Fault {
    Fault::new(Reason::Unauthorized).detail(format!("the claim `{name}` {what}"))
}
