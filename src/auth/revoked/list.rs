//! All that is revoked, to be asked at every use of a credential. In: revocations. Out: whether one is for this credential;
//! a look-up by each thing that is known of it, and nothing at all where nothing is revoked.

use std::collections::HashMap;

use crate::auth::jwt::since_epoch;

use super::record::{Kind, Revocation, digest};
use super::standing::Shown;

/// How much longer than a token it holds: clocks differ, and routes have a `leeway` of up to a minute.
const MARGIN: i64 = 120;

#[derive(Debug, Default)]
pub(super) struct List {
    by_id: HashMap<String, Revocation>,
    ids: Index,
    subjects: Index,
    digests: Index,
}

/// The value that is revoked → the ids of its revocations: one for each route.
type Index = HashMap<String, Vec<String>>;

impl List {
    pub fn of(revocations: Vec<Revocation>) -> Self {
        let mut list = List::default();
        for revocation in revocations {
            let index = match revocation.kind {
                Kind::Jti => &mut list.ids,
                Kind::Sub => &mut list.subjects,
                Kind::Sha256 => &mut list.digests,
            };
            let id = revocation.id();
            index.entry(revocation.value.clone()).or_default().push(id.clone());
            list.by_id.insert(id, revocation);
        }
        list
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    pub fn all(&self) -> impl Iterator<Item = &Revocation> {
        self.by_id.values()
    }

    /// Those whose tokens have ended.
    pub fn over(&self) -> impl Iterator<Item = &str> {
        let now = now();
        let over = self.by_id.iter().filter(move |(_, revocation)| is_over(revocation, now));
        over.map(|(id, _)| id.as_str())
    }

    /// Whether what was shown is revoked.
    pub fn covers(&self, shown: &Shown<'_>) -> bool {
        if self.by_id.is_empty() {
            return false;
        }
        let now = now();
        let holds = |index: &Index, value: Option<&str>| {
            let ids = value.and_then(|value| index.get(value)).into_iter().flatten();
            ids.filter_map(|id| self.by_id.get(id)).any(|revocation| {
                revocation.route.as_deref().is_none_or(|route| route == shown.route)
                    && revocation.before.is_none_or(|before| shown.issued.is_none_or(|issued| issued <= before))
                    && !is_over(revocation, now)
            })
        };
        // A digest takes longer than all else here.
        let digest = shown.token.filter(|_| !self.digests.is_empty()).map(digest);
        holds(&self.ids, shown.id)
            || holds(&self.subjects, Some(shown.subject))
            || holds(&self.digests, digest.as_deref())
    }
}

fn is_over(revocation: &Revocation, now: i64) -> bool {
    revocation.until.is_some_and(|until| until.saturating_add(MARGIN) < now)
}

fn now() -> i64 {
    i64::try_from(since_epoch()).unwrap_or(i64::MAX)
}
