//! How busy the runtime is. In: its own figures, looked at when somebody asks. Out: gauges and counts.

use std::time::Duration;

use prometheus::{Counter, IntCounter, IntGauge, Registry};
use tokio::runtime::Handle;

use super::registry::{gauge, number, total};

pub(super) struct Runtime {
    workers: IntGauge,
    tasks: IntGauge,
    queued: IntGauge,
    busy: Counter,
    parks: IntCounter,
}

impl Runtime {
    pub(super) fn register(registry: &Registry) -> Self {
        Runtime {
            workers: gauge(registry, "dragoman_runtime_workers", "Threads that run tasks."),
            tasks: gauge(registry, "dragoman_runtime_tasks", "Tasks that have not ended."),
            queued: gauge(
                registry,
                "dragoman_runtime_queued_tasks",
                "Tasks that are ready and that no thread has yet.",
            ),
            busy: number(
                registry,
                "dragoman_runtime_busy_seconds_total",
                "Time that all threads together spent running tasks; at most dragoman_runtime_workers a second.",
            ),
            parks: total(registry, "dragoman_runtime_parks_total", "How often a thread had nothing to do and slept."),
        }
    }

    /// Looks how it is now; outside of a runtime nothing changes.
    pub(super) fn look(&self) {
        let Ok(handle) = Handle::try_current() else { return };
        let metrics = handle.metrics();
        let workers = 0..metrics.num_workers();
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.workers.set(number(workers.len()));
        self.tasks.set(number(metrics.num_alive_tasks()));
        self.queued.set(number(metrics.global_queue_depth()));
        let busy: Duration = workers.clone().map(|worker| metrics.worker_total_busy_duration(worker)).sum();
        // Two who ask at once add the same step twice; the next who asks adds that much less.
        self.busy.inc_by((busy.as_secs_f64() - self.busy.get()).max(0.0));
        let parks: u64 = workers.map(|worker| metrics.worker_park_count(worker)).sum();
        self.parks.inc_by(parks.saturating_sub(self.parks.get()));
    }
}
