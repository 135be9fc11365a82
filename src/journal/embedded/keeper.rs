//! The thread that lets go of what is not kept any more, and shows how much there is. In: how much is to be kept. Out:
//! steps with pauses between them, so that most of the time is left to the writer.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::metrics;

use super::super::Keep;
use super::medium::Medium;
use super::retention::{self, Sweep};

/// Between rounds that found nothing more to let go.
const ROUND: Duration = Duration::from_secs(10);

/// Pauses are this many times as long as the steps before them.
const SHARE: u32 = 4;

/// Runs until the other end of the channel is gone.
pub fn run(medium: &Medium, keep: Keep, stop: &Receiver<()>) {
    let mut sweep = Sweep::default();
    loop {
        let began = Instant::now();
        let pause = match retention::step(medium, keep, &mut sweep) {
            Ok(step) => {
                for (reason, count) in &step.gone {
                    metrics::count_trimmed(reason.word(), *count);
                }
                if step.is_done { ROUND } else { (began.elapsed() * SHARE).max(Duration::from_millis(1)) }
            }
            Err(error) => {
                tracing::warn!(%error, "the journal cannot let go of what is old");
                ROUND
            }
        };
        if let Ok(figures) = medium.read(retention::figures) {
            metrics::show_journal(figures.events, figures.bytes, medium.length(), figures.oldest);
        }
        match stop.recv_timeout(pause) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
