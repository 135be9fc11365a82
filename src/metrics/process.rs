//! The process itself: its version, its config, what it uses of the machine. In: configs offered. Out: gauges and counts.

use std::time::SystemTime;

use prometheus::{IntCounterVec, IntGauge, IntGaugeVec, Registry};

use super::metrics;
use super::registry::{counter_of, gauge, gauges};

pub(super) struct Process {
    reloads: IntCounterVec,
    last_reload: IntGauge,
    last_successful: IntGauge,
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
            last_reload: gauge(
                registry,
                "dragoman_config_last_reload_timestamp_seconds",
                "When a config was last offered while running, taken or not; 0 before the first.",
            ),
            last_successful: {
                let successful = gauge(
                    registry,
                    "dragoman_config_last_reload_successful",
                    "Whether the config that was offered last was taken.",
                );
                successful.set(1);
                successful
            },
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
    config.with_label_values(&[digest]).set(now());
}

/// A config was offered while running, and taken or not.
pub fn count_reload(taken: bool) {
    let process = &metrics().process;
    process.reloads.with_label_values(&[if taken { "taken" } else { "refused" }]).inc();
    process.last_reload.set(now());
    process.last_successful.set(i64::from(taken));
}

/// Seconds of Unix.
fn now() -> i64 {
    let seconds = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
