//! The only place that spawns: every task is tracked, told to stop, and waited for. In: futures. Out: a process that
//! ends with nothing cut off, or the number of what had to be.
//!
//! A stop has two steps: first those who hold a [`Stay`] leave, each at its own moment, so that the clients of a large
//! gateway do not all come to the next one at once; then everything stops.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long one more that leaves may lengthen the leaving of all.
const EACH: Duration = Duration::from_millis(20);

/// A handle on all tasks of a process.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    /// Within which time all are to leave, once they are told to.
    leave: Arc<watch::Sender<Option<Duration>>>,
}

/// What ends before the rest, at a moment of its own: a client's socket.
#[derive(Debug)]
pub struct Stay {
    stop: CancellationToken,
    leave: watch::Receiver<Option<Duration>>,
}

impl Stay {
    /// Resolves when it is this one's turn to leave.
    pub async fn over(&mut self) {
        let turn = async {
            let told = self.leave.wait_for(Option::is_some).await.map(|within| within.unwrap_or_default());
            match told {
                Ok(within) => tokio::time::sleep(within.mul_f64(rand::random())).await,
                // Nobody is left to tell.
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            () = turn => {}
            () = self.stop.cancelled() => {}
        }
    }
}

impl Tasks {
    pub fn new() -> Self {
        Tasks::default()
    }

    /// Starts a task. It ends by itself, or soon after [`Tasks::stopping`] is cancelled.
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(self.tracker.track_future(future));
    }

    /// Something that ends at its own moment before the rest stops.
    pub fn stay(&self) -> Stay {
        Stay { stop: self.stop.clone(), leave: self.leave.subscribe() }
    }

    /// Whether no new [`Stay`] should begin.
    pub fn is_leaving(&self) -> bool {
        self.leave.borrow().is_some() || self.stop.is_cancelled()
    }

    /// Lets all that stay leave, spread over at most this long: few leave sooner. Resolves when none is left, or time is
    /// up. Returns how many there were.
    pub async fn leave(&self, longest: Duration) -> usize {
        let staying = self.leave.receiver_count();
        let within = longest.min(EACH * u32::try_from(staying).unwrap_or(u32::MAX));
        self.leave.send_replace(Some(within));
        let _ = tokio::time::timeout(longest, self.leave.closed()).await;
        staying
    }

    /// Cancelled when it is time to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells every task to stop.
    pub fn stop(&self) {
        self.stop.cancel();
        self.tracker.close();
    }

    /// Waits until all tasks have ended, at most this long. Returns how many were left.
    pub async fn drain(&self, deadline: Duration) -> usize {
        self.tracker.close();
        let _ = tokio::time::timeout(deadline, self.tracker.wait()).await;
        self.tracker.len()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const SOON: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn all_end_when_told() {
        let tasks = Tasks::new();
        for _ in 0..3 {
            let stopping = tasks.stopping();
            tasks.spawn(async move { stopping.cancelled().await });
        }
        tasks.stop();
        assert_eq!(tasks.drain(SOON).await, 0);
    }

    #[tokio::test]
    async fn who_does_not_end_is_counted() {
        let tasks = Tasks::new();
        tasks.spawn(pending());
        assert_eq!(tasks.drain(Duration::ZERO).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_stay_leave_spread_over_the_time() {
        let tasks = Tasks::new();
        let began = tokio::time::Instant::now();
        let (said, mut heard) = tokio::sync::mpsc::channel(1000);
        for _ in 0..1000 {
            let (mut stay, said) = (tasks.stay(), said.clone());
            tasks.spawn(async move {
                stay.over().await;
                let _ = said.try_send(began.elapsed());
            });
        }
        assert!(!tasks.is_leaving());
        assert_eq!(tasks.leave(Duration::from_secs(10)).await, 1000);
        assert!(tasks.is_leaving());
        drop(said);
        let mut in_second = [0; 10];
        while let Some(left) = heard.recv().await {
            in_second[usize::try_from(left.as_millis() / 1000).expect("small").min(9)] += 1;
        }
        // 100 are expected in each; fewer than 50 or more than 150 come once in a million runs.
        assert!(in_second.iter().all(|count| (50..=150).contains(count)), "{in_second:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn few_leave_soon_and_a_stop_hurries() {
        let tasks = Tasks::new();
        let began = tokio::time::Instant::now();
        let mut stay = tasks.stay();
        tasks.spawn(async move { stay.over().await });
        tasks.leave(Duration::from_secs(10)).await;
        assert!(began.elapsed() <= EACH, "{:?}", began.elapsed());
        let mut late = tasks.stay();
        tasks.stop();
        late.over().await;
    }

    #[tokio::test]
    async fn a_task_may_start_another_while_stopping() {
        let tasks = Tasks::new();
        let (more, stopping) = (tasks.clone(), tasks.stopping());
        let (said, heard) = tokio::sync::oneshot::channel();
        tasks.spawn(async move {
            stopping.cancelled().await;
            more.spawn(async move { said.send(()).expect("somebody waits") });
        });
        tasks.stop();
        assert_eq!(tasks.drain(SOON).await, 0);
        heard.await.expect("the second ran to its end before the drain did");
    }
}
