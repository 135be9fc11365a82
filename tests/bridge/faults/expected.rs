//! What a failure means to those who notice it. In: the backend's dialect and how it fails. Out: what becomes of a text, of
//! a file, and of a client that connects meanwhile.

use crate::standin::Failing;

/// Why a client is refused; its dialect has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Failed,
    Late,
    Limited,
    /// The backend does not take the client's own credential.
    Unauthorized,
    Ended,
    Unknown,
}

/// `None` where a test does not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    pub text: Result<(), Why>,
    pub file: Option<Result<(), Why>>,
    /// A call that needs one of the backend's.
    pub history: Result<(), Why>,
    pub newcomer: Option<Result<(), Why>>,
    /// The client's socket is closed for this.
    pub closes: Option<Why>,
    /// Whether the other side is heard again before the client does anything.
    pub recovers: bool,
}

impl Expected {
    pub fn of(to: &str, failing: Failing, forwards: bool) -> Self {
        let mut expected = if to == "divar" { Self::by_calls(failing) } else { Self::by_sockets(to, failing) };
        if let Some(why) = for_good(to, failing).filter(|_| forwards) {
            (expected.text, expected.newcomer) = (Err(why), Some(Err(why)));
            // Where there is one socket for all, there is nothing left to hear.
            expected.closes = Some(why).filter(|_| to != "andromedia");
        }
        if matches!(to, "divar" | "andromedia") {
            // Without sockets, or with one for each conversation, a client of all of them need not wait for any.
            expected.newcomer = expected.newcomer.map(|_| Ok(()));
        }
        expected.history = match failing {
            Failing::Status500 | Failing::Down | Failing::Reset | Failing::Garbage | Failing::HugeFrame => {
                Err(Why::Failed)
            }
            Failing::Silent => Err(Why::Late),
            _ => Ok(()),
        };
        // The backend said that the conversation is over, or that there is none: it is not asked for again by itself.
        expected.recovers = !matches!(expected.text, Err(Why::Ended | Why::Unknown | Why::Unauthorized));
        expected
    }

    fn by_calls(failing: Failing) -> Self {
        let (text, file) = match failing {
            Failing::No => (Ok(()), Ok(())),
            Failing::Status500 | Failing::Down | Failing::Reset | Failing::Garbage | Failing::HugeFrame => {
                (Err(Why::Failed), Err(Why::Failed))
            }
            Failing::Silent => (Err(Why::Late), Err(Why::Late)),
            Failing::DropNext | Failing::LateNext(1000..) => (Err(Why::Late), Ok(())),
            Failing::LateNext(_) => (Ok(()), Ok(())),
            Failing::RefuseHandshake(_) | Failing::CloseWith(_) => panic!("there are no sockets"),
        };
        Expected { text, file: Some(file), newcomer: Some(Ok(())), history: Ok(()), closes: None, recovers: true }
    }

    fn by_sockets(to: &str, failing: Failing) -> Self {
        let (text, file, newcomer) = match failing {
            Failing::No => (Ok(()), Some(Ok(())), Some(Ok(()))),
            // The socket that is open goes on; files need calls.
            Failing::Status500 | Failing::Garbage | Failing::HugeFrame => {
                (Ok(()), Some(Err(Why::Failed)), Some(Ok(())))
            }
            Failing::Silent => (Err(Why::Late), Some(Err(Why::Late)), Some(Ok(()))),
            Failing::Down | Failing::Reset => (Err(Why::Failed), Some(Err(Why::Failed)), Some(Err(Why::Failed))),
            Failing::DropNext => (Err(Why::Late), Some(Ok(())), Some(Ok(()))),
            Failing::LateNext(1000..) => (Err(Why::Late), None, Some(Ok(()))),
            Failing::LateNext(_) => (Ok(()), Some(Ok(())), Some(Ok(()))),
            Failing::RefuseHandshake(429) => (Err(Why::Limited), None, Some(Err(Why::Limited))),
            Failing::RefuseHandshake(_) => (Err(Why::Failed), None, Some(Err(Why::Failed))),
            Failing::CloseWith(4002) if to == "andromedia" => (Err(Why::Unknown), None, Some(Ok(()))),
            Failing::CloseWith(4006) if to == "andromedia" => (Err(Why::Ended), None, Some(Ok(()))),
            // It opens and closes in turn: who connects may come in between.
            Failing::CloseWith(_) => (Err(Why::Failed), None, None),
        };
        Expected { text, file, newcomer, history: Ok(()), closes: None, recovers: true }
    }
}

/// Why the client of a credential that is forwarded need not come back with it, if so.
fn for_good(to: &str, failing: Failing) -> Option<Why> {
    match failing {
        Failing::RefuseHandshake(401 | 403) => Some(Why::Unauthorized),
        Failing::CloseWith(4003) if to == "andromedia" => Some(Why::Unauthorized),
        Failing::RefuseHandshake(404) => Some(Why::Unknown),
        _ => None,
    }
}

/// What a client's dialect says.
pub fn words(dialect: &str, why: Why) -> &'static str {
    match (why, dialect) {
        (Why::Failed, _) => "The backend failed",
        (Why::Late, _) => "The backend did not answer in time",
        (Why::Limited, "divar") => "too many requests",
        (Why::Limited, _) => "Too many requests",
        (Why::Unauthorized, "frontdesk") => "Invalid authentication credentials.",
        (Why::Unauthorized, "andromedia") => "Unauthorized access",
        (Why::Unauthorized, "licomed") => "Given token not valid",
        (Why::Unauthorized, "luxmart") => "Unauthorized",
        (Why::Unauthorized, _) => "invalid credential",
        (Why::Ended, "frontdesk") => "Conversation is closed",
        (Why::Ended, "luxmart") => "Session is closed",
        (Why::Ended, "divar") => "the recipient does not take messages",
        (Why::Ended, _) => "This conversation has ended",
        (Why::Unknown, "luxmart") => "Session not found",
        (Why::Unknown, "licomed") => "Invalid receipient",
        (Why::Unknown, "divar") => "conversation not found",
        (Why::Unknown, _) => "Conversation not found",
    }
}

/// The status of a call that is refused for this.
pub fn status(why: Why) -> u16 {
    match why {
        Why::Failed => 502,
        Why::Late => 504,
        Why::Limited => 429,
        Why::Unknown => 404,
        Why::Unauthorized | Why::Ended => panic!("no test asks"),
    }
}

/// The status of a handshake that is refused for this.
pub fn status_of_handshake(dialect: &str, why: Why) -> u16 {
    match (why, dialect) {
        (Why::Unauthorized, "frontdesk" | "licomed") => 403,
        (Why::Unauthorized, _) => 401,
        (why, _) => status(why),
    }
}

/// The code of a socket that is closed for this. One dialect has codes for it; elsewhere it is that of RFC 6455 §7.4.1 for
/// what is against a policy.
pub fn close(dialect: &str, why: Why) -> u16 {
    match (dialect, why) {
        ("andromedia", Why::Unauthorized) => 4003,
        ("andromedia", Why::Unknown) => 4002,
        ("andromedia", Why::Ended) => 4006,
        _ => 1008,
    }
}
