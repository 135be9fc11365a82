//! `[tracing]`: where spans go. In: the table. Out: the settings, and where the endpoint is written.

use std::time::Duration;

use http::Uri;

use super::super::node::Place;
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use crate::secret::Secret;
use crate::telemetry::TraceSettings;
use crate::trace::Incoming;

/// Where OTLP over HTTP takes spans, below an address without a path.
const PATH: &str = "/v1/traces";
const TIMEOUT: Duration = Duration::from_secs(10);
const QUEUE: usize = 2_048;

pub(super) const PARENTS: &[(&str, Incoming)] =
    &[("trust", Incoming::Trust), ("continue", Incoming::Continue), ("link", Incoming::Link)];

#[derive(Debug)]
pub(in crate::config) struct WrittenTracing {
    /// Absent: off.
    pub settings: Option<TraceSettings>,
    pub place: Place,
}

pub(super) fn read(section: Section<'_>) -> Option<WrittenTracing> {
    if !section.has("endpoint") {
        section
            .missing("endpoint", "where spans go, as in `endpoint = \"http://127.0.0.1:4318\"`; \"off\" for nowhere");
    }
    let endpoint = section.parsed("endpoint", |text| if text == "off" { Ok(None) } else { address(text).map(Some) });
    let headers = headers(&section);
    let service = section.text("service").map(|service| service.value);
    let sample = section.share("sample").unwrap_or(1.0);
    let timeout = section.duration("timeout").unwrap_or(TIMEOUT);
    let queue = section.integer("queue").and_then(|queue| usize::try_from(queue).ok()).unwrap_or(QUEUE);
    let parents = section.word("parents", PARENTS).map_or(Incoming::Continue, |parents| parents.value);
    section.finish();
    let Spanned { value: endpoint, place } = endpoint?;
    let settings =
        endpoint.map(|endpoint| TraceSettings { endpoint, headers, service, sample, timeout, queue, parents });
    Some(WrittenTracing { settings, place })
}

fn address(text: &str) -> Result<Uri, String> {
    const FORM: &str = "wanted a URL with `http://` or `https://` and a host, as in `http://127.0.0.1:4318`";
    let uri: Uri = text.parse().map_err(|_| FORM.to_owned())?;
    let authority = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("http" | "https"))).ok_or(FORM)?;
    if authority.as_str().contains('@') {
        return Err("a URL here has no user or password in it; credentials go into `headers`".to_owned());
    }
    match uri.path() {
        "" | "/" => format!("{}{PATH}", text.trim_end_matches('/')).parse().map_err(|_| FORM.to_owned()),
        _ => Ok(uri),
    }
}

/// `name=value,…`, none of which is shown when it is wrong.
fn headers(section: &Section<'_>) -> Option<Secret> {
    let headers = section.secret("headers", "headers_file")?;
    let is_header = |pair: &str| {
        let plain = |value: &str| value.bytes().all(|byte| (0x21..0x7f).contains(&byte) || byte == b' ');
        pair.split_once('=').is_some_and(|(name, value)| {
            http::HeaderName::try_from(name.trim()).is_ok() && !value.trim().is_empty() && plain(value.trim())
        })
    };
    if headers.value.expose().split(',').all(is_header) {
        return Some(headers.value);
    }
    let help = "as in `headers = \"x-api-key=${COLLECTOR_KEY},x-tenant=chat\"`; a comma in a value is `%2C`";
    let message = "`headers` is no list of `name=value`";
    section.report().error(Code::Value, &headers.place, message, Some(help.to_owned()));
    None
}
