//! Revocations, for `dragoman token revoke|restore|revoked` of a gateway that runs. In: what is to be revoked, by an id or a
//! digest and never by the token itself. Out: what is revoked, after it is durable.

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::auth::{Revocation, RevokeError, Wanted};

use super::{Answer, Site, json as answer};

/// What bodies are, for who sent another.
const REVOKED: &str =
    "wanted a JSON object with one of `jti`, `sub` and `sha256`; and `route`, `before`, `until` if need be";
const RESTORED: &str = "wanted a JSON object with `id`";
/// Bytes of what is wanted.
const WANTED: usize = 4 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restored {
    id: String,
}

/// All that is revoked, the latest last.
pub(super) fn list(site: &Site) -> Response<Answer> {
    let mut revoked = site.revocations.all();
    revoked.sort_by_key(|revocation| revocation.at);
    answer(StatusCode::OK, &json!({ "revoked": revoked.iter().map(shown).collect::<Vec<_>>() }))
}

pub(super) async fn revoke(request: Request<Incoming>, site: &Site) -> Response<Answer> {
    let now = jiff::Timestamp::now().as_second();
    let revocation = match read::<Wanted>(request, REVOKED).await.and_then(|wanted| wanted.checked(now)) {
        Ok(revocation) => revocation,
        Err(why) => return answer(StatusCode::BAD_REQUEST, &json!({ "error": why })),
    };
    match site.revocations.revoke(revocation.clone()).await {
        Ok(()) => {
            tracing::info!(id = revocation.id(), kind = ?revocation.kind, route = revocation.route, "revoked");
            answer(StatusCode::OK, &json!({ "revoked": shown(&revocation) }))
        }
        Err(error @ RevokeError::Full) => answer(StatusCode::CONFLICT, &json!({ "error": error.to_string() })),
        Err(error @ RevokeError::Journal(_)) => {
            tracing::warn!(%error, "nothing is revoked");
            answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": error.to_string() }))
        }
    }
}

pub(super) async fn restore(request: Request<Incoming>, site: &Site) -> Response<Answer> {
    let Restored { id } = match read(request, RESTORED).await {
        Ok(wanted) => wanted,
        Err(why) => return answer(StatusCode::BAD_REQUEST, &json!({ "error": why })),
    };
    match site.revocations.restore(&id).await {
        Ok(true) => {
            tracing::info!(id, "restored");
            answer(StatusCode::OK, &json!({ "restored": id }))
        }
        Ok(false) => answer(StatusCode::NOT_FOUND, &json!({ "error": "nothing of this id is revoked" })),
        Err(error) => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": error.to_string() })),
    }
}

/// With the id that it is restored by.
fn shown(revocation: &Revocation) -> serde_json::Value {
    // Plain data; what cannot be written does not exist.
    let mut shown = serde_json::to_value(revocation).unwrap_or_default();
    shown["id"] = json!(revocation.id());
    shown
}

async fn read<Body: DeserializeOwned>(request: Request<Incoming>, wanted: &str) -> Result<Body, String> {
    let body = Limited::new(request.into_body(), WANTED).collect().await.map_err(|error| error.to_string())?;
    // The library's own words may hold what was sent, a token by mistake.
    serde_json::from_slice(&body.to_bytes()).map_err(|_| wanted.to_owned())
}
