//! An upstream that only brings messages to those they are for: no conversation is known there, nothing is heard from it.
//! In: a message as the hub recorded it. Out: calls in the upstream's dialect, a part of the message each.

use async_trait::async_trait;

use crate::backend::Caller;
use crate::delivery::{Recipient, Said};
use crate::dialect::{Degradation, Op, as_text};
use crate::event::{Event, EventKind, Field, Fields, MessageKind};
use crate::fault::Fault;
use crate::metrics;

use super::call::unwritable;
use super::send::{Way, is_forgotten};
use super::{Inner, Upstream};

#[async_trait]
impl Recipient for Upstream {
    async fn say(&self, message: &Event, part: usize) -> Result<Said, Fault> {
        let mut parts = self.0.parts(message)?;
        if part >= parts.len() {
            return Ok(Said::Nothing);
        }
        let is_last = part + 1 == parts.len();
        let answer = self.0.say_part(message, parts.swap_remove(part)).await?;
        Ok(Said::Part { id: answer.id(Field::Id).map(|id| id.into_owned()), is_last })
    }
}

impl Inner {
    /// What there is to say, in order. Fails with what the other side cannot be told in any form.
    fn parts(&self, message: &Event) -> Result<Vec<Fields<'static>>, Fault> {
        let mut fields = self.spelled(message.fields().into_owned()).fields;
        let words = words(&mut fields);
        let call = self.call_for(Op::Send, &Caller::nobody(), &fields, None);
        match (message.kind.message(), call, self.settings.dialect.refuses_file(&fields)) {
            (None | Some(MessageKind::System), ..) => Ok(Vec::new()),
            (Some(MessageKind::Text), ..) => Ok(self.texts(&fields, words)),
            (Some(_), Some(call), None) => Ok(self.with_words(fields, words, &Way::Call(call))),
            (Some(kind), _, refused) => {
                if let Some(words) = words {
                    fields.set_text(Field::Body, words);
                }
                self.in_words(message, &fields, kind, refused.unwrap_or(Degradation::Kind))
            }
        }
    }

    /// What has no place there as it is: in words, a file with a link that others can follow.
    fn in_words(
        &self,
        message: &Event,
        fields: &Fields<'static>,
        kind: MessageKind,
        why: Degradation,
    ) -> Result<Vec<Fields<'static>>, Fault> {
        if kind.is_file() && !fields.text(Field::AttachmentUrl).is_some_and(|url| url.starts_with("https://")) {
            return Err(Fault::new(why.file_refusal())
                .detail("such a file is not taken there, and no public address leads to it"));
        }
        let from = message.details.origin.dialect.as_deref().unwrap_or_default();
        let lost = std::iter::once(Field::Kind.path());
        metrics::count_losses(from, &self.settings.dialect.name, lost, std::iter::once(why.as_str()));
        let mut text = as_text(fields, kind);
        let words = words(&mut text);
        Ok(self.texts(&text, words))
    }

    /// A file, and its words: beside it where they have a place and fit, else as texts of their own.
    fn with_words(&self, mut fields: Fields<'static>, words: Option<String>, way: &Way<'_>) -> Vec<Fields<'static>> {
        let (told, _) = self.told_by(way, fields.kind());
        let longest = self.settings.dialect.longest.caption.unwrap_or(usize::MAX);
        let fits = |words: &String| told.contains(&Field::Body) && words.chars().count() <= longest;
        let follows = if words.as_ref().is_some_and(fits) { None } else { words.clone() };
        if let Some(words) = words.filter(|_| follows.is_none()) {
            fields.set_text(Field::Body, words);
        }
        let texts = self.texts(&as_text(&fields, MessageKind::Text), follows);
        std::iter::once(fields).chain(texts).collect()
    }

    /// The same record for each piece of a text.
    fn texts(&self, fields: &Fields<'static>, words: Option<String>) -> Vec<Fields<'static>> {
        let longest = self.settings.dialect.longest.text.unwrap_or(usize::MAX);
        let pieces = words.map(|words| pieces(&words, longest)).unwrap_or_default();
        let text = |piece: String| {
            let mut text = fields.clone();
            text.set_kind(EventKind::Message(MessageKind::Text));
            text.set_text(Field::Body, piece);
            text
        };
        pieces.into_iter().map(text).collect()
    }

    async fn say_part(&self, message: &Event, mut fields: Fields<'static>) -> Result<Fields<'static>, Fault> {
        let caller = Caller::nobody();
        let call = self.call_for(Op::Send, &caller, &fields, None);
        let call = call.ok_or_else(|| unwritable(crate::dialect::Unwritable::NoShape))?;
        let (told, _) = self.told_by(&Way::Call(call), fields.kind());
        if !told.contains(&Field::AttachmentToken) {
            return self.ask(&caller, call, &fields, None).await;
        }
        let account = self.account(&caller);
        self.name_type(&mut fields);
        let is_kept = self.give_handle(&caller, &account, message, &mut fields, &told).await?;
        let answered = self.ask(&caller, call, &fields, None).await;
        if !(is_kept && answered.as_ref().is_err_and(is_forgotten)) {
            return answered;
        }
        // A handle that was kept too long: the file is uploaded once more.
        self.forget_handle(&account, message, &fields).await?;
        self.give_handle(&caller, &account, message, &mut fields, &told).await?;
        self.ask(&caller, call, &fields, None).await
    }

    /// The type of a file as the dialect lists it: what it was declared as may be another word for it.
    fn name_type(&self, fields: &mut Fields<'static>) {
        let (name, mime) = (fields.text(Field::AttachmentName), fields.text(Field::AttachmentMime));
        let name = name.or_else(|| fields.text(Field::AttachmentUrl)).unwrap_or_default();
        if let Some((_, mime)) = self.settings.dialect.types.find(name, mime, fields.message_kind()) {
            fields.set_text(Field::AttachmentMime, mime);
        }
    }
}

/// Takes the words out of a record; none where there are only blanks.
fn words(fields: &mut Fields<'static>) -> Option<String> {
    let words = fields.remove(Field::Body)?.as_text()?.to_owned();
    Some(words).filter(|words| !words.trim().is_empty())
}

/// A text in pieces of at most so many characters, cut where there is a blank in the second half of a piece.
fn pieces(text: &str, longest: usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim();
    while let Some((end, _)) = rest.char_indices().nth(longest) {
        let half = rest.char_indices().nth(longest / 2).map_or(0, |(at, _)| at);
        let cut = rest[..end].rfind(char::is_whitespace).filter(|cut| *cut > half).unwrap_or(end);
        pieces.push(rest[..cut].trim_end().to_owned());
        rest = rest[cut..].trim_start();
    }
    if !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn a_long_text_is_cut_at_blanks() {
        assert_eq!(pieces("one two three", 100), ["one two three"]);
        assert_eq!(pieces("one two three", 13), ["one two three"]);
        assert_eq!(pieces("one two three", 9), ["one two", "three"]);
        assert_eq!(pieces("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(pieces("a bcdefghij", 6), ["a bcde", "fghij"], "a blank near the beginning is no place to cut");
        assert_eq!(pieces("ééé ééé", 4), ["ééé", "ééé"], "characters, not bytes");
        assert!(pieces("   ", 4).is_empty());
        let long = "word ".repeat(3_000);
        let cut = pieces(&long, 4_096);
        assert!(cut.iter().all(|piece| piece.chars().count() <= 4_096 && !piece.is_empty()), "{}", cut.len());
        assert_eq!(cut.join(" "), long.trim());
    }
}
