//! A collector for tests: OTLP over HTTP as its specification says, decoded with the types of the official `.proto` files. What the
//! specification does not allow is answered with 400 and makes the test fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::recorder::{Asked, Recorder};
use crate::standin::server::{Response, with_type};

/// A span as it came, in plain words.
#[derive(Debug, Clone)]
pub struct Seen {
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty: none.
    pub parent: String,
    /// 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    pub attributes: HashMap<String, String>,
    /// Traces and spans.
    pub links: Vec<(String, String)>,
    pub state: String,
    pub service: String,
}

pub struct Collector {
    pub recorder: Recorder,
    seen: Arc<Mutex<Vec<Seen>>>,
    wrong: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    pub async fn start() -> Self {
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let wrong: Arc<Mutex<Vec<String>>> = Arc::default();
        let (kept, complaints) = (seen.clone(), wrong.clone());
        let recorder = Recorder::start(move |asked| match read(asked) {
            Ok(spans) => {
                kept.lock().expect("not poisoned").extend(spans);
                let taken = ExportTraceServiceResponse { partial_success: None }.encode_to_vec();
                with_type(200, "application/x-protobuf", taken)
            }
            Err(words) => refuse(&complaints, words),
        });
        Collector { recorder: recorder.await, seen, wrong }
    }

    /// Waits for a span for which this holds.
    pub async fn some(&self, wanted: impl Fn(&Seen) -> bool) {
        let found = async {
            while !self.seen().iter().any(&wanted) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        // The SDK sends what it has every five seconds.
        tokio::time::timeout(3 * crate::harness::PATIENCE, found).await.expect("such a span");
    }

    /// What came so far, of a gateway that asked for nothing wrong.
    pub fn seen(&self) -> Vec<Seen> {
        assert_eq!(*self.wrong.lock().expect("not poisoned"), Vec::<String>::new());
        self.seen.lock().expect("not poisoned").clone()
    }
}

fn refuse(complaints: &Mutex<Vec<String>>, words: String) -> Response {
    complaints.lock().expect("not poisoned").push(words.clone());
    with_type(400, "text/plain", words)
}

fn read(asked: &Asked) -> Result<Vec<Seen>, String> {
    if asked.path != "/v1/traces" || asked.method != "POST" {
        return Err(format!("{} {}", asked.method, asked.path));
    }
    if asked.header("content-type") != Some("application/x-protobuf") {
        return Err(format!("{:?}", asked.headers));
    }
    let request = ExportTraceServiceRequest::decode(asked.body.clone()).map_err(|error| error.to_string())?;
    let mut seen = Vec::new();
    for of_resource in request.resource_spans {
        let resource = of_resource.resource.ok_or("spans of nobody")?;
        let service = words(&resource.attributes)?.remove("service.name").ok_or("a service without a name")?;
        for span in of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            seen.push(checked(span, &service)?);
        }
    }
    if seen.is_empty() { Err("a batch of nothing".to_owned()) } else { Ok(seen) }
}

/// What the comments of `trace.proto` ask of a span.
fn checked(span: Span, service: &str) -> Result<Seen, String> {
    let is_id = |id: &[u8], length: usize| id.len() == length && id.iter().any(|byte| *byte != 0);
    let hex = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let parent_fits = span.parent_span_id.is_empty() || is_id(&span.parent_span_id, 8);
    if !is_id(&span.trace_id, 16) || !is_id(&span.span_id, 8) || !parent_fits || span.span_id == span.parent_span_id {
        return Err(format!("ids of {span:?}"));
    }
    if span.name.is_empty() || span.start_time_unix_nano == 0 || span.end_time_unix_nano < span.start_time_unix_nano {
        return Err(format!("name or times of {span:?}"));
    }
    if span.links.iter().any(|link| !is_id(&link.trace_id, 16) || !is_id(&link.span_id, 8)) {
        return Err(format!("links of {span:?}"));
    }
    Ok(Seen {
        trace: hex(&span.trace_id),
        id: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        kind: span.kind,
        attributes: words(&span.attributes)?,
        links: span.links.iter().map(|link| (hex(&link.trace_id), hex(&link.span_id))).collect(),
        name: span.name,
        state: span.trace_state,
        service: service.to_owned(),
    })
}

/// Attributes; a key stands once.
fn words(attributes: &[KeyValue]) -> Result<HashMap<String, String>, String> {
    let mut words = HashMap::new();
    for KeyValue { key, value, .. } in attributes {
        let value = match value.as_ref().and_then(|value| value.value.as_ref()) {
            Some(any_value::Value::StringValue(text)) => text.clone(),
            Some(any_value::Value::IntValue(number)) => number.to_string(),
            Some(any_value::Value::BoolValue(flag)) => flag.to_string(),
            Some(any_value::Value::DoubleValue(number)) => number.to_string(),
            other => return Err(format!("{key} is {other:?}")),
        };
        if key.is_empty() || words.insert(key.clone(), value).is_some() {
            return Err(format!("the attribute `{key}` is given twice, or has no name"));
        }
    }
    Ok(words)
}
