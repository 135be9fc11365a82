//! Promises about what is told at topics: counted without holes, kept for a while, and asked for by who missed it.

use super::super::{Append, Journal, feed};
use super::text;
use crate::event::{Audience, Place, Topic};

fn topics(names: &[&str]) -> Vec<Topic> {
    names.iter().map(|name| Topic::Party((*name).into())).collect()
}

fn told(conversation: &str, body: &str, to: &[&str]) -> Append {
    Append { audience: Some(Audience { topics: topics(to), last: None }), ..text(conversation, body) }
}

/// What was missed at topics after places: body, turn, and how far the topics came with it.
async fn missed(journal: &dyn Journal, heard: &[(Topic, Place)]) -> Vec<(String, u64, Vec<(Topic, u64)>)> {
    let missed = journal.missed(heard).await.expect("known");
    assert_eq!(missed.lost, [], "nothing is lost");
    let shown = missed.announced.into_iter().map(|announced| {
        let at = announced.places.iter().map(|(topic, _)| topic).cloned().collect::<Vec<_>>();
        assert_eq!(at, announced.audience.topics, "each with its place");
        assert!(announced.places.iter().all(|(_, place)| place.mark != 0));
        let places = announced.places.into_iter().map(|(topic, place)| (topic, place.number)).collect();
        (announced.event.details.body.clone().unwrap_or_default(), announced.turn, places)
    });
    shown.collect()
}

pub async fn what_was_missed_is_known(journal: &dyn Journal) {
    let both = topics(&["told/ann", "told/bob"]);
    let (ann, bob) = (both[0].clone(), both[1].clone());
    let nowhere = Place::default();
    let begin = journal.places(&both).await;
    assert_eq!(begin, Ok(vec![(ann.clone(), nowhere), (bob.clone(), nowhere)]), "where nothing was told");
    let keyed = Append { key: Some("k".to_owned()), ..told("told/one", "1", &["told/ann", "told/bob"]) };
    journal.append(keyed.clone()).await.expect("recorded");
    assert!(journal.append(keyed).await.expect("recognised").repeated, "what is repeated is not told again");
    let silent = journal.append(text("told/one", "silent")).await.expect("recorded").event;
    let heard = journal.places(&both).await.expect("known");
    assert!(heard.iter().all(|(_, place)| place.number == 1 && place.mark != 0), "{heard:?}");
    assert_eq!(missed(journal, &heard).await, [], "nothing since");
    journal.append(told("told/one", "2", &["told/bob"])).await.expect("recorded");
    journal.append(told("told/two", "3", &["told/bob", "told/ann"])).await.expect("recorded");
    let mut amended = (*silent).clone();
    amended.details.body = Some("silent no more".to_owned());
    let audience = Audience { topics: vec![ann.clone()], last: None };
    journal.amend(amended, Vec::new(), Some(audience)).await.expect("amended");
    let expected = [
        ("2".to_owned(), 2, vec![(bob.clone(), 2)]),
        ("silent no more".to_owned(), 3, vec![(ann.clone(), 3)]),
        ("3".to_owned(), 1, vec![(ann.clone(), 2), (bob.clone(), 3)]),
    ];
    assert_eq!(missed(journal, &heard).await, expected);
    let first = missed(journal, &[(ann.clone(), nowhere)]).await;
    let bodies: Vec<_> = first.iter().map(|(body, ..)| body.as_str()).collect();
    assert_eq!(bodies, ["1", "silent no more", "3"], "from the beginning, as last amended");
    let reached = journal.missed(&heard).await.expect("known").reached;
    let number = |(topic, place): &(Topic, Place)| (topic.clone(), place.number);
    assert_eq!(reached.iter().map(number).collect::<Vec<_>>(), [(ann.clone(), 3), (bob, 3)]);
    assert_eq!(missed(journal, &reached).await, []);
    let other = Place { number: 3, mark: heard[0].1.mark };
    assert_eq!(
        journal.missed(&[(ann.clone(), other)]).await.expect("known").lost,
        std::slice::from_ref(&ann),
        "another history"
    );
    let further = Place { number: 99, mark: 7 };
    assert_eq!(journal.missed(&[(ann.clone(), further)]).await.expect("known").lost, [ann], "more than there was");
}

pub async fn a_feed_has_a_bound(journal: &dyn Journal) {
    let topic = topics(&["told/crowd"]);
    let many = feed::LENGTH * 2;
    let appends = (0..many).map(|at| journal.append(told("told/crowd", &at.to_string(), &["told/crowd"])));
    let appends: Vec<_> = appends.collect();
    assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
    let from = async |number| {
        let heard = [(topic[0].clone(), Place { number, mark: 0 })];
        journal.missed(&heard).await.expect("known")
    };
    let missed = from(many - feed::LENGTH).await;
    assert_eq!((missed.announced.len() as u64, missed.lost), (feed::LENGTH, Vec::new()));
    let missed = from(0).await;
    assert_eq!(missed.lost, topic, "it is said what is gone");
    assert!((missed.announced.len() as u64) < many);
}

pub async fn a_feed_is_kept_for_who_reserved_it(journal: &dyn Journal) {
    const MORE: u64 = feed::LENGTH + 300;
    let topic = topics(&["told/reserved"])[0].clone();
    let append = async |count: u64| {
        let appends: Vec<_> = (0..count).map(|_| journal.append(told("told/kept", "x", &["told/reserved"]))).collect();
        assert!(futures_util::future::join_all(appends).await.iter().all(Result::is_ok));
    };
    append(10).await;
    journal.reserve(&topic, "slow", 3).await.expect("reserved");
    journal.reserve(&topic, "quick", 9).await.expect("reserved");
    append(MORE).await;
    let from = Place { number: 3, mark: 0 };
    let (mut at, mut numbers) = (from, Vec::new());
    loop {
        let page = journal.told(&topic, at, 700).await.expect("known");
        assert_eq!(page.lost, [], "all since the slow one's place is there");
        if page.announced.is_empty() {
            break;
        }
        assert!(page.announced.len() <= 700, "no more than asked for");
        numbers.extend(page.announced.iter().map(|announced| announced.places[0].1.number));
        at = page.reached[0].1;
    }
    assert_eq!(numbers, (4..=MORE + 10).collect::<Vec<_>>());
    for reader in ["slow", "quick"] {
        journal.reserve(&topic, reader, at.number).await.expect("reserved");
    }
    append(400).await;
    assert_eq!(journal.told(&topic, from, 10).await.expect("known").lost, [topic], "nobody needs it any more");
}
