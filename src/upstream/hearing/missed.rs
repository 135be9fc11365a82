//! What an upstream said while its socket was not there. In: an account and when it last heard. Out: what its histories
//! have that was not told, once and in order, before anything that is said from now on.

use std::sync::Arc;

use crate::backend::Caller;
use crate::dialect::Op;
use crate::event::{Event, Field, Fields, MessageKind, Timestamp, Value};
use crate::fault::{Blame, Fault, Reason};
use crate::metrics;
use crate::upstream::Inner;
use crate::upstream::account::{Account, Whom};
use crate::upstream::correlator::From;
use crate::upstream::link::{Link, Outage};
use crate::upstream::reading::Record;
use crate::upstream::seen::Heard;

/// Conversations whose histories are read after one outage.
const CONVERSATIONS: usize = 32;
/// Messages of each that are told: the latest.
const MESSAGES: usize = 500;

impl Inner {
    /// Tells what was missed; false when some of it could not be read, so that it is worth another attempt.
    pub(super) async fn catch_up(&self, account: &Arc<Account>, link: &Link, outage: Outage) -> bool {
        let caller = account.caller();
        let mut conversations = match &link.conversation {
            Some(one) => vec![one.clone()],
            None => self.perhaps_missed(account, &caller, outage).await,
        };
        let name = &self.settings.name;
        if conversations.len() > CONVERSATIONS {
            metrics::count_gap(name, "beyond");
            conversations.truncate(CONVERSATIONS);
        }
        let mut is_whole = true;
        for conversation in conversations {
            let outcome = match self.fill(account, &caller, link, &conversation, outage).await {
                Ok(outcome) => outcome,
                Err(fault) => {
                    tracing::warn!(upstream = %name, %fault, "what was missed in a conversation cannot be told");
                    let refused = fault.reason.blame() == Blame::Client;
                    is_whole &= refused;
                    outcome_of(&fault)
                }
            };
            metrics::count_gap(name, outcome);
        }
        is_whole
    }

    /// Conversations in which something may have been said, the likeliest first: those that the upstream lists as changed
    /// since, those that somebody listens to, those that were heard of.
    async fn perhaps_missed(&self, account: &Account, caller: &Caller, outage: Outage) -> Vec<String> {
        let listed = self.changed_since(caller, outage.heard).await.unwrap_or_else(|fault| {
            tracing::info!(upstream = %self.settings.name, %fault, "the list of conversations cannot be read");
            Vec::new()
        });
        let mut all: Vec<String> = Vec::new();
        for id in listed.into_iter().chain(account.listened_to()).chain(account.seen().latest()) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }

    /// The upstream's lists: what changed since, and what says nothing of when.
    async fn changed_since(&self, caller: &Caller, since: Timestamp) -> Result<Vec<String>, Fault> {
        let mut fields = Fields::new();
        fields.set(Field::PageNumber, Value::Integer(1));
        fields.set(Field::PageSize, Value::Integer(i64::try_from(CONVERSATIONS).unwrap_or(i64::MAX)));
        let mut changed = Vec::new();
        for call in [Op::SessionList, Op::Threads].into_iter().flat_map(|op| self.calls_for(op, caller, &fields, None))
        {
            let mut answer = self.ask(caller, call, &fields, None).await?;
            let records = self.names.inward_list(&mut answer, Field::Conversations, None).await?;
            for record in records.iter().take(CONVERSATIONS) {
                let Some(listed) = self.listed_record(caller, record).await? else { continue };
                let last = listed.last.and_then(|last| last.details.sent_at).or(listed.conversation.last_message_at);
                if last.is_none_or(|last| last >= since) {
                    changed.push(listed.conversation.id);
                }
            }
        }
        Ok(changed)
    }

    /// Whether a message is one of the gateway's own whose sender was told that it failed, or one that was never meant to
    /// be told: an upload that is a message only once it is announced.
    fn is_ours_untold(&self, account: &Account, event: &Event, from: From) -> bool {
        let is_file = event.kind.message().is_some_and(MessageKind::is_file);
        let by_upload = || self.settings.dialect.calls.iter().any(|call| call.announce_created);
        // An account of its own may speak elsewhere too; one that all share is the gateway's.
        from == From::Us && (account.shared || is_file && by_upload())
    }

    async fn fill(
        &self,
        account: &Arc<Account>,
        caller: &Caller,
        link: &Link,
        conversation: &str,
        outage: Outage,
    ) -> Result<&'static str, Fault> {
        let records = self.native_history(caller, conversation).await?;
        let heard = account.seen().of(conversation);
        let recorded = records.iter().filter_map(|record| Some((record, self.recorded(record)?)));
        let mut new = not_heard(recorded.collect(), &heard, outage.heard);
        let beyond = new.len().saturating_sub(MESSAGES);
        new.drain(..beyond);
        let mut told = 0;
        for (record, event) in new {
            let from = self.whose(account, &record.told);
            if self.comes_back(account, Some(link), &event, &record.told, from).await?
                || self.is_ours_untold(account, &event, from)
            {
                continue;
            }
            account.seen().tell(&event.details.id);
            self.tell_news(account, event, from, Whom::Everybody).await?;
            told += 1;
        }
        metrics::count_missed(&self.settings.name, told);
        Ok(if beyond > 0 { "beyond" } else { "filled" })
    }
}

/// What became of a conversation about which a history tells nothing.
fn outcome_of(fault: &Fault) -> &'static str {
    match fault.reason {
        // There is no history, or the conversation has no name there.
        Reason::NotSupported | Reason::ConversationNotFound => "impossible",
        _ => "failed",
    }
}

/// What stands in a history, oldest first, behind all that was heard; where nothing of it was heard, what is later than
/// the latest, else than a moment at which all was heard.
fn not_heard<'a>(records: Vec<(&'a Record, Event)>, heard: &Heard, all_heard: Timestamp) -> Vec<(&'a Record, Event)> {
    let last = records.iter().rposition(|(_, event)| heard.knows(&event.details.id));
    let after = heard.latest().unwrap_or(all_heard);
    let is_new = |at: usize, event: &Event| match last {
        Some(last) => at > last,
        None => event.details.sent_at.is_some_and(|sent| sent > after),
    };
    let numbered = records.into_iter().enumerate();
    numbered.filter(|(at, (_, event))| is_new(*at, event)).map(|(_, record)| record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, MessageKind};
    use crate::upstream::hearing::Told;
    use crate::upstream::seen::Seen;

    fn new(records: &[(&str, i64)], seen: &[(&str, i64)], all_heard: i64) -> Vec<String> {
        let mut heard = Seen::default();
        for (id, at) in seen {
            heard.note("c", id, Some(Timestamp::from_micros(*at)));
        }
        let record = Record { fields: Fields::new(), told: Told::default() };
        let records = records.iter().map(|(id, at)| {
            let mut event = Event::new(EventKind::Message(MessageKind::Text));
            event.details.id = (*id).to_owned();
            event.details.sent_at = Some(Timestamp::from_micros(*at));
            (&record, event)
        });
        let new = not_heard(records.collect(), &heard.of("c"), Timestamp::from_micros(all_heard));
        new.into_iter().map(|(_, event)| event.details.id).collect()
    }

    #[test]
    fn what_stands_behind_the_last_that_was_heard_is_new() {
        assert_eq!(new(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)], &[("a", 1), ("b", 2)], 0), ["c", "d"]);
        assert_eq!(new(&[("a", 1), ("b", 1), ("c", 1)], &[("b", 1)], 0), ["c"], "of the same second, too");
        assert_eq!(new(&[("a", 1)], &[("a", 1)], 0), Vec::<String>::new());
    }

    #[test]
    fn where_the_last_that_was_heard_is_not_shown_any_more_its_time_decides() {
        assert_eq!(new(&[("c", 3), ("d", 6)], &[("a", 1), ("b", 5)], 0), ["d"]);
    }

    #[test]
    fn where_nothing_was_heard_the_time_of_hearing_decides() {
        assert_eq!(new(&[("a", 1), ("b", 5), ("c", 6)], &[], 5), ["c"]);
        assert_eq!(new(&[], &[], 5), Vec::<String>::new());
    }
}
