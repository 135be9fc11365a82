//! What the task is at work on. In: a request, and what becomes known about it. Out: labels for whoever asks within the same
//! task. It costs a pointer a poll, and a line of the log reads it only when it is written.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;

use super::request_id::{REQUEST_ID, RequestId};

tokio::task_local! {
    static CURRENT: Scope;
}

/// One request, socket or delivery. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Scope(Arc<About>);

#[derive(Debug)]
struct About {
    request: RequestId,
    route: OnceLock<Arc<str>>,
    conversation: OnceLock<Arc<str>>,
    message: OnceLock<Arc<str>>,
}

impl Scope {
    pub fn new(request: RequestId) -> Self {
        Scope(Arc::new(About {
            request,
            route: OnceLock::new(),
            conversation: OnceLock::new(),
            message: OnceLock::new(),
        }))
    }

    pub fn request(&self) -> &RequestId {
        &self.0.request
    }

    /// The same request, and a message of its own.
    #[must_use]
    pub fn of_message(&self, conversation: &str) -> Self {
        let scope = Scope::new(self.0.request.clone());
        if let Some(route) = self.0.route.get() {
            fill(&scope.0.route, route);
        }
        scope.say_conversation(conversation);
        scope
    }

    pub fn say_route(&self, route: &Arc<str>) {
        fill(&self.0.route, route);
    }

    pub fn say_conversation(&self, id: &str) {
        if !id.is_empty() {
            fill(&self.0.conversation, &Arc::from(id));
        }
    }

    pub fn say_message(&self, id: &str) {
        if !id.is_empty() {
            fill(&self.0.message, &Arc::from(id));
        }
    }

    /// Does the work within it.
    pub fn run<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Does something at once within it.
    pub fn within<T>(self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self, work)
    }
}

/// What was said first stays: a request has one route, a message one id.
fn fill(place: &OnceLock<Arc<str>>, value: &Arc<str>) {
    let _ = place.set(Arc::clone(value));
}

/// What this task is at work on, if that is known.
pub fn current() -> Option<Scope> {
    CURRENT.try_with(Scope::clone).ok()
}

/// The route of the request is known now.
pub fn say_route(route: &Arc<str>) {
    let _ = CURRENT.try_with(|scope| scope.say_route(route));
}

/// The id of the message is known now.
pub fn say_message(id: &str) {
    let _ = CURRENT.try_with(|scope| scope.say_message(id));
}

/// Work for a task of its own, as part of what this one is at work on.
pub fn carried<F: Future<Output = ()>>(work: F) -> impl Future<Output = ()> {
    let scope = current();
    async move {
        match scope {
            Some(scope) => scope.run(work).await,
            None => work.await,
        }
    }
}

/// Does the work as that on one message of the request.
pub async fn about_message<F: Future>(conversation: &str, work: F) -> F::Output {
    match current() {
        Some(scope) => scope.of_message(conversation).run(work).await,
        None => work.await,
    }
}

/// Every label that is known, with its name.
pub fn each_label(mut tell: impl FnMut(&'static str, &str)) {
    let _ = CURRENT.try_with(|Scope(about)| {
        tell("request_id", about.request.as_str());
        for (name, value) in
            [("route", &about.route), ("conversation_id", &about.conversation), ("message_id", &about.message)]
        {
            if let Some(value) = value.get() {
                tell(name, value);
            }
        }
    });
}

/// Shows whoever is called meanwhile for which request it is.
pub fn show(headers: &mut HeaderMap) {
    let _ = CURRENT.try_with(|scope| headers.insert(REQUEST_ID, scope.request().value()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> Vec<(&'static str, String)> {
        let mut labels = Vec::new();
        each_label(|name, value| labels.push((name, value.to_owned())));
        labels
    }

    #[tokio::test]
    async fn what_is_said_is_seen_within_the_task_and_nowhere_else() {
        let scope = Scope::new(RequestId::new());
        let id = scope.request().as_str().to_owned();
        let inner = scope.run(async {
            say_route(&"staff".into());
            say_route(&"another".into());
            about_message("room", async {
                say_message("m1");
                tokio::task::yield_now().await;
                labels()
            })
            .await
        });
        let inner = inner.await;
        let words =
            [("request_id", id.as_str()), ("route", "staff"), ("conversation_id", "room"), ("message_id", "m1")];
        assert_eq!(inner, words.map(|(name, value)| (name, value.to_owned())));
        assert!(labels().is_empty());
        assert_eq!(about_message("room", async { labels().len() }).await, 0);
    }

    #[tokio::test]
    async fn one_message_knows_nothing_of_the_next() {
        Scope::new(RequestId::new())
            .run(async {
                about_message("one", async { say_message("m1") }).await;
                let next = about_message("two", async { labels() }).await;
                assert!(next.contains(&("conversation_id", "two".to_owned())), "{next:?}");
                assert!(next.iter().all(|(name, _)| *name != "message_id"), "{next:?}");
            })
            .await;
    }
}
