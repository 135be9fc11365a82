//! Why there is no answer. In: the HTTP library's error. Out: a fault without anything of the request in it.

use std::error::Error;
use std::time::Duration;

use hyper_util::client::legacy;

use crate::fault::{Fault, Reason};

/// The connection could not be made, or broke before the answer's head was there.
pub(super) fn of_connection(address: &str, error: &legacy::Error) -> Fault {
    if error.is_connect() || chain(error).any(is_timeout) {
        return of_connecting(address, error);
    }
    // The library's own words, not their sources: those may quote what was read.
    let words = chain(error)
        .find_map(|error| error.downcast_ref::<hyper::Error>())
        .map(ToString::to_string)
        .unwrap_or_default();
    Fault::new(Reason::Upstream).detail(format!("no answer from {address}: {words}"))
}

/// The connection could not be made.
pub(super) fn of_connecting(address: &str, error: &(dyn Error + 'static)) -> Fault {
    if chain(error).any(is_timeout) {
        return Fault::new(Reason::UpstreamTimeout).detail(format!("{address} cannot be connected to in time"));
    }
    // The innermost error is of the system or of TLS: nothing of a request was there yet.
    let words = chain(error).last().map(ToString::to_string).unwrap_or_default();
    Fault::new(Reason::Upstream).detail(format!("cannot connect to {address}: {words}"))
}

/// Connected, and nothing came.
pub(super) fn of_time(address: &str, longest: Duration) -> Fault {
    Fault::new(Reason::UpstreamTimeout).detail(format!("no answer from {address} within {} ms", longest.as_millis()))
}

/// There is an answer, and it is none to what was asked.
pub(super) fn of_answer(address: &str, words: &str) -> Fault {
    Fault::new(Reason::Upstream).detail(format!("{address}: {words}"))
}

/// Every endpoint is passed by at the moment.
pub(super) fn of_all(upstream: &str, back_in: Duration) -> Fault {
    let fault = Fault::new(Reason::Upstream).detail(format!("no endpoint of {upstream} is well"));
    // A second at least: it becomes a `Retry-After`, which knows no less.
    Fault { retry_after: Some(back_in.max(Duration::from_secs(1))), ..fault.untaken() }
}

/// The request's own body did not come to its end: not the upstream's fault.
pub(super) fn of_source(error: std::io::Error) -> Fault {
    if let Some(fault) = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>()) {
        return fault.clone();
    }
    match error.kind() {
        std::io::ErrorKind::TimedOut => Fault::new(Reason::TimedOut).detail("the request's body did not go on"),
        _ => Fault::new(Reason::Malformed).detail("the request's body was cut off"),
    }
}

/// Endpoint and path together are no address.
pub(super) fn of_address(error: &http::Error) -> Fault {
    Fault::new(Reason::Internal).detail(format!("the upstream's address and the path do not fit together: {error}"))
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn is_timeout(error: &(dyn Error + 'static)) -> bool {
    error.is::<tower::timeout::error::Elapsed>()
        || error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
}
