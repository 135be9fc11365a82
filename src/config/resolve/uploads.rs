//! `uploads` of a route: names of stores and words of keys looked up, rules that no file reaches found, and what holds
//! where nothing is written.

use super::super::file::{WrittenDestination, WrittenRoute, WrittenRule, WrittenUploads};
use super::super::problem::{Code, Report};
use super::super::section::Spanned;
use super::super::settings::Uploads;
use super::straight;
use crate::dialect::family;
use crate::dialect::{Dialect, KeyTemplate, Op, suggestion};
use crate::placement::{Destination, KeyWords, Rule, Rules, Target, WrongKey};
use crate::upstream::UpstreamSettings;

/// The word for where the route leads, beside the names of stores.
const UPSTREAM: &str = "upstream";

pub(super) fn resolve(
    written: &WrittenRoute,
    stores: &[&str],
    dialect: Option<&Dialect>,
    upstream: Option<&UpstreamSettings>,
    report: &Report,
) -> Option<Uploads> {
    let same = |upstream: &&UpstreamSettings| {
        dialect.is_some_and(|dialect| family(&dialect.name) == family(&upstream.dialect.name))
    };
    let same = upstream.filter(same);
    match &written.uploads {
        Some(uploads) => {
            let judge = Judge { written, stores, dialect, upstream, same: same.is_some(), report };
            judge.unreachable(uploads);
            let rules = judge.rules(uploads);
            if same.is_some() && !rules.0.is_empty() {
                judge.passed_over(uploads, &rules);
                return Some(Uploads::Through);
            }
            Some(Uploads::Placed(rules))
        }
        // Where both speak the same, what a client uploads is already where it belongs.
        None if same.is_some_and(takes_uploads) => Some(Uploads::Through),
        None => match stores {
            // One store needs no name.
            [only] => Some(Uploads::Placed(Rules::all_to(only))),
            _ => None,
        },
    }
}

fn takes_uploads(upstream: &UpstreamSettings) -> bool {
    upstream.dialect.calls.iter().any(|call| call.op == Op::Upload)
}

struct Judge<'a> {
    written: &'a WrittenRoute,
    /// All stores of the config.
    stores: &'a [&'a str],
    dialect: Option<&'a Dialect>,
    upstream: Option<&'a UpstreamSettings>,
    /// Whether the upstream speaks what the clients speak.
    same: bool,
    report: &'a Report,
}

impl Judge<'_> {
    fn rules(&self, uploads: &WrittenUploads) -> Rules {
        let words = self.dialect.map(KeyWords::of);
        let rules = uploads.rules.iter().map(|rule| {
            let keys = words.as_ref().map(|words| self.keys(words, &rule.keys)).unwrap_or_default();
            let to = self.destination(&rule.to, uploads);
            if let (Some(key), true) = (rule.keys.first(), to.stores().is_empty()) {
                let message = "a file that goes only to the upstream has no key here";
                let help = Some("take `key` out, or name a store beside the upstream".to_owned());
                self.report.error(Code::Conflict, &key.place, message, help);
            }
            Rule { condition: rule.condition.clone().unwrap_or_default(), to, keys }
        });
        Rules(rules.collect())
    }

    /// Rules that an earlier one leaves nothing for, and files that no rule takes.
    fn unreachable(&self, uploads: &WrittenUploads) {
        for (at, rule) in uploads.rules.iter().enumerate() {
            let Some(condition) = &rule.condition else { continue };
            let covers = |earlier: &WrittenRule| earlier.condition.as_ref().is_some_and(|one| one.covers(condition));
            if let Some(earlier) = uploads.rules[..at].iter().position(covers) {
                let message = format!("no file comes to this rule: rule {} takes them all", earlier + 1);
                let help = Some("the first rule that fits decides; put it further up, or take it out".to_owned());
                self.report.error(Code::Conflict, &rule.place, message, help);
            }
            let carried = |kind| self.dialect.is_none_or(|dialect| dialect.types.max(kind).is_some());
            if let Some(kind) = condition.kinds.iter().find(|kind| !carried(**kind))
                && let Some(dialect) = self.dialect
            {
                let message = format!("{} carries no files of the kind `{}`", dialect.name, kind.as_str());
                self.report.warning(Code::Unused, &rule.place, message, None);
            }
        }
        let last = uploads.rules.last().and_then(|rule| rule.condition.as_ref());
        if !uploads.open && last.is_some_and(|last| !last.is_empty()) {
            let message = "a file that no rule fits has no place";
            let help = Some("end with a rule without `if`, as in `{ to = \"local\" }`".to_owned());
            self.report.error(Code::Missing, &uploads.place, message, help);
        }
    }

    /// Stores of a route that passes everything through.
    fn passed_over(&self, uploads: &WrittenUploads, rules: &Rules) {
        if !rules.name_upstream() {
            let message = "clients and upstream speak the same, so all files go through and none into a store";
            let help = Some("write `uploads = \"upstream\"`".to_owned());
            self.report.error(Code::Conflict, &uploads.place, message, help);
        }
    }

    fn destination(&self, written: &WrittenDestination, uploads: &WrittenUploads) -> Destination {
        match written {
            WrittenDestination::All(names) => {
                Destination::All(names.iter().map(|name| self.target(name, uploads)).collect())
            }
            WrittenDestination::Copied { primary, copies } => {
                for name in std::iter::once(primary).chain(copies) {
                    self.only_store(name);
                }
                if let Some(copy) = copies.iter().find(|copy| copy.value == primary.value) {
                    let message = format!("`{}` is its own copy", copy.value);
                    self.report.error(Code::Duplicate, &copy.place, message, None);
                }
                Destination::Copied {
                    primary: primary.value.clone(),
                    copies: copies.iter().map(|copy| copy.value.clone()).collect(),
                }
            }
        }
    }

    fn target(&self, name: &Spanned<String>, uploads: &WrittenUploads) -> Target {
        if name.value == UPSTREAM {
            self.judge_upstream(name, uploads);
            return Target::Upstream;
        }
        self.store(name);
        Target::Store(name.value.clone())
    }

    /// A store that copies are made from or to.
    fn only_store(&self, name: &Spanned<String>) {
        if name.value == UPSTREAM {
            let message = "copies are made between stores";
            let help =
                Some("write a list, as in `[\"upstream\", \"local\"]`: a file is in both, or in none".to_owned());
            self.report.error(Code::Conflict, &name.place, message, help);
            return;
        }
        self.store(name);
    }

    fn store(&self, name: &Spanned<String>) {
        if !self.stores.contains(&name.value.as_str()) {
            let help = suggestion(&name.value, self.stores.iter().copied());
            let help = help.or_else(|| Some("write a `[stores.local]`".to_owned()));
            self.report.error(Code::Reference, &name.place, format!("there is no store `{}`", name.value), help);
        }
    }

    fn judge_upstream(&self, word: &Spanned<String>, uploads: &WrittenUploads) {
        let conflict = |message: String, help: &str| {
            self.report.error(Code::Conflict, &word.place, message, Some(help.to_owned()));
        };
        let only = |rule: &WrittenRule| matches!(&rule.to, WrittenDestination::All(names) if names.len() == 1);
        match self.upstream {
            Some(upstream) if !takes_uploads(upstream) => {
                conflict(format!("{} takes no uploads", upstream.dialect.name), "name a store");
            }
            Some(_) if self.same && !(uploads.rules.len() == 1 && only(&uploads.rules[0])) => {
                let message = "clients and upstream speak the same, so all files go through as they come";
                conflict(message.to_owned(), "write `uploads = \"upstream\"`");
            }
            Some(upstream) if !self.same => {
                if let Some((message, help)) = self
                    .dialect
                    .and_then(|own| straight::obstacle(own, &upstream.dialect, self.beside_store(word, uploads)))
                {
                    conflict(message, help);
                }
            }
            None if self.written.to.value == "hub" => {
                conflict("the hub is no upstream".to_owned(), "a route to the hub keeps its files in a store");
            }
            Some(_) | None => {}
        }
    }

    /// Whether the rule in which this word stands names a store too.
    fn beside_store(&self, word: &Spanned<String>, uploads: &WrittenUploads) -> bool {
        uploads.rules.iter().any(|rule| match &rule.to {
            WrittenDestination::All(names) => {
                names.iter().any(|name| name.place == word.place) && names.iter().any(|name| name.value != UPSTREAM)
            }
            WrittenDestination::Copied { .. } => false,
        })
    }

    fn keys(&self, words: &KeyWords, written: &[Spanned<String>]) -> Vec<KeyTemplate> {
        let mut keys = Vec::new();
        for text in written {
            match words.template(&text.value) {
                Ok(template) => keys.push(template),
                Err(WrongKey::Form(message)) => self.report.error(Code::Value, &text.place, message, None),
                Err(WrongKey::Unknown(name)) => {
                    let dialect = self.dialect.map_or("", |dialect| &*dialect.name);
                    let message = format!("`{{{name}}}` is nothing that is known of an upload in {dialect}");
                    self.report.error(Code::Reference, &text.place, message, suggestion(&name, words.all()));
                }
            }
        }
        keys
    }
}
