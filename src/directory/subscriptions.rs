//! What apps asked to be told of. In: a route, a type and perhaps one resource. Out: the metadata that goes with what is
//! told, or that nobody asked.

use std::sync::Arc;

use crate::event::{Field, Fields, Value};
use crate::fault::{Fault, Reason};
use crate::journal::{Collection, Journal, Put};
use crate::naming::fault;

/// Subscriptions of one route. They are kept without an end, so there is one.
const MOST: usize = 10_000;
/// Bytes of a type or a resource.
const LONGEST: usize = 256;

/// The event subscriptions of all routes.
#[derive(Clone)]
pub struct Subscriptions {
    journal: Arc<dyn Journal>,
}

impl Subscriptions {
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Subscriptions { journal }
    }

    /// Adds one, or gives the one that is there other metadata.
    pub async fn add(&self, route: &str, fields: &Fields<'_>) -> Result<(), Fault> {
        let text = |field| match fields.text(field).unwrap_or_default() {
            text if text.len() > LONGEST => Err(Fault::invalid(field)),
            text => Ok(text),
        };
        let (kind, resource) = (text(Field::SubscriptionType)?, text(Field::SubscriptionResource)?);
        let metadata = match fields.get(Field::SubscriptionMetadata) {
            Some(Value::Json(text)) => text.to_string(),
            _ => "{}".to_owned(),
        };
        let key = key(route, kind, resource);
        let is_new = self.journal.get(Collection::Subscriptions, &key).await.map_err(fault)?.is_none();
        if is_new {
            let own = format!("{route}\u{1f}");
            let all = self.journal.scan(Collection::Subscriptions, &own, None, MOST).await.map_err(fault)?;
            if all.len() >= MOST {
                return Err(Fault::new(Reason::RateLimited).detail("the route has 10,000 event subscriptions"));
            }
        }
        let put = Put { collection: Collection::Subscriptions, key, value: Some(metadata.into_bytes()) };
        self.journal.put(vec![put]).await.map_err(fault)
    }

    /// The metadata of the subscription to this resource, else of the one to all resources; JSON.
    pub async fn find(&self, route: &str, kind: &str, resource: Option<&str>) -> Result<Option<String>, Fault> {
        for resource in resource.filter(|resource| !resource.is_empty()).into_iter().chain([""]) {
            let key = key(route, kind, resource);
            if let Some(found) = self.journal.get(Collection::Subscriptions, &key).await.map_err(fault)? {
                return Ok(Some(String::from_utf8(found).unwrap_or_else(|_| "{}".to_owned())));
            }
        }
        Ok(None)
    }
}

/// The separator cannot be part of a route's name.
fn key(route: &str, kind: &str, resource: &str) -> String {
    format!("{route}\u{1f}{kind}\u{1f}{resource}")
}
