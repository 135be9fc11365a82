//! The right to decide something alone, held until it is dropped.

/// Held while a decision is taken that must be taken once, here and in every process that writes to the same journal.
pub struct Lease(Option<Box<dyn FnOnce() + Send + Sync>>);

impl Lease {
    /// `release` is called once, when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Lease(Some(Box::new(release)))
    }

    /// Where one process is alone with its journal.
    pub fn alone() -> Self {
        Lease(None)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(release) = self.0.take() {
            release();
        }
    }
}
