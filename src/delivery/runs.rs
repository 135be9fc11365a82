//! Numbers that are done out of their order, as runs without holes. In: one number after the other. Out: up to where all are
//! done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::event::Place;

/// Runs by their first number; each with its last place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Runs(BTreeMap<u64, Place>);

impl Runs {
    /// A number is done. One that is known already changes nothing.
    pub(super) fn add(&mut self, place: Place) {
        if self.holds(place.number) {
            return;
        }
        let (mut first, mut last) = (place.number, place);
        if let Some((&earlier, end)) = self.0.range(..first).next_back()
            && end.number + 1 == first
        {
            first = earlier;
        }
        if let Some(end) = self.0.remove(&(place.number + 1)) {
            last = end;
        }
        self.0.insert(first, last);
    }

    pub(super) fn holds(&self, number: u64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, end)| end.number >= number)
    }

    /// Takes away the runs that begin before a number, and says where the last of them ends.
    pub(super) fn take_before(&mut self, number: u64) -> Option<Place> {
        let rest = self.0.split_off(&number);
        std::mem::replace(&mut self.0, rest).into_values().next_back()
    }

    /// The first so many.
    pub(super) fn first(&self, runs: usize) -> Self {
        Runs(self.0.iter().take(runs).map(|(first, last)| (*first, *last)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(numbers: &[u64]) -> Runs {
        let mut runs = Runs::default();
        for number in numbers {
            runs.add(Place { number: *number, mark: 7 });
        }
        runs
    }

    #[test]
    fn neighbours_become_one_run() {
        let runs = runs(&[5, 9, 7, 6, 9, 8, 12]);
        let shown: Vec<_> = runs.0.iter().map(|(first, last)| (*first, last.number)).collect();
        assert_eq!(shown, [(5, 9), (12, 12)]);
        assert!(runs.holds(5) && runs.holds(9) && !runs.holds(10) && !runs.holds(4));
    }

    #[test]
    fn what_is_before_a_number_is_taken() {
        let mut runs = runs(&[5, 6, 9, 12]);
        assert_eq!(runs.take_before(7).map(|place| place.number), Some(6));
        assert_eq!(runs.take_before(7), None);
        assert_eq!(runs.take_before(u64::MAX).map(|place| place.number), Some(12));
        assert_eq!(runs, Runs::default());
    }

    #[test]
    fn they_are_kept_as_json() {
        let kept = serde_json::to_vec(&runs(&[3, 4, 9])).expect("JSON");
        assert_eq!(serde_json::from_slice::<Runs>(&kept).expect("the same"), runs(&[3, 4, 9]));
    }
}
