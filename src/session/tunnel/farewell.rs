//! How a tunnel ends. In: what happened on which side. Out: what each side is told; codes that stand for no code (1005,
//! 1006, 1015: RFC 6455 §7.4.1) are never among it.

use crate::fault::{Fault, Reason};
use crate::socket::{Received, Text};

use super::super::End;
use super::Tunnel;

/// A peer is being left, through no fault of its own.
const GOING_AWAY: u16 = 1001;
/// The credential is not good (RFC 6455 §7.4.1: a policy is violated).
const POLICY: u16 = 1008;
const TOO_LARGE: u16 = 1009;
/// Try again later.
const TRY_AGAIN: u16 = 1013;
const RESTARTING: u16 = 1012;

/// What one side is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bye {
    /// Nothing: its connection is gone.
    Silent,
    /// A close without code.
    Plain,
    With(u16, String),
}

/// Why a tunnel ends, and what both sides are told.
#[derive(Debug, PartialEq, Eq)]
pub struct Farewells {
    pub end: End,
    pub client: Bye,
    pub upstream: Bye,
}

impl Farewells {
    pub fn stopped(tunnel: &Tunnel) -> Self {
        let client = words(tunnel, &Fault::new(Reason::GoingAway), RESTARTING);
        Farewells { end: End::Stopped, client, upstream: Bye::With(GOING_AWAY, String::new()) }
    }

    /// The client's credential is revoked.
    pub fn revoked(tunnel: &Tunnel) -> Self {
        let client = words(tunnel, &Fault::new(Reason::Unauthorized), POLICY);
        Farewells { end: End::Revoked, client, upstream: Bye::With(GOING_AWAY, String::new()) }
    }

    /// The client's connection is gone.
    pub fn client_gone() -> Self {
        Farewells { end: End::Closed, client: Bye::Silent, upstream: Bye::With(GOING_AWAY, String::new()) }
    }

    /// The client's socket came to its end by itself.
    pub fn of_client(received: Received) -> Self {
        let (end, client, upstream) = match received {
            Received::Closed(close) => (End::Closed, Bye::Plain, passed_on(close)),
            Received::TooLarge => {
                let bye = Bye::With(TOO_LARGE, "message too large".to_owned());
                (End::Refused(Reason::TooLarge), bye, Bye::With(GOING_AWAY, String::new()))
            }
            Received::Broken(code) => {
                let bye = Bye::With(code, "protocol error".to_owned());
                (End::Refused(Reason::Malformed), bye, Bye::With(GOING_AWAY, String::new()))
            }
            Received::Lost | Received::Frame(_) | Received::Alive => return Self::client_gone(),
        };
        Farewells { end, client, upstream }
    }

    /// The backend's socket came to its end by itself.
    pub fn of_upstream(tunnel: &Tunnel, received: Received) -> Self {
        let upstream = match received {
            Received::Closed(close) => {
                return Farewells { end: End::Ended, client: passed_on(close), upstream: Bye::Plain };
            }
            Received::TooLarge => Bye::With(TOO_LARGE, String::new()),
            Received::Broken(code) => Bye::With(code, String::new()),
            Received::Lost | Received::Frame(_) | Received::Alive => Bye::Silent,
        };
        Self::upstream_failed(tunnel, Reason::Upstream, upstream)
    }

    /// The backend's socket is of no use any more.
    pub fn upstream_failed(tunnel: &Tunnel, reason: Reason, upstream: Bye) -> Self {
        Farewells { end: End::Refused(reason), client: words(tunnel, &Fault::new(reason), TRY_AGAIN), upstream }
    }

    /// The backend neither reads nor answers.
    pub fn upstream_dead(tunnel: &Tunnel) -> Self {
        Self::upstream_failed(tunnel, Reason::UpstreamTimeout, Bye::With(GOING_AWAY, String::new()))
    }

    /// The client does not read.
    pub fn overflowed(tunnel: &Tunnel) -> Self {
        let code = tunnel.contract.as_ref().map_or(TRY_AGAIN, |(dialect, socket)| dialect.sockets[*socket].overflow);
        let client = Bye::With(code, "reader too slow; reconnect".to_owned());
        Farewells { end: End::Overflowed, client, upstream: Bye::With(GOING_AWAY, String::new()) }
    }

    /// The client does not answer.
    pub fn client_dead() -> Self {
        let client = Bye::With(GOING_AWAY, "no answer to pings".to_owned());
        Farewells { end: End::Dead, client, upstream: Bye::With(GOING_AWAY, String::new()) }
    }

    /// A refused frame, for which the dialect closes.
    pub fn refused(reason: Reason, code: u16, text: String) -> Self {
        Farewells {
            end: End::Refused(reason),
            client: Bye::With(code, text),
            upstream: Bye::With(GOING_AWAY, String::new()),
        }
    }
}

/// What one side closed with, for the other.
fn passed_on(close: Option<(u16, Text)>) -> Bye {
    match close {
        // These say that no code was there; an honest peer does not write them, and neither do we.
        None | Some((1005 | 1006 | 1015, _)) => Bye::Plain,
        Some((code, reason)) => Bye::With(code, reason.as_str().to_owned()),
    }
}

/// The dialect's code and words, where it has some.
fn words(tunnel: &Tunnel, fault: &Fault, otherwise: u16) -> Bye {
    match &tunnel.contract {
        Some((dialect, socket)) => {
            let refused = dialect.refuse_frame(&dialect.sockets[*socket], fault);
            Bye::With(refused.close.unwrap_or(otherwise), refused.text)
        }
        None => Bye::With(otherwise, fault.reason.words().to_owned()),
    }
}
