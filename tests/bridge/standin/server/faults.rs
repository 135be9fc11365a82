//! What goes wrong now. In: what a test orders. Out: what becomes of a message.

use std::sync::Mutex;
use std::time::Duration;

use super::super::Failing;

/// The one failure that is injected at a time.
pub struct Faults(Mutex<Failing>);

impl Default for Faults {
    fn default() -> Self {
        Faults(Mutex::new(Failing::No))
    }
}

impl Faults {
    pub fn set(&self, failing: Failing) {
        *self.0.lock().unwrap() = failing;
    }

    pub fn now(&self) -> Failing {
        *self.0.lock().unwrap()
    }

    /// Whether a message is kept; waits before the late one. The failures of one message are over with it.
    pub async fn keeps(&self) -> bool {
        let failing = {
            let mut now = self.0.lock().unwrap();
            let failing = *now;
            if matches!(failing, Failing::DropNext | Failing::LateNext(_)) {
                *now = Failing::No;
            }
            failing
        };
        match failing {
            Failing::DropNext | Failing::Silent => false,
            Failing::LateNext(milliseconds) => {
                // The lateness is what is asked for, nothing waits here for something else to happen.
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                true
            }
            _ => true,
        }
    }
}
