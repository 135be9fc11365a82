//! What operators revoked. In: how much of it holds. Out: a gauge.

use prometheus::{IntGauge, Registry};

use super::metrics;
use super::registry::gauge;

pub(super) struct Revoked {
    held: IntGauge,
}

impl Revoked {
    pub(super) fn register(registry: &Registry) -> Self {
        let help = "Credentials, and principals, that are revoked and have not ended.";
        Revoked { held: gauge(registry, "dragoman_revocations", help) }
    }
}

/// So many are held now.
pub fn show_revocations(held: usize) {
    metrics().revoked.held.set(i64::try_from(held).unwrap_or(i64::MAX));
}
