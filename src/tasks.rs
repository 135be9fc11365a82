//! The only place that spawns: every task is tracked, told to stop, and waited for. In: futures. Out: a process that
//! ends with nothing cut off, or the number of what had to be.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A handle on all tasks of a process.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
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
