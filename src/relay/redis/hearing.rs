//! What the server says unasked. In: pushes, in the order of the connection. Out: deliveries to mailboxes here.

use tokio::sync::{Notify, mpsc};

use crate::metrics;
use crate::redis::telling::{self, Said};
use crate::redis::{PushInfo, PushKind, Value};

use super::super::Parcel;
use super::Inner;

impl Inner {
    /// Hears until the link is gone. `overflowed` says that something came faster than it was read.
    pub async fn hear_all(&self, mut arriving: mpsc::Receiver<PushInfo>, overflowed: &Notify) {
        loop {
            tokio::select! {
                push = arriving.recv() => match push {
                    Some(push) => self.hear(push),
                    None => return,
                },
                () = overflowed.notified() => {
                    self.state().fall_behind();
                    self.gap();
                }
            }
        }
    }

    /// A node that gives our slot away ends subscriptions unasked, which the client library takes for an answer to
    /// something else: this connection is not to be trusted any more.
    fn was_unsubscribed(&self, data: &[Value]) {
        let channel = data.first().and_then(|channel| match channel {
            Value::BulkString(channel) => str::from_utf8(channel).ok(),
            _ => None,
        });
        let topic = channel.and_then(|channel| self.names.topic(channel));
        if topic.is_some_and(|topic| self.state().is_listened_to(&topic)) {
            self.link.cut();
        }
    }

    fn hear(&self, push: PushInfo) {
        let data = match push {
            PushInfo { kind: PushKind::Message | PushKind::SMessage, data } => data,
            PushInfo { kind: PushKind::SUnsubscribe, data } => return self.was_unsubscribed(&data),
            _ => return,
        };
        let [Value::BulkString(channel), Value::BulkString(payload)] = data.as_slice() else { return };
        let (Ok(channel), Ok(payload)) = (str::from_utf8(channel), str::from_utf8(payload)) else { return };
        let Some(topic) = self.names.topic(channel) else { return };
        match telling::parse(payload) {
            Ok(Said::Passing { mark, event, audience }) => {
                let mut state = self.state();
                if state.hear_in_passing(mark) {
                    let parcel = Parcel { last: audience.last, ..Parcel::new(event, audience.topics) };
                    self.local.deliver(&parcel);
                }
            }
            Ok(Said::Lost { number }) => {
                self.state().hear_of_loss(&topic, number);
                self.gap();
            }
            Ok(Said::Recorded { place, announced }) => {
                let in_turn = self.state().hear(&topic, place, announced, &self.local);
                if !in_turn {
                    self.gap();
                }
            }
            // Somebody else's words, or another version's: those who hear them cannot tell them.
            Err(error) => {
                metrics::relayed("unreadable", 1);
                tracing::warn!(error, "what was said on a channel is not understood");
            }
        }
    }
}
