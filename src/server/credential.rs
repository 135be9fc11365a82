//! Where a client put its credential. In: a dialect's places, a request's headers and query. Out: the bare credential,
//! never logged here or anywhere.

use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;

use crate::dialect::CredentialPlace;

/// The credential in the first place that has one.
pub fn presented<'a>(
    places: &[CredentialPlace],
    headers: &'a HeaderMap,
    query: &'a [(String, String)],
) -> Option<&'a str> {
    places
        .iter()
        .find_map(|place| match place {
            CredentialPlace::Header { name, scheme } => {
                let value = headers.get(name.as_str())?.to_str().ok()?.trim();
                match scheme {
                    Some(scheme) => after_scheme(value, scheme),
                    None => Some(value),
                }
            }
            CredentialPlace::Query { name } => {
                query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
            }
            CredentialPlace::Subprotocol { name } => {
                let mut offered = subprotocols(headers);
                offered.find(|offer| offer == name)?;
                offered.next()
            }
        })
        .filter(|credential| !credential.is_empty())
}

/// The subprotocol to answer with: the name, never the credential after it.
pub fn subprotocol_answer<'a>(places: &'a [CredentialPlace], headers: &HeaderMap) -> Option<&'a str> {
    places.iter().find_map(|place| match place {
        CredentialPlace::Subprotocol { name } => {
            subprotocols(headers).any(|offer| offer == name).then_some(name.as_str())
        }
        CredentialPlace::Header { .. } | CredentialPlace::Query { .. } => None,
    })
}

/// The offered subprotocols, in order.
pub fn subprotocols(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// Schemes are compared without regard to case (RFC 9110 §11.1).
fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (written, rest) = value.split_once(' ')?;
    written.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}
