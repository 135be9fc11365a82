//! Where an upload goes: rules, of which the first that fits decides. In: what is known of a file when its first byte is
//! to be written. Out: names of stores, and templates of its key.

mod condition;
mod key;
mod path;

use crate::dialect::KeyTemplate;

pub use condition::{Condition, Facts, TypePattern};
pub use key::{KeyWords, WrongKey};
pub use path::{PathCondition, PathQuery};

/// The rules of a route, in order; the last takes whatever comes to it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rules(pub Vec<Rule>);

/// What fits goes there.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub condition: Condition,
    pub to: Destination,
    /// Templates of the key; the first whose placeholders are all known is taken, and where none is, the dialect's own.
    pub keys: Vec<KeyTemplate>,
}

/// Where a file goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// Everywhere, or nowhere. At least one.
    All(Vec<Target>),
    /// To a store; others get a copy, sooner or later.
    Copied { primary: String, copies: Vec<String> },
}

/// One place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A store of the config.
    Store(String),
    /// Where the route leads, by its dialect's own upload call.
    Upstream,
}

impl Rules {
    /// Everything to one store.
    pub fn all_to(store: &str) -> Self {
        let to = Destination::All(vec![Target::Store(store.to_owned())]);
        Rules(vec![Rule { condition: Condition::default(), to, keys: Vec::new() }])
    }

    /// Whether some file goes straight to the upstream.
    pub fn name_upstream(&self) -> bool {
        let names = |rule: &Rule| matches!(&rule.to, Destination::All(targets) if targets.contains(&Target::Upstream));
        self.0.iter().any(names)
    }

    /// Names of all stores, each once, those of the last resort first.
    pub fn stores(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for name in self.0.iter().rev().flat_map(|rule| rule.to.stores()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl Destination {
    /// Names of its stores, the one that decides first.
    pub fn stores(&self) -> Vec<&str> {
        match self {
            Destination::All(targets) => targets
                .iter()
                .filter_map(|target| match target {
                    Target::Store(name) => Some(name.as_str()),
                    Target::Upstream => None,
                })
                .collect(),
            Destination::Copied { primary, copies } => {
                std::iter::once(primary).chain(copies).map(String::as_str).collect()
            }
        }
    }

    /// Whether the file also goes to where the route leads, by an upload call of its own.
    pub fn has_upstream(&self) -> bool {
        matches!(self, Destination::All(targets) if targets.contains(&Target::Upstream))
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Destination::All(targets) => {
                let names = targets.iter().map(|target| match target {
                    Target::Store(name) => name.as_str(),
                    Target::Upstream => "upstream",
                });
                formatter.write_str(&names.collect::<Vec<_>>().join(" + "))
            }
            Destination::Copied { primary, copies } => write!(formatter, "{primary} (copies: {})", copies.join(", ")),
        }
    }
}
