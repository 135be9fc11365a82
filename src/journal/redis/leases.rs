//! Leases across processes: a key that its holder alone removes, and that ends by itself when the holder died.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::super::{JournalError, Lease};
use super::scripts::{HOLD, RELEASE};
use super::{RedisJournal, fault};

/// How long a lease lasts whose holder does not give it back: much longer than any decision takes.
const LIFE: Duration = Duration::from_secs(10);

/// Between two tries at a lease that somebody else holds; up to twice that, by chance.
const PAUSE: Duration = Duration::from_millis(3);

impl RedisJournal {
    /// Waits for its turn, at most as long as a write waits.
    pub async fn hold(&self, name: &str) -> Result<Lease, JournalError> {
        let key = self.names.key(&format!("{{leases}}:{name}"));
        let holder = Uuid::new_v4().simple().to_string();
        let deadline = Instant::now() + self.hold.max(LIFE);
        let mut asking = HOLD.call(&[&key]);
        asking.arg(&holder).arg(LIFE.as_millis() as u64);
        while !self.ask::<bool>(&asking).await? {
            if Instant::now() >= deadline {
                return Err(JournalError::Unavailable("somebody else is still deciding".to_owned()));
            }
            tokio::time::sleep(PAUSE.mul_f64(rand::random_range(1.0..2.0))).await;
        }
        let (link, tasks) = (self.link.clone(), self.tasks.clone());
        Ok(Lease::new(move || {
            tasks.spawn(async move {
                // One that cannot be given back ends by itself.
                let _: Result<(), _> = link.ask(RELEASE.call(&[&key]).arg(holder)).await;
            });
        }))
    }

    /// Takes a name, or keeps it, if nobody else has it.
    pub async fn take_claim(&self, name: &str, holder: Uuid, life: Duration) -> Result<bool, JournalError> {
        let mut asking = HOLD.call(&[&self.claim_key(name)]);
        asking.arg(holder.simple().to_string()).arg(u64::try_from(life.as_millis()).unwrap_or(u64::MAX));
        self.link.ask(&asking).await.map_err(fault)
    }

    pub async fn drop_claim(&self, name: &str, holder: Uuid) -> Result<(), JournalError> {
        let mut giving = RELEASE.call(&[&self.claim_key(name)]);
        self.link.ask(giving.arg(holder.simple().to_string())).await.map_err(fault)
    }

    pub(super) fn claim_key(&self, name: &str) -> String {
        self.names.key(&format!("{{claims}}:{name}"))
    }
}
