//! The process itself: its version, its config, what it uses of the machine. In: configs offered. Out: gauges and counts.

use std::time::SystemTime;

use prometheus::{IntCounterVec, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter_of, gauges};

pub(super) struct Process {
    reloads: IntCounterVec,
    config: IntGaugeVec,
}

impl Process {
    pub(super) fn register(registry: &Registry) -> Self {
        let build = gauges(registry, "dragoman_build_info", "Which version runs.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        #[cfg(target_os = "linux")]
        {
            let process = prometheus::process_collector::ProcessCollector::for_self();
            registry.register(Box::new(process)).expect("registered once");
        }
        Process {
            reloads: counter_of(
                registry,
                "dragoman_config_reloads_total",
                "Configs offered while running: taken, or refused.",
                "result",
                &["taken", "refused"],
            ),
            config: gauges(
                registry,
                "dragoman_config_taken_timestamp_seconds",
                "When the config that holds was taken, by the digest of its files.",
                &["digest"],
            ),
        }
    }
}

/// The config of this digest holds from now on; no other does.
pub fn show_config(digest: &str) {
    let config = &metrics().process.config;
    config.reset();
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    config.with_label_values(&[digest]).set(i64::try_from(seconds).unwrap_or(i64::MAX));
}

pub fn count_reload(taken: bool) {
    metrics().process.reloads.with_label_values(&[if taken { "taken" } else { "refused" }]).inc();
}
