//! Spans of a trace, by OpenTelemetry. In: what begins, and what it belongs to. Out: a span that ends when it is dropped;
//! where nothing is traced, nothing at all.

use std::sync::OnceLock;
use std::time::SystemTime;

use http::HeaderMap;
use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::parent;
use super::scope;

static TRACING: OnceLock<Tracing> = OnceLock::new();

struct Tracing {
    tracer: SdkTracer,
    incoming: Incoming,
}

/// What a `traceparent` of a client is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incoming {
    /// Its trace goes on here, recorded where the client says so.
    Trust,
    /// Its trace goes on here; whether it is recorded is decided here.
    Continue,
    /// A trace of our own begins, which names the client's.
    Link,
}

/// From now on spans begin. Once only: a second call changes nothing.
pub fn install(tracer: SdkTracer, incoming: Incoming) {
    let _ = TRACING.set(Tracing { tracer, incoming });
}

/// Something that is under way.
#[derive(Debug)]
pub struct Span(Option<Context>);

impl Span {
    /// Nothing, and nothing comes of it.
    pub const NONE: Span = Span(None);

    /// A request of a client, with what its head names as its parent.
    pub fn of_request(headers: &HeaderMap) -> Self {
        let Some(tracing) = TRACING.get() else { return Span::NONE };
        let builder = SpanBuilder::from_name("HTTP").with_kind(SpanKind::Server);
        match (parent::of_headers(headers), tracing.incoming) {
            (Some(client), Incoming::Link) => {
                tracing.begin(builder.with_links(vec![Link::with_context(client)]), &Context::new())
            }
            (Some(client), _) => tracing.begin(builder, &Context::new().with_remote_span_context(client)),
            (None, _) => tracing.begin(builder, &Context::new()),
        }
    }

    /// A part of what this task is at work on.
    pub fn part(kind: SpanKind, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        let Some(tracing) = TRACING.get() else { return Span::NONE };
        let builder = SpanBuilder::from_name(name).with_kind(kind);
        tracing.begin(builder, &scope::context().unwrap_or_default())
    }

    /// One of the many things that happen within something long: a trace of its own, which names that of the long one.
    pub fn beside(kind: SpanKind, name: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        let Some(tracing) = TRACING.get() else { return Span::NONE };
        let builder = SpanBuilder::from_name(name).with_kind(kind);
        let long = scope::context().map(|context| context.span().span_context().clone());
        let links = long.filter(SpanContext::is_valid).map(Link::with_context).into_iter().collect();
        tracing.begin(builder.with_links(links), &Context::new())
    }

    /// What came, since `began`, of an event whose origin names this parent; nothing where that is not recorded.
    pub fn since(began: SystemTime, parent: &str, name: impl FnOnce() -> String) -> Option<Self> {
        let tracing = TRACING.get()?;
        let parent = parent::of_event(parent).filter(SpanContext::is_sampled)?;
        let builder = SpanBuilder::from_name(name()).with_kind(SpanKind::Producer).with_start_time(began);
        Some(tracing.begin(builder, &Context::new().with_remote_span_context(parent)))
    }

    pub(super) fn context(&self) -> Option<&Context> {
        self.0.as_ref()
    }

    /// Whether anybody will see what is said of it.
    pub fn is_recorded(&self) -> bool {
        self.0.as_ref().is_some_and(|context| context.span().is_recording())
    }

    pub fn rename(&self, name: String) {
        if let Some(context) = &self.0 {
            context.span().update_name(name);
        }
    }

    /// Says something of it.
    pub fn set(&self, key: &'static str, value: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new(key, value));
        }
    }

    /// The same of a text that is copied only where somebody will see it.
    pub fn say(&self, key: &'static str, value: &str) {
        if self.is_recorded() {
            self.set(key, value.to_owned());
        }
    }

    /// It failed; `why` is one of a few words, or the status of an answer.
    pub fn fail(&self, why: impl Into<Value>) {
        if let Some(context) = &self.0 {
            context.span().set_attribute(KeyValue::new("error.type", why));
            context.span().set_status(Status::error(""));
        }
    }

    /// As whose part others name what they do for it.
    pub fn as_parent(&self) -> Option<String> {
        self.0.as_ref().map(|context| parent::shown(context.span().span_context()))
    }

    /// Shows whoever is called which span it is called for, in place of whatever the head says of that.
    pub fn show(&self, headers: &mut HeaderMap) {
        if let Some(context) = &self.0 {
            parent::show(headers, context.span().span_context());
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(context) = &self.0 {
            context.span().end();
        }
    }
}

impl Tracing {
    fn begin(&self, builder: SpanBuilder, parent: &Context) -> Span {
        Span(Some(parent.with_span(self.tracer.build_with_context(builder, parent))))
    }
}
