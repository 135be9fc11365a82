//! Which replica calls a webhook: one at a time. In: a name. Out: word that it is ours, and that it is not any more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::journal::Journal;

/// How long a claim lasts whose holder died.
const LIFE: Duration = Duration::from_secs(6);

/// Between two times that it is renewed, or asked for.
const RENEWED: Duration = Duration::from_secs(2);
const ASKED: Duration = Duration::from_millis(500);

/// Who has a name, as the journal knows them: what is written in its name is written while it is theirs.
#[derive(Debug, Clone)]
pub struct Right {
    pub name: Arc<str>,
    pub holder: Uuid,
}

/// The right to call a webhook.
pub struct Claim {
    journal: Arc<dyn Journal>,
    right: Right,
    /// It is ours until then, by our own clock, which began before the journal's.
    until: Instant,
}

impl Claim {
    pub fn new(journal: Arc<dyn Journal>, name: String) -> Self {
        let right = Right { name: name.into(), holder: Uuid::new_v4() };
        Claim { journal, right, until: Instant::now() }
    }

    pub fn right(&self) -> Right {
        self.right.clone()
    }

    /// Resolves once it is ours.
    pub async fn taken(&mut self) {
        while !self.ask().await {
            tokio::time::sleep(ASKED).await;
        }
    }

    /// Keeps it; resolves when it is lost.
    pub async fn lost(&mut self) {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            // A journal that is away is asked more often: it may be back before the claim ends.
            let pause = if left > LIFE - RENEWED { RENEWED } else { ASKED };
            tokio::time::sleep(pause.min(left)).await;
            // An answer that comes too late is none.
            let left = self.until.saturating_duration_since(Instant::now());
            let _ = tokio::time::timeout(left, self.ask()).await;
        }
    }

    /// Whether it is ours for another while.
    async fn ask(&mut self) -> bool {
        let until = Instant::now() + LIFE;
        match self.journal.claim(&self.right.name, self.right.holder, LIFE).await {
            Ok(true) => {
                self.until = until;
                true
            }
            // Somebody else's: at once, whatever was believed.
            Ok(false) => {
                self.until = Instant::now();
                false
            }
            Err(error) => {
                tracing::debug!(name = %self.right.name, %error, "the claim could not be asked for");
                false
            }
        }
    }

    /// Lets somebody else have it now.
    pub async fn give_up(self) {
        // One that cannot be given back ends by itself.
        let _ = self.journal.disclaim(&self.right.name, self.right.holder).await;
    }
}
