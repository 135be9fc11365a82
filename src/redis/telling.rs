//! What is said on a channel. In: events and their audiences. Out: three lines of text (numbers, audience, event); and
//! back. A script writes the numbers of what it records, which it alone knows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Announced, Audience, CloudEvent, Event, Place};

use super::names::{parse_topic, topic_text};

/// The second line.
#[derive(Serialize, Deserialize)]
struct Head {
    topics: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Arc<str>>,
}

/// What is said on a channel.
#[derive(Debug, Clone)]
pub enum Said {
    /// Recorded, so that whoever misses it can ask for it.
    Recorded {
        /// How far this topic came with it.
        place: Place,
        announced: Announced,
    },
    /// Something confirmed is not there any more: nobody can be told what.
    Lost {
        /// How far the topic came with it.
        number: u64,
    },
    /// Told once and not kept; said at several topics under one mark.
    Passing { mark: u64, event: Arc<Event>, audience: Audience },
}

/// The line that names an audience.
pub fn audience_line(audience: &Audience) -> Result<String, serde_json::Error> {
    let topics = audience.topics.iter().map(topic_text).collect();
    serde_json::to_string(&Head { topics, last: audience.last.clone() })
}

/// The line that holds an event.
pub fn event_line(event: &Event) -> Result<String, serde_json::Error> {
    serde_json::to_string(&CloudEvent::from(event.clone()))
}

/// An event as a line held it.
pub fn parse_event(line: &str) -> Result<Event, String> {
    let envelope: CloudEvent = serde_json::from_str(line).map_err(|error| error.to_string())?;
    Event::try_from(envelope).map_err(|error| error.to_string())
}

/// What is said of something in passing.
pub fn passing(mark: u64, event: &Event, audience: &Audience) -> Result<String, serde_json::Error> {
    Ok(format!("passing {mark}\n{}\n{}", audience_line(audience)?, event_line(event)?))
}

/// Reads what was said: `told <number> <mark> <turn> <sequence> <numbers> [<id>]` or `passing <mark>`, then the two other
/// lines; or `lost <number>` and two empty ones. Numbers are those of all topics of the audience, in its order, with commas between.
pub fn parse(payload: &str) -> Result<Said, String> {
    const FORM: &str = "not of this version's form";
    let mut lines = payload.splitn(3, '\n');
    let (Some(numbers), Some(head), Some(event)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(FORM.to_owned());
    };
    if let Some(number) = numbers.strip_prefix("lost ") {
        return Ok(Said::Lost { number: number.parse().map_err(|_| FORM)? });
    }
    let head: Head = serde_json::from_str(head).map_err(|error| error.to_string())?;
    let topics: Vec<_> = head.topics.iter().map(|text| parse_topic(text)).collect();
    let audience = Audience { topics: topics.iter().flatten().cloned().collect(), last: head.last };
    let mut event = parse_event(event)?;
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u64>().ok()).ok_or(FORM);
    let mut words = numbers.splitn(7, ' ');
    match words.next() {
        Some("passing") => Ok(Said::Passing { mark: number(words.next())?, event: Arc::new(event), audience }),
        Some("told") => {
            let place = Place { number: number(words.next())?, mark: number(words.next())? };
            let (turn, sequence) = (number(words.next())?, number(words.next())?);
            let numbers = words.next().ok_or(FORM)?.split(',');
            let mut places = Vec::with_capacity(topics.len());
            for (topic, text) in topics.into_iter().zip(numbers) {
                let place = Place { number: number(Some(text))?, mark: place.mark };
                places.extend(topic.map(|topic| (topic, place)));
            }
            event.details.sequence = Some(sequence);
            // An event that came with its id has it still.
            if let Some(id) = words.next() {
                event.details.id = id.to_owned();
            }
            Ok(Said::Recorded { place, announced: Announced { event: Arc::new(event), audience, turn, places } })
        }
        _ => Err(FORM.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventKind, MessageKind, Topic};

    fn text(body: &str) -> Event {
        let mut event = Event::new(EventKind::Message(MessageKind::Text));
        event.details.body = Some(body.to_owned());
        event
    }

    #[test]
    fn what_is_said_is_read_back() {
        let audience = Audience { topics: vec![Topic::Everyone, Topic::Party("a:b".into())], last: Some("ann".into()) };
        let event = text("two\nlines");
        let said = parse(&passing(7, &event, &audience).expect("serialised")).expect("read");
        assert!(matches!(said, Said::Passing { mark: 7, event: ref read, audience: ref whom }
            if **read == event && *whom == audience));
        let lines = format!("{}\n{}", audience_line(&audience).expect("good"), event_line(&event).expect("good"));
        let said = parse(&format!("told 3 77 2 9 12,3 an id\n{lines}")).expect("read");
        let Said::Recorded { place, announced } = said else { panic!("{said:?}") };
        let details = &announced.event.details;
        assert_eq!(place, Place { number: 3, mark: 77 });
        let places: Vec<_> = announced.places.iter().map(|(_, place)| (place.number, place.mark)).collect();
        assert_eq!((announced.audience.topics.len(), places), (2, vec![(12, 77), (3, 77)]));
        assert_eq!((announced.turn, details.sequence, details.id.as_str()), (2, Some(9), "an id"));
        for bad in [
            "",
            "told 1 1 1 x",
            "told 1 1 1 1 x\n{\"topics\":[\"everyone\"]}\n{}",
            "told x 1 1 x\n{}\n{}",
            "other 1\n{\"topics\":[]}\n{}",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
