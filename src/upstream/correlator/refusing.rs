//! Which send a refusal is for: it names none. In: refusals, and what was confirmed after them. Out: sends that are refused.

use crate::fault::Fault;

use super::Correlator;

impl Correlator {
    /// Something was refused. Where one send waits it was that one; where several do, the answers to the others will show
    /// which it was. False when nobody waits.
    pub fn refused(&mut self, fault: Fault) -> bool {
        let waits = self.open().next().is_some();
        if waits {
            self.refusals.push_back(fault);
            self.attribute();
        }
        self.heard();
        waits
    }

    /// The backend answers what is said in one conversation in order: what it passed over was refused, if anything was.
    pub(super) fn overtaken(&mut self, at: usize, conversation: &str) {
        while let Some(fault) = self.refusals.pop_front() {
            let passed = self.open().find(|(place, pending)| *place < at && pending.conversation == conversation);
            let Some((place, _)) = passed else {
                self.refusals.push_front(fault);
                break;
            };
            self.queue[place].refuse(fault);
        }
        self.attribute();
    }

    /// As many refusals as sends that wait: each is refused.
    pub(super) fn attribute(&mut self) {
        let open: Vec<usize> = self.open().map(|(at, _)| at).collect();
        if self.refusals.len() < open.len() {
            return;
        }
        let refusals = std::mem::take(&mut self.refusals);
        for (at, fault) in open.into_iter().zip(refusals) {
            self.queue[at].refuse(fault);
        }
    }
}
