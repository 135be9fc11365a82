//! One endpoint of an upstream. In: its address. Out: whole addresses to call, how much it has to do, whether it is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What an endpoint has to do at the moment.
#[derive(Debug, Default)]
pub(super) struct Load(AtomicUsize);

impl Load {
    pub(super) fn now(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One call or socket that an endpoint is busy with, until this is dropped.
#[derive(Debug)]
pub struct Counted(Arc<Load>);

impl Counted {
    pub(super) fn begin(load: &Arc<Load>) -> Self {
        load.0.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(load))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
