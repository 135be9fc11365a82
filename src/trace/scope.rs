//! What the task is at work on. In: a request, and what becomes known about it. Out: labels for whoever asks within the same
//! task. It costs a pointer a poll, and a line of the log reads it only when it is written.

use std::future::Future;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue};

use super::parent;
use super::request_id::{REQUEST_ID, RequestId};
use super::span::Span;

tokio::task_local! {
    static CURRENT: Scope;
}

/// One request, socket or delivery. Cloning it copies nothing.
#[derive(Debug, Clone)]
pub struct Scope(Arc<About>);

#[derive(Debug)]
struct About {
    request: RequestId,
    /// Who asked; absent where the gateway does something of its own accord.
    client: Option<IpAddr>,
    route: OnceLock<Arc<str>>,
    conversation: OnceLock<Arc<str>>,
    message: OnceLock<Arc<str>>,
    /// The span that what is done belongs to; absent where nothing is traced.
    context: Option<Context>,
    /// Whether it may last for days, so that what happens within it is no part of its trace.
    is_long: bool,
}

impl Scope {
    /// `span`: what is done within it belongs to that.
    pub fn new(request: RequestId, client: IpAddr, span: &Span) -> Self {
        Scope::with(request, Some(client.to_canonical()), span.context().cloned(), false)
    }

    /// For what came of an event whose origin names this parent.
    pub fn of_event(request: RequestId, parent: Option<&str>) -> Self {
        let parent = parent.and_then(parent::of_event);
        Scope::with(request, None, parent.map(|parent| Context::new().with_remote_span_context(parent)), false)
    }

    fn with(request: RequestId, client: Option<IpAddr>, context: Option<Context>, is_long: bool) -> Self {
        Scope(Arc::new(About {
            request,
            client,
            route: OnceLock::new(),
            conversation: OnceLock::new(),
            message: OnceLock::new(),
            context,
            is_long,
        }))
    }

    pub fn request(&self) -> &RequestId {
        &self.0.request
    }

    /// The same request, client and route, of which this is a part.
    fn within_span(&self, span: &Span, is_long: bool) -> Self {
        let scope = Scope::with(self.0.request.clone(), self.0.client, span.context().cloned(), is_long);
        if let Some(route) = self.0.route.get() {
            fill(&scope.0.route, route);
        }
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
        if id.is_empty() || self.0.message.set(Arc::from(id)).is_err() {
            return;
        }
        if let Some(context) = self.0.context.as_ref().filter(|context| context.span().is_recording()) {
            context.span().set_attribute(KeyValue::new("messaging.message.id", id.to_owned()));
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

/// The span of what this task is at work on.
pub(super) fn context() -> Option<Context> {
    CURRENT.try_with(|Scope(about)| about.context.clone()).ok().flatten()
}

/// Work for a task of its own that may last for days, as part of what this one is at work on.
pub fn long<F: Future<Output = ()>>(name: String, work: F) -> impl Future<Output = ()> {
    let scope = current();
    let span = match context() {
        Some(_) => Span::part(SpanKind::Internal, name),
        None => Span::NONE,
    };
    async move {
        match scope {
            Some(scope) => scope.within_span(&span, true).run(work).await,
            None => work.await,
        }
    }
}

/// The span of a message that comes in now on this route.
pub fn message_span(route: &str, conversation: &str) -> Span {
    let Ok(is_long) = CURRENT.try_with(|Scope(about)| about.context.as_ref().map(|_| about.is_long)) else {
        return Span::NONE;
    };
    let span = match is_long {
        Some(true) => Span::beside(SpanKind::Consumer, format!("receive {route}")),
        Some(false) => Span::part(SpanKind::Consumer, format!("receive {route}")),
        None => return Span::NONE,
    };
    about_messaging(&span, "receive", route, conversation);
    span
}

/// What is said of every span of a message.
pub fn about_messaging(span: &Span, operation: &'static str, route: &str, conversation: &str) {
    if span.is_recorded() {
        span.set("messaging.system", "dragoman");
        span.set("messaging.operation.name", operation);
        span.set("messaging.operation.type", operation);
        span.say("messaging.destination.name", route);
        span.say("messaging.message.conversation_id", conversation);
    }
}

/// Does the work as that on one message of the request.
pub async fn about_message<F: Future>(conversation: &str, span: &Span, work: F) -> F::Output {
    match current() {
        Some(scope) => {
            let scope = scope.within_span(span, false);
            scope.say_conversation(conversation);
            scope.run(work).await
        }
        None => work.await,
    }
}

/// Every label that is known, with its name.
pub fn each_label(mut tell: impl FnMut(&'static str, &str)) {
    let _ = CURRENT.try_with(|Scope(about)| {
        tell("request_id", about.request.as_str());
        if let Some(client) = about.client {
            tell("client", &client.to_string());
        }
        for (name, value) in
            [("route", &about.route), ("conversation_id", &about.conversation), ("message_id", &about.message)]
        {
            if let Some(value) = value.get() {
                tell(name, value);
            }
        }
        if let Some(context) = about.context.as_ref().filter(|context| context.span().span_context().is_sampled()) {
            tell("trace_id", &context.span().span_context().trace_id().to_string());
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

    fn scope() -> Scope {
        Scope::new(RequestId::new(), IpAddr::from([192, 0, 2, 7]), &Span::NONE)
    }

    #[tokio::test]
    async fn what_is_said_is_seen_within_the_task_and_nowhere_else() {
        let scope = scope();
        let id = scope.request().as_str().to_owned();
        let inner = scope.run(async {
            say_route(&"staff".into());
            say_route(&"another".into());
            about_message("room", &Span::NONE, async {
                say_message("m1");
                tokio::task::yield_now().await;
                labels()
            })
            .await
        });
        let inner = inner.await;
        let words = [
            ("request_id", id.as_str()),
            ("client", "192.0.2.7"),
            ("route", "staff"),
            ("conversation_id", "room"),
            ("message_id", "m1"),
        ];
        assert_eq!(inner, words.map(|(name, value)| (name, value.to_owned())));
        assert!(labels().is_empty());
        assert_eq!(about_message("room", &Span::NONE, async { labels().len() }).await, 0);
    }

    #[tokio::test]
    async fn one_message_knows_nothing_of_the_next() {
        scope()
            .run(async {
                about_message("one", &Span::NONE, async { say_message("m1") }).await;
                let next = about_message("two", &Span::NONE, async { labels() }).await;
                assert!(next.contains(&("conversation_id", "two".to_owned())), "{next:?}");
                assert!(next.iter().all(|(name, _)| *name != "message_id"), "{next:?}");
            })
            .await;
    }
}
