//! Which traces are recorded. In: a parent, or none. Out: the parent's decision where it is ours or trusted; else one of our
//! own. A client that may choose the id of a trace must not choose by it whether that is recorded.

use opentelemetry::trace::{Link, SpanContext, SpanKind, TraceContextExt, TraceId, TraceState};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

#[derive(Debug, Clone)]
pub(super) struct Share {
    /// Of the traces that begin here, 0 to 1.
    pub(super) sample: f64,
    /// Whether the word of a client's parent holds.
    pub(super) trusts: bool,
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let parent = parent.map(|parent| parent.span().span_context().clone()).filter(SpanContext::is_valid);
        let by_id = Sampler::TraceIdRatioBased(self.sample);
        let is_recorded = match &parent {
            Some(parent) if !parent.is_remote() || self.trusts => parent.is_sampled(),
            Some(_) => rand::random::<f64>() < self.sample,
            None => {
                let sampled = by_id.should_sample(None, trace, name, kind, attributes, links);
                matches!(sampled.decision, SamplingDecision::RecordAndSample)
            }
        };
        SamplingResult {
            decision: if is_recorded { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop },
            attributes: Vec::new(),
            trace_state: parent.map_or_else(TraceState::default, |parent| parent.trace_state().clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{SpanId, TraceFlags};

    use super::*;

    fn recorded(share: &Share, parent: Option<(bool, bool)>) -> bool {
        let parent = parent.map(|(is_remote, is_sampled)| {
            let flags = if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
            // An id by whose value the ratio of the SDK would always record.
            let trace = TraceId::from(1_u128 << 64);
            let span = SpanContext::new(trace, SpanId::from(7_u64), flags, is_remote, TraceState::default());
            Context::new().with_remote_span_context(span)
        });
        let trace = TraceId::from(rand::random::<u128>());
        let result = share.should_sample(parent.as_ref(), trace, "a", &SpanKind::Server, &[], &[]);
        matches!(result.decision, SamplingDecision::RecordAndSample)
    }

    #[test]
    fn our_own_parent_decides_and_a_clients_only_where_it_is_trusted() {
        for sample in [0.0, 1.0] {
            for trusts in [false, true] {
                let share = Share { sample, trusts };
                for is_sampled in [false, true] {
                    assert_eq!(recorded(&share, Some((false, is_sampled))), is_sampled, "{share:?}");
                    let expected = if trusts { is_sampled } else { sample == 1.0 };
                    assert_eq!(recorded(&share, Some((true, is_sampled))), expected, "{share:?} {is_sampled}");
                }
                assert_eq!(recorded(&share, None), sample == 1.0, "{share:?}");
            }
        }
    }

    #[test]
    fn a_share_is_about_that_share_whatever_id_a_client_chooses() {
        let share = Share { sample: 0.25, trusts: false };
        for parent in [None, Some((true, true))] {
            let count = (0..4_000).filter(|_| recorded(&share, parent)).count();
            // Seven standard deviations on either side.
            assert!((810..=1_190).contains(&count), "{count} of 4000 for {parent:?}");
        }
    }
}
