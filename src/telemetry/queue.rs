//! Spans on their way out. In: spans that ended. Out: batches, by the SDK's own thread; what finds the queue full is dropped,
//! and everything is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Span, SpanData, SpanExporter, SpanProcessor};

use crate::metrics::count_spans;

use super::collector::Report;

/// The SDK's queue, which drops without telling, behind a count of what is in it.
#[derive(Debug)]
pub(super) struct Queue {
    processor: BatchSpanProcessor,
    longest: usize,
    /// Spans that ended and are neither exported nor failed.
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new<E: SpanExporter + 'static>(exporter: E, longest: usize, report: Report) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        // A batch may be on its way while the queue fills again.
        let mut batches = BatchConfigBuilder::default().with_max_queue_size(longest);
        if longest < 512 {
            batches = batches.with_max_export_batch_size(longest);
        }
        let exporter = Counted { exporter, waiting: Arc::clone(&waiting), report };
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
        Queue { processor, longest, waiting }
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.longest {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return count_spans("dropped", 1);
        }
        self.processor.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.processor.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.processor.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.processor.set_resource(resource);
    }
}

/// An exporter whose outcomes are counted.
#[derive(Debug)]
struct Counted<E> {
    exporter: E,
    waiting: Arc<AtomicUsize>,
    report: Report,
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let outcome = self.exporter.export(batch).await;
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        count_spans(if outcome.is_ok() { "exported" } else { "failed" }, count);
        self.report.tell(outcome.is_ok(), count);
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// Takes a batch only when it is let go.
    #[derive(Debug)]
    struct Slow {
        let_go: Mutex<Receiver<()>>,
        taken: Sender<usize>,
    }

    impl SpanExporter for Slow {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            let _ = self.let_go.lock().expect("not poisoned").recv();
            let _ = self.taken.send(batch.len());
            Ok(())
        }
    }

    #[test]
    fn a_collector_that_does_not_answer_costs_a_bounded_queue_and_nobody_waits() {
        let ((go, let_go), (taken, heard)) = (channel(), channel());
        let slow = Slow { let_go: Mutex::new(let_go), taken };
        let queue = Queue::new(slow, 10, Report::new("a test".into()));
        let waiting = Arc::clone(&queue.waiting);
        let provider = SdkTracerProvider::builder().with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        // The thread takes some out of the queue and waits with them: those still count.
        for _ in 0..100 {
            drop(tracer.start("a"));
        }
        assert_eq!(waiting.load(Ordering::Relaxed), 10);
        for _ in 0..10 {
            go.send(()).expect("the exporter is there");
        }
        provider.shutdown_with_timeout(Duration::from_secs(30)).expect("flushed");
        assert_eq!(heard.try_iter().sum::<usize>(), 10);
        assert_eq!(waiting.load(Ordering::Relaxed), 0);
    }
}
