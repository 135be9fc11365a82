//! What an upstream refused, in our words. In: a status and body, or a close code, and the dialect that says what they
//! mean. Out: the fault that the client is told in its own dialect.

use crate::dialect::{Call, Dialect, Refusal, Refusals, Socket};
use crate::event::Field;
use crate::fault::{Blame, Fault, Reason};

/// Words of an upstream that are passed on, in characters.
const LONGEST: usize = 200;

/// A call that was not answered with success. `forwarded`: the credential was the client's own.
pub fn of_call(dialect: &Dialect, call: &Call, status: u16, body: &str, forwarded: bool) -> Fault {
    let shape = call.refusals.shape.as_ref().or(dialect.refusals.shape.as_ref());
    let said = shape.and_then(|shape| shape.read(body).ok());
    let text = said.as_ref().and_then(|read| read.fields.text(Field::ErrorText).map(str::to_owned));
    let code = said.as_ref().and_then(|read| read.fields.integer(Field::ErrorCode));
    let rules = [&call.refusals, &dialect.refusals];
    let exact = text.as_ref().and_then(|text| {
        named(&rules, |reason, rule| {
            rule.text.as_ref().is_some_and(|words| words.is_said_by(text))
                && rule.status.unwrap_or(reason.status()) == status
        })
    });
    let in_call = only(&rules[..1], |reason, rule| rule.status.unwrap_or(reason.status()) == status);
    let by_code = code.and_then(|code| only(&rules, |_, rule| rule.code == Some(code) && rule.status == Some(status)));
    let telling = code.and_then(|code| named(&rules, |_, rule| rule.codes.contains(&code)));
    let reason = exact.or(telling).or(in_call).or(by_code).unwrap_or_else(|| of_status(status));
    let detail = match code {
        Some(code) => format!("the upstream answered {status}, code {code}"),
        None => format!("the upstream answered {status}"),
    };
    if matches!(reason, Reason::Unauthenticated | Reason::Unauthorized) && !forwarded {
        // Our own credential: nothing that the client could mend.
        return Fault::new(Reason::Upstream)
            .detail(format!("{detail}: it does not take the gateway's credential"))
            .untaken();
    }
    let mut fault = Fault::new(reason).detail(detail);
    // What was not accepted (RFC 9110, 15.5) and what there was nobody for (15.6.4) was not done.
    fault.untaken = matches!(status, 400..=499 | 503);
    if exact.is_none() && reason.blame() == Blame::Client {
        fault.words = text.map(|text| text.chars().take(LONGEST).collect::<String>().into());
    }
    fault
}

/// An error frame.
pub fn of_frame(dialect: &Dialect, contract: &Socket, text: &str) -> Fault {
    let rules = [&contract.refusals, &dialect.refusals];
    match named(&rules, |_, rule| rule.text.as_ref().is_some_and(|words| words.is_said_by(text))) {
        Some(reason) => Fault::new(reason),
        None => {
            let mut fault = Fault::new(Reason::Invalid).detail("the upstream said so on its socket");
            fault.words = Some(text.chars().take(LONGEST).collect::<String>().into());
            fault
        }
    }
}

/// A close of a socket that was open; `None` where the code says nothing but that it is worth another attempt.
pub fn of_close(contract: &Socket, code: u16) -> Option<Reason> {
    // What a connection says of itself is the gateway's to say: no client can mend it.
    let is_ours = |reason: &Reason| matches!(reason, Reason::BindingMissing | Reason::BindingInvalid);
    let rules = contract.refusals.rules.iter();
    let found = rules.filter(|(_, rule)| rule.close == Some(code)).map(|(reason, _)| *reason);
    let mut found = found.filter(|reason| !is_ours(reason));
    // Of several reasons with one code the one about the credential says most.
    let first = found.next()?;
    Some(found.find(|reason| *reason == Reason::Unauthorized).unwrap_or(first))
}

/// A handshake that was answered with a status.
pub fn of_handshake(status: u16, forwarded: bool) -> Reason {
    match status {
        401 | 403 if forwarded => Reason::Unauthorized,
        404 if forwarded => Reason::ConversationNotFound,
        429 => Reason::RateLimited,
        _ => Reason::Upstream,
    }
}

/// The one reason that fits; where several do, the dialect does not say which it is.
fn only(rules: &[&Refusals], fits: impl Fn(Reason, &Refusal) -> bool) -> Option<Reason> {
    let first = named(rules, &fits)?;
    named(rules, |reason, rule| reason != first && fits(reason, rule)).is_none().then_some(first)
}

fn named(rules: &[&Refusals], fits: impl Fn(Reason, &Refusal) -> bool) -> Option<Reason> {
    let mut all = rules.iter().flat_map(|list| &list.rules);
    all.find(|(reason, rule)| reason.blame() == Blame::Client && fits(**reason, rule)).map(|(reason, _)| *reason)
}

fn of_status(status: u16) -> Reason {
    match status {
        401 => Reason::Unauthorized,
        403 => Reason::Forbidden,
        404 | 410 => Reason::ConversationNotFound,
        409 => Reason::Conflict,
        412 => Reason::Ended,
        413 => Reason::TooLarge,
        415 => Reason::UnsupportedType,
        408 | 504 => Reason::UpstreamTimeout,
        429 => Reason::RateLimited,
        400..=499 => Reason::Invalid,
        _ => Reason::Upstream,
    }
}
