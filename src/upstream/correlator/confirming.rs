//! Which send a message, an acknowledgment or a place in the queue confirms. In: what came in. Out: the send it is for.

use tokio::time::Instant;

use crate::event::Event;

use super::fingerprint::Fingerprint;
use super::{Acknowledged, Came, Correlator, From, Pending, Standing, Waiting};

impl Correlator {
    /// What this message is to those who wait. `from` decides who it cannot be for.
    pub fn confirm(&mut self, message: &Event, from: From) -> Came {
        let Some(came) = Fingerprint::of(message) else { return Came::Unknown };
        let conversation = message.details.conversation.id.as_str();
        let mut found = self.equal(&came, conversation);
        if from == From::Another {
            if let Some(pending) = found.and_then(|at| self.queue.get_mut(at)) {
                pending.doubted = true;
            }
            return Came::Unknown;
        }
        // A backend may change what it is sent; what is certainly ours is then the earliest that it can have come from.
        let is_changed = found.is_none() && from == From::Us;
        if is_changed {
            found = self.queue.iter().position(|pending| {
                pending.waiting == Waiting::Live && pending.is_in(conversation) && came.comes_from(&pending.fingerprint)
            });
        }
        let Some(at) = found else { return Came::Unknown };
        if let Some(pending) = self.queue.get_mut(at).filter(|pending| pending.waiting == Waiting::Called) {
            pending.echo = Some(message.clone());
            return Came::Noted;
        }
        let Some(mut pending) = self.queue.remove(at) else { return Came::Unknown };
        self.reassign(&message.details.id, pending.acknowledged.take());
        if is_changed && message.details.body.is_some() {
            pending.event.details.body.clone_from(&message.details.body);
        }
        if pending.waiting == Waiting::Live {
            self.overtaken(at, &pending.conversation);
        }
        self.heard();
        Came::Back(Box::new(pending))
    }

    /// The message shows what its acknowledgment was for. Had another send been given that one, it gets what this one had.
    fn reassign(&mut self, id: &str, had: Option<Acknowledged>) {
        let same = |acknowledged: &Acknowledged| acknowledged.id == id;
        if had.as_ref().is_some_and(same) {
            return;
        }
        let other = self.queue.iter_mut().find(|pending| pending.acknowledged.as_ref().is_some_and(same));
        if let Some(other) = other {
            other.acknowledged = had;
        }
    }

    /// A send was confirmed by its place alone, as all are on this connection: those that were refused before are passed over.
    pub fn confirm_first(&mut self) -> Option<Pending> {
        let (at, _) = self.open().nth(self.refusals.len())?;
        let pending = self.queue.remove(at)?;
        self.overtaken(at, &pending.conversation);
        Some(pending)
    }

    /// Something said in this conversation was taken. Which it was, the message itself shows when it comes; where it never
    /// comes, the acknowledgment is what there is.
    pub fn acknowledge(&mut self, conversation: &str, acknowledged: Acknowledged) {
        let waits = |pending: &&mut Pending| {
            pending.waiting == Waiting::Live && pending.acknowledged.is_none() && pending.is_in(conversation)
        };
        if let Some(pending) = self.queue.iter_mut().find(waits) {
            pending.acknowledged = Some(acknowledged);
            self.heard();
        }
    }

    /// Whether something here waits for such a message, and for nothing else before.
    pub fn standing(&self, message: &Event) -> Standing {
        let Some(came) = Fingerprint::of(message) else { return Standing::None };
        let conversation = message.details.conversation.id.as_str();
        match self.open().find(|(_, pending)| pending.is_in(conversation)) {
            Some((_, first)) if came.is(&first.fingerprint) => Standing::First,
            _ if self.equal(&came, conversation).is_some() => Standing::Later,
            _ => Standing::None,
        }
    }

    /// Where the send is that such a message confirms: the first of the lowest rank, most often the very first.
    fn equal(&self, came: &Fingerprint, conversation: &str) -> Option<usize> {
        let now = Instant::now();
        let mut best: Option<(u8, usize)> = None;
        for (at, pending) in self.queue.iter().enumerate() {
            if !pending.is_in(conversation) || !came.is(&pending.fingerprint) {
                continue;
            }
            let Some(rank) = pending.rank(now) else { continue };
            if best.is_none_or(|(lowest, _)| rank < lowest) {
                best = Some((rank, at));
            }
            if rank == 0 {
                break;
            }
        }
        best.map(|(_, at)| at)
    }
}
