//! A bounded map that forgets what was not written for long. In: keys and values. Out: the values, while they are known.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;

/// Keeps at least the last `limit` keys that were written, and at most twice as many.
#[derive(Debug)]
pub struct Recent<K, V> {
    limit: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Hash + Eq, V> Recent<K, V> {
    pub fn new(limit: usize) -> Self {
        Recent { limit, young: HashMap::new(), old: HashMap::new() }
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub fn set(&mut self, key: K, value: V) {
        if self.young.len() >= self.limit {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Those that are known; one that was written again may come twice.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.young.keys().chain(self.old.keys())
    }

    pub fn clear(&mut self) {
        self.young.clear();
        self.old.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_known_and_the_number_is_bounded() {
        let mut recent = Recent::new(10);
        for at in 0..1_000 {
            recent.set(at, at);
            assert!((0.max(at - 9)..=at).all(|key| recent.get(&key) == Some(&key)));
            assert!(recent.young.len() + recent.old.len() <= 20);
        }
        assert_eq!(recent.get(&0), None);
    }
}
