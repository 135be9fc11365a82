//! Which account a message is of that does not say so. In: what came on the socket of one of several accounts, each of
//! which hears it. Out: what it is to those who wait there, and whether it can be nobody else's.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::Event;
use crate::upstream::Inner;
use crate::upstream::account::Account;
use crate::upstream::correlator::{Came, From, Standing};
use crate::upstream::link::Link;

/// Messages that are remembered: more than come between two sockets' hearing the same.
const REMEMBERED: usize = 4_096;

/// Messages that confirmed a send, and of which account; newest last.
#[derive(Default)]
pub struct Claims(Mutex<VecDeque<(String, Arc<str>)>>);

impl Claims {
    fn taken(&self) -> MutexGuard<'_, VecDeque<(String, Arc<str>)>> {
        // Each change is whole before anything could panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message is, and how sure that is.
pub struct Found {
    pub came: Came,
    /// Whether it can be nobody else's, so that its sender's name there is this account's.
    pub is_certain: bool,
}

impl Inner {
    /// What a message is to those who wait on the account's own socket.
    pub(super) fn confirmed_on(&self, account: &Arc<Account>, link: &Link, event: &Event, from: From) -> Found {
        if account.shared || from != From::Unsaid {
            return Found { came: link.correlator().confirm(event, from), is_certain: true };
        }
        // Held over both, so that of two sockets that hear the same at once one is first.
        let mut claims = self.claims.taken();
        let id = &event.details.id;
        let standing = link.correlator().standing(event);
        let rivals = if standing == Standing::None { Vec::new() } else { self.rivals(account, link, event) };
        let is_taken = standing != Standing::None
            && claims.iter().rev().any(|(known, whose)| known == id && *whose != account.key);
        // An upstream answers in order: what comes out of our order, and in somebody else's, is somebody else's.
        let is_theirs = standing == Standing::Later && (is_taken || rivals.contains(&Standing::First));
        let from = if is_theirs { From::Another } else { from };
        let came = link.correlator().confirm(event, from);
        if let Came::Back(_) = came {
            claims.push_back((id.clone(), Arc::clone(&account.key)));
            if claims.len() > REMEMBERED {
                claims.pop_front();
            }
        }
        Found { came, is_certain: rivals.is_empty() && !is_taken }
    }

    /// How other accounts wait for such a message.
    fn rivals(&self, account: &Arc<Account>, link: &Link, event: &Event) -> Vec<Standing> {
        let others = self.accounts.all().into_iter().filter(|other| !Arc::ptr_eq(other, account));
        let lines = others.filter_map(|other| other.line(link.conversation.as_deref()));
        let standings = lines.map(|line| line.correlator().standing(event));
        standings.filter(|standing| *standing != Standing::None).collect()
    }
}
