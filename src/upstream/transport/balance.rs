//! Which endpoint gets the next request. In: those there are and those that had their chance. Out: of two by chance the
//! less loaded.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tower::balance::p2c::Balance;
use tower::discover::ServiceList;
use tower::load::Load;
use tower::{Service, ServiceExt};

use super::endpoint::{Endpoint, Entry};

/// An endpoint that may be chosen; being called means that it was.
struct Candidate(Arc<Endpoint>);

impl Load for Candidate {
    type Metric = usize;

    fn load(&self) -> usize {
        self.0.load()
    }
}

impl Service<()> for Candidate {
    type Response = Arc<Endpoint>;
    type Error = Infallible;
    type Future = Ready<Result<Arc<Endpoint>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(Arc::clone(&self.0)))
    }
}

/// Chooses among the endpoints that are let through and not among `tried`. Never waits: nothing, if there is none.
pub(super) fn choose(endpoints: &[Arc<Endpoint>], tried: &[Arc<Endpoint>]) -> Option<Entry> {
    let is_tried = |endpoint: &Arc<Endpoint>| tried.iter().any(|other| Arc::ptr_eq(endpoint, other));
    let mut left: Vec<_> = endpoints.iter().filter(|endpoint| !is_tried(endpoint)).cloned().collect();
    loop {
        left.retain(|endpoint| endpoint.admits().is_ok());
        // The balancer is made for this one choice. One that lives on would hold back a request until an endpoint is let
        // through again, where we want to fail at once; and the endpoints to leave out differ with each request.
        let candidates: Vec<_> = left.iter().cloned().map(Candidate).collect();
        let chosen = Balance::new(ServiceList::new::<()>(candidates)).oneshot(()).now_or_never()?.ok()?;
        left.retain(|endpoint| !Arc::ptr_eq(endpoint, &chosen));
        // Another request may have taken the one place of a trial meanwhile.
        if let Some(entry) = chosen.enter() {
            return Some(entry);
        }
    }
}
