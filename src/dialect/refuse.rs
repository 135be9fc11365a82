//! The one place where a fault gets a dialect's words: status and body of a call, frame and close code of a socket.
//! In: a fault. Out: what the client sees. Internal detail stays inside.

use crate::event::{EventKind, Field, Fields, Value};
use crate::fault::{Fault, Reason};

use super::model::{Audience, Call, Check, Dialect, Refusal, Socket};

/// A refused call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCall {
    pub status: u16,
    /// JSON.
    pub body: String,
}

/// A refused frame or connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedFrame {
    /// The status, when the handshake is refused.
    pub status: u16,
    /// The body of that answer.
    pub body: String,
    /// The error frame, when the socket is open and the dialect sends one.
    pub frame: Option<String>,
    /// The code to close with; `None` keeps the socket open.
    pub close: Option<u16>,
    /// The words, for the close frame.
    pub text: String,
}

impl Dialect {
    /// What the caller of this call sees; `call` is `None` where no call was found.
    pub fn refuse_call(&self, call: Option<&Call>, fault: &Fault) -> RefusedCall {
        let own = call.and_then(|call| call.refusals.rules.get(&fault.reason));
        let general = self.refusals.rules.get(&fault.reason);
        let text = self.words(call, own, general, fault);
        let status = pick(own, general, |rule| rule.status).unwrap_or(fault.reason.status());
        let shape = call.and_then(|call| call.refusals.shape.as_ref()).or(self.refusals.shape.as_ref());
        let fields = error_fields(&text, pick(own, general, |rule| rule.code), status, fault.reason);
        let body = shape.and_then(|shape| shape.write(&fields, Audience::Sender).ok()?.into_iter().next());
        RefusedCall { status, body: body.unwrap_or_else(|| plain_body(&text)) }
    }

    /// What the client of this socket sees.
    pub fn refuse_frame(&self, socket: &Socket, fault: &Fault) -> RefusedFrame {
        self.refuse_numbered(socket, fault, None)
    }

    /// The same for a frame to which its client gave a number.
    pub fn refuse_numbered(&self, socket: &Socket, fault: &Fault, number: Option<i64>) -> RefusedFrame {
        // What the connection must name is missing for good; a field of one frame is not, and the socket stays open.
        let of_frame = matches!(fault.reason, Reason::Missing | Reason::Invalid)
            && !socket.bindings.iter().any(|binding| fault.field == Some(binding.field));
        let own = socket.refusals.rules.get(&fault.reason).filter(|rule| rule.close.is_none() || !of_frame);
        let general = self.refusals.rules.get(&fault.reason);
        let text = self.words(None, own, general, fault);
        let status = pick(own, general, |rule| rule.status).unwrap_or(fault.reason.status());
        let mut fields = error_fields(&text, pick(own, general, |rule| rule.code), status, fault.reason);
        if let Some(number) = number {
            fields.set(Field::FrameNumber, Value::Integer(number));
        }
        let close = own.and_then(|rule| rule.close);
        // A rule that only closes says nothing more; all else is told by the error frame, where there is one.
        let silent = close.is_some() && own.and_then(|rule| rule.frame) != Some(true);
        let written = socket.server.write(&fields, Audience::Sender).ok().and_then(|frames| frames.into_iter().next());
        let body = self
            .refusals
            .shape
            .as_ref()
            .and_then(|shape| shape.write(&fields, Audience::Sender).ok()?.into_iter().next());
        RefusedFrame {
            status,
            body: body.unwrap_or_else(|| plain_body(&text)),
            frame: written.filter(|_| !silent),
            close,
            text,
        }
    }

    fn words(&self, call: Option<&Call>, own: Option<&Refusal>, general: Option<&Refusal>, fault: &Fault) -> String {
        if let Some(words) = &fault.words {
            return words.to_string();
        }
        let of_field = fault.field.and_then(|field| {
            let call = call?;
            match fault.reason {
                Reason::Missing => call.required.get(&check_of(field)).cloned(),
                Reason::Invalid => call.invalid.get(&field).cloned(),
                _ => None,
            }
        });
        of_field.or_else(|| pick(own, general, |rule| rule.text.as_ref()?.say(fault.limit))).unwrap_or_else(|| {
            match (fault.reason, fault.field) {
                (Reason::Missing, Some(field)) => format!("{} is required", field.path()),
                (Reason::Invalid, Some(field)) => format!("{} is not valid", field.path()),
                (reason, _) => reason.words().to_owned(),
            }
        })
    }
}

/// The file part stands for the attachment as a whole.
fn check_of(field: Field) -> Check {
    match field {
        Field::AttachmentName => Check::File,
        field => Check::Field(field),
    }
}

fn pick<T>(own: Option<&Refusal>, general: Option<&Refusal>, get: impl Fn(&Refusal) -> Option<T>) -> Option<T> {
    own.and_then(&get).or_else(|| general.and_then(&get))
}

fn error_fields(text: &str, code: Option<i64>, status: u16, reason: Reason) -> Fields<'_> {
    let mut fields = Fields::about(EventKind::Error);
    fields.set(Field::ErrorText, Value::text(text));
    fields.set(Field::ErrorStatus, Value::Integer(status.into()));
    fields.set(Field::ErrorReason, Value::text(reason.as_str()));
    if let Some(code) = code {
        fields.set(Field::ErrorCode, Value::Integer(code));
    }
    fields
}

/// For a dialect that documents no error body.
fn plain_body(text: &str) -> String {
    let mut body = String::from("{\"error\":");
    super::json::write_string(text, &mut body);
    body.push('}');
    body
}
