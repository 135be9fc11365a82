//! Who may read a file. In: the address that was asked for, and who asks. Out: the key of the file and what is known of
//! it, or why it is not served.
//!
//! An address is one that the gateway gave: its key is signed, or the journal has an upload of that very path. A key that
//! somebody guessed is no file, nor is what somebody else put into the folder or bucket.

use std::sync::Arc;

use http::request::Parts;

use crate::auth::Presented;
use crate::backend::Caller;
use crate::dialect::{CredentialPlace, FileAccess};
use crate::fault::{Fault, Reason};
use crate::media::Upload;
use crate::media::signature::{MARK, Named};
use crate::percent;

use super::super::route::Route;
use super::super::{credential, guard};

/// A file that may be read.
pub(super) struct Readable<'a> {
    /// Whose file it is.
    pub route: &'a Arc<Route>,
    pub key: &'a str,
    /// Absent for a signed address while the journal is away.
    pub upload: Option<Upload>,
}

/// The file of an address that its reader may read; routes may have the same path before their keys, `first` is one of
/// them. A fault comes with the route in whose words it is said.
pub(super) async fn check<'a>(
    (first, text): &'a (Arc<Route>, String),
    places: &'a [(Arc<Route>, String)],
    parts: &Parts,
) -> Result<Readable<'a>, (&'a Arc<Route>, Fault)> {
    let signed = places.iter().find_map(|(route, text)| match route.signer.named(&route.name, text) {
        Named::Signed(key) => Some((route, key)),
        Named::Unsigned(_) | Named::Forged => None,
    });
    if signed.is_none() && text.starts_with(MARK) {
        return Err((first, Fault::new(Reason::FileNotFound)));
    }
    let upload = match (first.library.at(&path(first, text)).await, signed) {
        (Ok(upload), _) => upload,
        (Err(_), Some((route, _))) if route.file_access == FileAccess::Url => None,
        (Err(fault), _) => return Err((first, fault)),
    };
    let (route, key) = match (signed, &upload) {
        (Some(signed), _) => signed,
        (None, Some(upload)) => whose(places, upload).ok_or_else(|| (first, Fault::new(Reason::FileNotFound)))?,
        (None, None) => return Err((first, Fault::new(Reason::FileNotFound))),
    };
    if route.file_access == FileAccess::Conversation {
        let caller = known(route, parts).await.map_err(|fault| (route, fault))?;
        of_conversation(route, &caller, upload.as_ref()).await.map_err(|fault| (route, fault))?;
    }
    Ok(Readable { route, key, upload })
}

/// The route that took an upload. Where it has another name now, the strictest of those that it could be.
fn whose<'a>(places: &'a [(Arc<Route>, String)], upload: &Upload) -> Option<(&'a Arc<Route>, &'a str)> {
    let named = places.iter().find(|(route, _)| upload.route.as_deref() == Some(&*route.name));
    let strictest = || places.iter().rev().max_by_key(|(route, _)| route.file_access);
    named.or_else(strictest).map(|(route, key)| (route, key.as_str()))
}

/// Whether somebody who calls here may read a file of the route's upstream: what the gateway knows of those is their
/// address alone.
pub(super) async fn check_relayed(route: &Arc<Route>, parts: &Parts) -> Result<(), Fault> {
    match route.file_access {
        FileAccess::Url => Ok(()),
        FileAccess::Conversation => known(route, parts).await.map(|_| ()),
    }
}

/// The path under which the route gave this address.
fn path(route: &Route, text: &str) -> String {
    format!("{}{}{}", route.prefix, route.dialect.storage.public, percent::encode(text))
}

async fn of_conversation(route: &Route, caller: &Caller, upload: Option<&Upload>) -> Result<(), Fault> {
    let upload = upload.ok_or_else(|| Fault::new(Reason::FileNotFound))?;
    if upload.owner == *caller.principal.id {
        return Ok(());
    }
    let conversation = upload.conversation.as_deref().ok_or_else(|| Fault::new(Reason::Forbidden))?;
    match route.backend.may_see(caller, conversation).await {
        // Of a conversation that is not there nobody may see a file.
        Err(fault) if fault.reason == Reason::ConversationNotFound => Err(Fault::new(Reason::Forbidden)),
        other => other,
    }
}

/// Who asks, by any credential that the dialect's clients have, in the place for calls or, as pages cannot set headers on
/// an image, in the query where sockets have it.
async fn known(route: &Arc<Route>, parts: &Parts) -> Result<Caller, Fault> {
    let query = guard::query(parts.uri.query().unwrap_or_default());
    let mut refused = Fault::new(Reason::Unauthenticated);
    for (name, places) in &route.dialect.credentials {
        let in_query = places.socket.iter().filter(|place| matches!(place, CredentialPlace::Query { .. }));
        let places_of_files: Vec<CredentialPlace> = places.http.iter().chain(in_query).cloned().collect();
        let Some(token) = credential::presented(&places_of_files, &parts.headers, &query) else { continue };
        let found = match places.issued_by {
            Some(_) => route.backend.redeem(token).await,
            None => {
                let credential = (!name.is_empty()).then_some(name.as_str());
                route.verifier.verify(&Presented { credential, token: Some(token), party: None }).await
            }
        };
        match found {
            Ok(principal) => return Ok(route.caller(principal)),
            Err(fault) => refused = fault,
        }
    }
    Err(refused)
}
