//! Trace context (W3C Trace Context, level 1). In: what a head or an event names as `traceparent`. Out: the span that it
//! names, if it is one; and the same in words. What is malformed is as good as absent.

use std::str::FromStr;

use http::{HeaderMap, HeaderName};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Bytes of a `tracestate` that are carried on; the standard asks for no more (§3.3.1.5).
const LONGEST_STATE: usize = 512;

/// Bytes of a `traceparent`; that of version 0 has 55, and a later one may have more.
const LONGEST: usize = 256;

/// The span that a head names; of several none counts. Where it is not well-formed its `tracestate` does not count either.
pub fn of_headers(headers: &HeaderMap) -> Option<SpanContext> {
    let mut named = headers.get_all(TRACEPARENT).iter();
    let (parent, None) = (named.next()?, named.next()) else { return None };
    parse(parent.to_str().ok()?, state(headers), true)
}

/// Sees to it that a head names a span: a trace that is passed on goes on, or begins, not recorded, so that those behind us
/// agree on one.
pub fn go_on(headers: &mut HeaderMap) {
    if of_headers(headers).is_none() {
        let (trace, span) = (rand::random::<u128>().max(1), rand::random::<u64>().max(1));
        let (trace, span) = (TraceId::from(trace), SpanId::from(span));
        show(headers, &SpanContext::new(trace, span, TraceFlags::default(), false, TraceState::default()));
    }
}

/// Names the span in a head, in place of whatever is named there.
pub fn show(headers: &mut HeaderMap, span: &SpanContext) {
    headers.remove(TRACESTATE);
    if let Ok(value) = shown(span).parse() {
        headers.insert(TRACEPARENT, value);
    }
    let state = span.trace_state().header();
    if let Some(value) = state.parse().ok().filter(|_| !state.is_empty()) {
        headers.insert(TRACESTATE, value);
    }
}

/// The span that an event of ours came from: as if it were of this process.
pub fn of_event(text: &str) -> Option<SpanContext> {
    parse(text, TraceState::default(), false)
}

/// The same in words.
pub fn shown(span: &SpanContext) -> String {
    format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags() & TraceFlags::SAMPLED)
}

/// Version, trace, span and flags in small hexadecimal digits; neither id all zeros, the version not `ff`. Later versions
/// may have more after these.
fn parse(text: &str, state: TraceState, is_remote: bool) -> Option<SpanContext> {
    if text.len() > LONGEST {
        return None;
    }
    let mut parts = text.split('-');
    let mut next = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit));
    let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
    if version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, is_remote, state)).filter(SpanContext::is_valid)
}

fn is_digit(byte: u8) -> bool {
    byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)
}

fn state(headers: &HeaderMap) -> TraceState {
    let values: Option<Vec<&str>> = headers.get_all(TRACESTATE).iter().map(|value| value.to_str().ok()).collect();
    let text = values.map(|values| values.join(",")).filter(|text| text.len() <= LONGEST_STATE);
    text.and_then(|text| TraceState::from_str(&text).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(named: &[(HeaderName, &str)]) -> HeaderMap {
        named.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    #[test]
    fn a_well_formed_one_is_the_same_in_words() {
        let span = of_headers(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, "a=1,b=2")])).expect("a span");
        assert!(span.is_remote() && span.is_sampled());
        assert_eq!((shown(&span).as_str(), span.trace_state().header().as_str()), (GOOD, "a=1,b=2"));
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-09-what-the-future-will-be";
        assert_eq!(of_event(later).map(|span| shown(&span)).as_deref(), Some(GOOD));
    }

    #[test]
    fn what_is_malformed_is_as_good_as_absent() {
        let huge = format!("cc-{}-{}", &GOOD[3..], "a".repeat(100_000));
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            " 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "zz-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            &huge,
        ] {
            assert_eq!(of_event(text), None, "{text:.80}");
            assert_eq!(of_headers(&headers(&[(TRACEPARENT, text), (TRACESTATE, "a=1")])), None, "{text:.80}");
        }
        assert_eq!(of_headers(&headers(&[(TRACEPARENT, GOOD), (TRACEPARENT, GOOD)])), None);
    }

    #[test]
    fn a_state_that_is_too_long_or_broken_is_left_out() {
        for state in ["x".repeat(10_000), format!("a={}", "1".repeat(600)), "no equals".to_owned()] {
            let span = of_headers(&headers(&[(TRACEPARENT, GOOD), (TRACESTATE, &state)])).expect("a span");
            assert_eq!(span.trace_state().header(), "", "{state:.40}");
        }
    }
}
