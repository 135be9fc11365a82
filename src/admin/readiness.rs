//! `/readyz`: whether clients should come here, and how each part is that the gateway stands on. In: the parts, asked when
//! somebody asks. Out: 200 or 503, and a line for each part.

use async_trait::async_trait;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::{Answer, Site, json as answer};

/// How one part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// `journal`, `relay`, `stores`, `upstreams` or `keys`.
    pub group: &'static str,
    /// Of a store, an upstream or a route; empty where there is only one.
    pub name: String,
    /// What is wrong with it, if something is. Never a credential.
    pub wrong: Option<String>,
}

impl Part {
    /// Without which no message is taken: then clients should go elsewhere. A store, an upstream or an
    /// identity provider is away for all replicas, and most often for some routes only.
    fn is_needed(&self) -> bool {
        matches!(self.group, "journal" | "relay")
    }
}

/// Knows the parts of the config that holds. Answers within a few seconds whatever is away.
#[async_trait]
pub trait Parts: Send + Sync + 'static {
    async fn parts(&self) -> Vec<Part>;
}

pub(super) async fn readiness(site: &Site) -> Response<Answer> {
    if site.tasks.is_leaving() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    let (ready, body) = said(&site.parts.parts().await);
    answer(if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
}

/// Whether it is ready, and what is said of that.
fn said(parts: &[Part]) -> (bool, Value) {
    let ready = parts.iter().all(|part| part.wrong.is_none() || !part.is_needed());
    let well = parts.iter().all(|part| part.wrong.is_none());
    let status = match (ready, well) {
        (true, true) => "ready",
        (true, false) => "ready, but not well",
        (false, _) => "not ready",
    };
    let mut body = Map::new();
    body.insert("status".to_owned(), json!(status));
    for part in parts {
        let state = json!(part.wrong.as_deref().unwrap_or("ok"));
        if part.name.is_empty() {
            body.insert(part.group.to_owned(), state);
        } else if let Value::Object(group) = body.entry(part.group).or_insert_with(|| json!({})) {
            group.insert(part.name.clone(), state);
        }
    }
    (ready, Value::Object(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(group: &'static str, name: &str, wrong: Option<&str>) -> Part {
        Part { group, name: name.to_owned(), wrong: wrong.map(str::to_owned) }
    }

    #[test]
    fn only_what_takes_messages_makes_it_unready() {
        let (ready, body) = said(&[
            part("journal", "", None),
            part("relay", "", None),
            part("stores", "local", None),
            part("stores", "bucket", Some("no answer")),
            part("upstreams", "clinic", None),
        ]);
        assert!(ready);
        let expected = json!({
            "status": "ready, but not well", "journal": "ok", "relay": "ok",
            "stores": { "local": "ok", "bucket": "no answer" }, "upstreams": { "clinic": "ok" },
        });
        assert_eq!(body, expected);
        let (ready, body) = said(&[part("journal", "", Some("Redis is away")), part("relay", "", None)]);
        assert!(!ready);
        assert_eq!(body, json!({ "status": "not ready", "journal": "Redis is away", "relay": "ok" }));
    }
}
