//! The checker finds what was done to a record: a message dropped, doubled, swapped, or told again beyond the bound.

use super::record::{Listener, Record, Said};

/// Two parties in a room who hear each other, and an app that hears one of them.
fn record() -> Record {
    let said: Vec<Said> = (0..40).map(|at| Said { party: at % 2, number: u32::from(at / 2) }).collect();
    let listener = |name: &str, deaf_to: &[u16]| Listener {
        name: name.to_owned(),
        rooms: [7].into(),
        deaf_to: deaf_to.iter().copied().collect(),
        heard: said.iter().filter(|said| !deaf_to.contains(&said.party)).map(|said| (1, *said)).collect(),
        tail: 3,
    };
    Record {
        rooms: [(0, 7), (1, 7)].into(),
        listeners: vec![listener("ann", &[]), listener("ben", &[]), listener("app", &[1])],
        confirmed: said.iter().copied().collect(),
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
        assert_eq!(verdict.lost, [format!("{} did not hear {dropped}", tampered.listeners[listener].name)]);
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
