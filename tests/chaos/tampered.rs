//! The checker finds what was done to a record: a message dropped, doubled, swapped, or told again beyond the bound.

use std::time::Duration;

use super::record::{Gap, Listener, Record, Said};

/// Two parties in a room who hear each other, and an app that hears one of them.
fn record() -> Record {
    let said: Vec<Said> = (0..40).map(|at| Said { party: at % 2, number: u32::from(at / 2) }).collect();
    let listener = |name: &str, deaf_to: &[u16]| Listener {
        name: name.to_owned(),
        rooms: [7].into(),
        deaf_to: deaf_to.iter().copied().collect(),
        heard: said.iter().filter(|said| !deaf_to.contains(&said.party)).map(|said| (1, *said)).collect(),
        tail: 3,
        gaps: Vec::new(),
    };
    // One each ten seconds.
    let times = || said.iter().zip(1..).map(|(said, at)| (*said, Duration::from_secs(10 * at))).collect();
    Record {
        rooms: [(0, 7), (1, 7)].into(),
        listeners: vec![listener("ann", &[]), listener("ben", &[]), listener("app", &[1])],
        sent: times(),
        confirmed: times(),
    }
}

#[test]
fn a_good_record_is_good() {
    let verdict = record().judge();
    assert!(verdict.is_good() && record().is_complete(), "{verdict}");
    assert_eq!((verdict.confirmed, verdict.deliveries), (40, 100));
}

#[test]
fn a_dropped_message_is_found() {
    for listener in 0..3 {
        let mut tampered = record();
        let (_, dropped) = tampered.listeners[listener].heard.remove(9);
        let verdict = tampered.judge();
        let expected = format!("{} did not hear {dropped}, confirmed at", tampered.listeners[listener].name);
        assert!(verdict.lost.len() == 1 && verdict.lost[0].starts_with(&expected), "{verdict}");
        assert!(!verdict.is_good() && !tampered.is_complete());
    }
}

#[test]
fn a_message_that_nobody_hears_is_found() {
    let mut tampered = record();
    tampered.listeners.iter_mut().for_each(|listener| listener.heard.retain(|(_, said)| said.number != 5));
    assert_eq!(tampered.judge().lost.len(), 5);
}

#[test]
fn a_doubled_message_is_found() {
    let mut tampered = record();
    let twice = tampered.listeners[1].heard[4];
    tampered.listeners[1].heard.push(twice);
    assert_eq!(tampered.judge().doubled.len(), 1);
}

#[test]
fn swapped_messages_are_found() {
    for listener in 0..3 {
        let mut tampered = record();
        tampered.listeners[listener].heard.swap(8, 9);
        let verdict = tampered.judge();
        assert!(verdict.lost.is_empty() && !verdict.disordered.is_empty(), "{verdict}");
    }
}

#[test]
fn messages_that_all_hear_out_of_order_are_found() {
    let mut tampered = record();
    for listener in &mut tampered.listeners[..2] {
        listener.heard.swap(8, 10);
    }
    tampered.listeners.pop();
    assert!(!tampered.judge().disordered.is_empty());
}

#[test]
fn the_tail_at_a_cut_is_no_double_and_has_a_bound() {
    let mut cut = record();
    let tail: Vec<Said> = cut.listeners[0].heard[37..].iter().map(|(_, said)| *said).collect();
    cut.listeners[0].heard.extend(tail.iter().map(|said| (2, *said)));
    let verdict = cut.judge();
    assert!(verdict.is_good(), "{verdict}");
    assert_eq!((verdict.again, verdict.most_again), (3, 3));
    let longer = cut.listeners[0].heard[36].1;
    cut.listeners[0].heard.push((2, longer));
    assert_eq!(cut.judge().unbounded.len(), 1);
}

/// The tenth message was confirmed after 100 s: a listener who was told of a gap then has not lost it silently, and one who was
/// told of another has.
#[test]
fn what_is_missed_in_a_gap_that_was_told_is_not_lost() {
    let gap = |from, until| Gap { from: Duration::from_secs(from), until: Duration::from_secs(until) };
    for (gap, lost, told) in [(gap(90, 120), 0, 1), (gap(10, 50), 1, 0), (gap(150, 200), 1, 0)] {
        let mut tampered = record();
        tampered.listeners[0].heard.remove(9);
        tampered.listeners[0].gaps.push(gap);
        let verdict = tampered.judge();
        assert_eq!((verdict.lost.len(), verdict.told, verdict.gaps), (lost, told, 1), "{gap:?}");
    }
}

#[test]
fn order_is_judged_outside_of_gaps() {
    let mut tampered = record();
    tampered.listeners[0].gaps.push(Gap { from: Duration::from_secs(90), until: Duration::from_secs(120) });
    tampered.listeners[0].heard.swap(9, 10);
    assert!(tampered.judge().is_good(), "{}", tampered.judge());
    tampered.listeners[0].heard.swap(20, 21);
    assert_eq!(tampered.judge().disordered.len(), 1);
}
