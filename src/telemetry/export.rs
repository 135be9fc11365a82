//! Spans for a collector (OTLP over HTTP, protobuf). In: where, and which share. Out: a tracer for the whole process, and a
//! flush at the end that takes only so long.

use std::collections::HashMap;
use std::time::Duration;

use http::Uri;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::secret::Secret;
use crate::trace::{self, Incoming};

use super::collector::{Collector, Report};
use super::queue::Queue;
use super::sampler::Share;

/// What a service is called that nobody named.
const SERVICE: &str = "dragoman";

/// Attributes of a span, and links.
const MOST: u32 = 32;

/// Where spans go.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceSettings {
    /// `http:` or `https:`, all of it.
    pub endpoint: Uri,
    /// `name=value,…`, values percent-encoded, as in OTEL_EXPORTER_OTLP_HEADERS.
    pub headers: Option<Secret>,
    /// `service.name`; absent: as OTEL_RESOURCE_ATTRIBUTES says, else `dragoman`.
    pub service: Option<String>,
    /// The share of traces that is recorded, 0 to 1.
    pub sample: f64,
    /// Of one call of the collector, and of the tries of a batch; 100 ms to 60 s.
    pub timeout: Duration,
    /// Spans that may wait for the collector; 1 to 1,000,000.
    pub queue: usize,
    pub parents: Incoming,
}

/// The export of this process.
pub struct Export {
    provider: SdkTracerProvider,
    over: CancellationToken,
}

impl Export {
    /// Begins; spans of this process go there from now on. Errors: an address that the exporter does not take.
    pub fn begin(settings: &TraceSettings, runtime: Handle) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let endpoint = &settings.endpoint;
        let authority = endpoint.authority().map_or("", http::uri::Authority::as_str);
        let report = Report::new(format!("{}://{authority}", endpoint.scheme_str().unwrap_or("http")));
        let over = CancellationToken::new();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.to_string())
            .with_timeout(settings.timeout)
            .with_headers(headers(settings))
            .with_http_client(Collector::new(runtime, settings.timeout, report.clone(), over.clone()))
            .build()?;
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Queue::new(exporter, settings.queue, report))
            .with_sampler(Share { sample: settings.sample, trusts: settings.parents == Incoming::Trust })
            .with_max_attributes_per_span(MOST)
            .with_max_links_per_span(MOST)
            .with_resource(resource(settings))
            .build();
        trace::install(provider.tracer(SERVICE), settings.parents);
        Ok(Export { provider, over })
    }

    /// Sends what waits, within this time; blocks. Called outside of the runtime, while that still runs.
    pub fn end(self, within: Duration) {
        if self.provider.shutdown_with_timeout(within).is_err() {
            tracing::warn!("not all spans reached the collector before the end");
        }
        // A call that is still under way would outlive the runtime that it runs on.
        self.over.cancel();
    }
}

fn headers(settings: &TraceSettings) -> HashMap<String, String> {
    let text = settings.headers.as_ref().map_or("", Secret::expose);
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect()
}

/// Who says it: what OTEL_RESOURCE_ATTRIBUTES says, a name, a version, and an instance that no other has.
fn resource(settings: &TraceSettings) -> Resource {
    let own = [
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()),
    ];
    let said = Resource::builder().build();
    let named = said.get(&Key::new("service.name")).map(|name| name.to_string());
    let named = named.filter(|name| !name.starts_with("unknown_service"));
    let name = settings.service.clone().or(named).unwrap_or_else(|| SERVICE.to_owned());
    Resource::builder().with_attributes(own).with_service_name(name).build()
}
