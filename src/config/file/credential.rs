//! `credential` of an upstream: what it is shown. In: one rule, or a table of them by name. Out: rules, and the names that
//! are yet to be compared with the dialect's.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::node::{Node, Place, Value};
use super::super::problem::Code;
use super::super::section::{Section, Spanned};
use super::auth::{algorithm, judge};
use crate::auth::{Secret, Signer};
use crate::dialect::suggestion;
use crate::upstream::{Claim, CredentialRule, Mint};

/// How long a minted token is good for where nothing is said.
const LIFETIME: Duration = Duration::from_secs(300);

/// What a claim may name.
const HOLES: &[&str] = &["party.id", "party.role", "party.name", "party.department", "party.business"];

/// Claims that a token's making decides.
const OWN_CLAIMS: &[&str] = &["exp", "iat", "nbf"];

#[derive(Debug)]
pub(in crate::config) struct WrittenCredential {
    /// Absent: the dialect's default credential.
    pub name: Option<Spanned<String>>,
    /// Absent when it has problems of its own.
    pub rule: Option<CredentialRule>,
    pub place: Place,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Forward,
    Fixed,
    Mint,
}

pub(super) const KINDS: &[(&str, Kind)] = &[("forward", Kind::Forward), ("fixed", Kind::Fixed), ("mint", Kind::Mint)];

pub(super) fn read(section: Section<'_>, well_known: &mut Vec<Place>) -> Vec<WrittenCredential> {
    let place = section.place().clone();
    // `claims` is the one table of a rule.
    if section.has("kind") || !section.has_table_beside("claims") {
        return vec![WrittenCredential { name: None, rule: rule(section, well_known), place }];
    }
    let rules = section.sections().into_iter().map(|(name, section)| {
        let place = section.place().clone();
        WrittenCredential { name: Some(name), rule: rule(section, well_known), place }
    });
    rules.collect()
}

fn rule(section: Section<'_>, well_known: &mut Vec<Place>) -> Option<CredentialRule> {
    if !section.has("kind") {
        let help = "one of forward, fixed, mint, as in `credential = { kind = \"forward\" }`";
        section.missing("kind", help);
    }
    let kind = section.word("kind", KINDS)?;
    let rule = match kind.value {
        Kind::Forward => Some(CredentialRule::Forward),
        Kind::Fixed => fixed(&section, well_known).map(CredentialRule::Fixed),
        Kind::Mint => mint(&section, well_known).map(CredentialRule::Mint),
    };
    // What else is wrong with a rule that is none, is not clear.
    if rule.is_some() {
        section.finish();
    }
    rule
}

fn fixed(section: &Section<'_>, well_known: &mut Vec<Place>) -> Option<Secret> {
    if !section.has("value") && !section.has("value_file") {
        section.missing("value", "what the upstream is shown: `value = \"${CLINIC_TOKEN}\"` or `value_file = \"…\"`");
    }
    let value = section.secret("value", "value_file")?;
    // It becomes a header or part of a URL: a line end in it would be an injection, and is a slip of an editor.
    if value.value.expose().chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        let help = Some("the credential alone, without the scheme: the dialect knows where it goes".to_owned());
        section.report().error(Code::Value, &value.place, "a credential has no blanks and no line ends in it", help);
        return None;
    }
    // The upstream issued it: how long it is, is not ours to say.
    judge(section, &value, 0, well_known);
    Some(value.value)
}

fn mint(section: &Section<'_>, well_known: &mut Vec<Place>) -> Option<Mint> {
    let algorithm = algorithm(section)?;
    if !section.has("secret") && !section.has("secret_file") {
        let help = match algorithm.is_shared() {
            true => "what tokens are signed with: `secret = \"${CLINIC_SECRET}\"` or `secret_file = \"…\"`",
            false => "the private key in PEM form, which tokens are signed with: `secret_file = \"key.pem\"`",
        };
        section.missing("secret", help);
    }
    let key = section.secret("secret", "secret_file");
    if let Some(key) = &key {
        judge(section, key, algorithm.shortest_secret(), well_known);
    }
    let claims = match section.node("claims") {
        Some(node) => claims(section, node),
        None => BTreeMap::from([("sub".to_owned(), Claim::Template("{party.id}".to_owned()))]),
    };
    let key = key?;
    // Whether it fits is for whoever signs with it to say.
    if let Err(error) = Signer::new(algorithm, &key.value) {
        section.report().error(Code::Value, &key.place, error.to_string(), None);
    }
    let lifetime = section.duration("lifetime");
    Some(Mint { algorithm, key: key.value, claims, lifetime: lifetime.unwrap_or(LIFETIME) })
}

fn claims(section: &Section<'_>, node: &Node) -> BTreeMap<String, Claim> {
    let report = section.report();
    let Value::Table(members) = &node.value else {
        let message = format!("`claims` is {}, wanted a table", node.value.type_name());
        report.error(Code::Type, &node.place, message, None);
        return BTreeMap::new();
    };
    let mut claims = BTreeMap::new();
    for (name, member) in members {
        if OWN_CLAIMS.contains(&name.as_str()) {
            let help = Some("`lifetime` says how long a token is good for".to_owned());
            report.error(Code::Conflict, &member.key, format!("`{name}` is set when a token is made"), help);
        } else if let Some(claim) = claim(section, name, member) {
            claims.insert(name.clone(), claim);
        }
    }
    claims
}

fn claim(section: &Section<'_>, name: &str, node: &Node) -> Option<Claim> {
    match &node.value {
        Value::Text(text) => template(section, text, node).map(Claim::Template),
        Value::Integer(number) => Some(Claim::Integer(*number)),
        Value::Boolean(flag) => Some(Claim::Boolean(*flag)),
        Value::Array(_) => {
            let texts = section.texts_of(name, node);
            // Each of them may have a mistake.
            let list: Vec<Option<String>> = texts.iter().map(|text| template(section, &text.value, node)).collect();
            list.into_iter().collect::<Option<Vec<String>>>().map(Claim::List)
        }
        Value::Unset => None,
        Value::Float(_) | Value::Table(_) | Value::Other => {
            let wanted = "wanted a text, a whole number, true or false, or a list of texts";
            let message = format!("claim `{name}` is {}, {wanted}", node.value.type_name());
            section.report().error(Code::Type, &node.place, message, None);
            None
        }
    }
}

/// A text whose every `{…}` is known.
fn template(section: &Section<'_>, text: &str, node: &Node) -> Option<String> {
    let problem =
        |message: String, help: Option<String>| section.report().error(Code::Value, &node.place, message, help);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let Some((hole, after)) = rest[at..].strip_prefix('{').and_then(|after| after.split_once('}')) else {
            problem("a `{` and its `}` enclose what is known of the caller".to_owned(), Some(known_holes()));
            return None;
        };
        if !HOLES.contains(&hole) {
            let help = suggestion(hole, HOLES.iter().copied()).or_else(|| Some(known_holes()));
            problem(format!("`{{{hole}}}` is nothing that is known of a caller"), help);
            return None;
        }
        rest = after;
    }
    Some(text.to_owned())
}

fn known_holes() -> String {
    let holes: Vec<String> = HOLES.iter().map(|hole| format!("`{{{hole}}}`")).collect();
    format!("known: {}", holes.join(", "))
}
