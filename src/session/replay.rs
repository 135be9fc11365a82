//! How far a client has heard, by the pings that it answers. In: what was written to it, and its pongs. Out: its cursor,
//! kept now and then, and when its socket ends.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backend::{Bookmark, Cursor, Filled, Replay};
use crate::event::{Place, Topic};
use crate::relay::Parcel;

/// One parcel that was written.
struct Written {
    /// The how-manyth of the mailbox it was; 0 for what was missed.
    position: u64,
    conversation: Arc<str>,
    turn: u64,
}

/// The client's progress on one socket.
pub struct Progress {
    bookmark: Box<dyn Bookmark>,
    /// All up to here is heard, and of these conversations all up to these turns.
    places: Vec<(Topic, Place)>,
    turns: BTreeMap<Arc<str>, u64>,
    /// What was missed, by conversation: the same may come through the mailbox too.
    replayed: HashMap<Arc<str>, u64>,
    /// What was written and is not covered by `places` and `turns`.
    written: VecDeque<Written>,
    /// Parcels taken from the mailbox.
    taken: u64,
    /// How many of them the client has surely read; what was missed goes before the first.
    heard: Option<u64>,
    /// How far the topics had come when so many were in the mailbox: that becomes `places` once they are heard.
    mark: Option<Filled>,
    /// The ping that is not answered yet, and how many parcels were written before it.
    asked: Option<(u64, u64)>,
    pings: u64,
    /// Something was written since the last ping.
    unasked: bool,
    unkept: bool,
    /// When it was kept last, and how long that holds.
    kept: (Instant, Duration),
}

impl Progress {
    /// Begins where the client was; gives what it missed.
    pub fn begin(replay: Replay) -> (Self, Vec<Parcel>) {
        let Replay { missed, reached, cursor, window, bookmark } = replay;
        let mut progress = Progress {
            bookmark,
            places: cursor.places,
            turns: cursor.turns,
            replayed: HashMap::new(),
            written: VecDeque::new(),
            taken: 0,
            heard: None,
            mark: Some(Filled { parcels: 0, places: reached }),
            asked: None,
            pings: 0,
            unasked: true,
            unkept: false,
            kept: (Instant::now(), window.0),
        };
        for parcel in &missed {
            let conversation: Arc<str> = parcel.event.details.conversation.id.as_str().into();
            progress.replayed.insert(conversation, parcel.turn);
            progress.note(parcel);
        }
        (progress, missed)
    }

    /// Takes a parcel from the mailbox. False: the client has it already.
    pub fn take(&mut self, parcel: &Parcel) -> bool {
        self.taken += 1;
        self.unasked = true;
        let known = self.replayed.get(parcel.event.details.conversation.id.as_str());
        if parcel.turn > 0 && known.is_some_and(|turn| parcel.turn <= *turn) {
            return false;
        }
        self.note(parcel);
        true
    }

    fn note(&mut self, parcel: &Parcel) {
        if parcel.turn > 0 {
            let conversation = parcel.event.details.conversation.id.as_str().into();
            self.written.push_back(Written { position: self.taken, conversation, turn: parcel.turn });
        }
    }

    /// The number of a ping to be sent after all that was taken, if it is time for one.
    pub fn ask(&mut self) -> Option<u64> {
        if self.asked.is_some() || !self.unasked {
            return None;
        }
        if self.mark.is_none() {
            self.mark = Some(self.bookmark.filled());
        }
        self.pings += 1;
        self.unasked = false;
        self.asked = Some((self.pings, self.taken));
        self.asked.map(|(number, _)| number)
    }

    /// A ping was answered: whatever was written before it has been read.
    pub fn answered(&mut self, number: u64) {
        let Some((_, written)) = self.asked.take_if(|(asked, _)| *asked == number) else { return };
        self.heard = Some(written);
        self.unkept = true;
        let Some(mark) = self.mark.take_if(|mark| mark.parcels <= written) else { return };
        for (topic, place) in mark.places {
            match self.places.iter_mut().find(|(known, _)| *known == topic) {
                Some((_, known)) => *known = place,
                None => self.places.push((topic, place)),
            }
        }
        self.turns.clear();
        while self.written.front().is_some_and(|one| one.position <= mark.parcels) {
            self.written.pop_front();
        }
        // What came meanwhile has no place yet: another mark gives it one.
        self.unasked |= !self.written.is_empty();
    }

    /// Whether a ping is not answered yet.
    pub fn is_asking(&self) -> bool {
        self.asked.is_some()
    }

    /// How far the client has surely heard.
    pub fn cursor(&self) -> Cursor {
        let mut turns = self.turns.clone();
        for one in self.written.iter().take_while(|one| Some(one.position) <= self.heard) {
            turns.insert(Arc::clone(&one.conversation), one.turn);
        }
        Cursor { places: self.places.clone(), turns }
    }

    /// Keeps the cursor, if the client has heard more since, or before it ends while nothing is said.
    pub fn keep(&mut self) {
        let (at, holds) = self.kept;
        if std::mem::take(&mut self.unkept) || at.elapsed() >= holds / 3 {
            self.kept.0 = Instant::now();
            self.bookmark.keep(self.cursor());
        }
    }

    /// Keeps it for the last time.
    pub async fn leave(self) {
        self.bookmark.leave(self.cursor()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::backend::Window;
    use crate::event::{Event, EventKind, MessageKind};

    /// How far the mailbox is filled, and what was kept, with whether it was for the last time.
    type Kept = (Filled, Vec<(Cursor, bool)>);

    /// A mailbox of one topic that is filled by hand.
    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Kept>>);

    #[async_trait::async_trait]
    impl Bookmark for Shelf {
        fn filled(&self) -> Filled {
            self.0.lock().unwrap().0.clone()
        }

        fn keep(&self, cursor: Cursor) {
            self.0.lock().unwrap().1.push((cursor, false));
        }

        async fn leave(&self, cursor: Cursor) {
            self.0.lock().unwrap().1.push((cursor, true));
        }
    }

    impl Shelf {
        /// The next of the topic is put into the mailbox.
        fn fill(&self, turn: u64) -> Parcel {
            let mut shelf = self.0.lock().unwrap();
            shelf.0.parcels += 1;
            shelf.0.places = places(turn);
            parcel(turn)
        }
    }

    fn parcel(turn: u64) -> Parcel {
        let mut event = Event::new(EventKind::Message(MessageKind::Text));
        event.details.conversation.id = "room".to_owned();
        Parcel { turn, ..Parcel::new(Arc::new(event), vec![Topic::Everyone]) }
    }

    fn places(number: u64) -> Vec<(Topic, Place)> {
        vec![(Topic::Everyone, Place { number, mark: 1 })]
    }

    fn begin(shelf: &Shelf, heard: u64, missed: &[u64]) -> Progress {
        let cursor = Cursor { places: places(heard), ..Cursor::default() };
        let reached = places(missed.last().copied().unwrap_or(heard));
        let missed = missed.iter().map(|turn| parcel(*turn)).collect();
        let window = Window(Duration::from_secs(300));
        Progress::begin(Replay { missed, reached, cursor, window, bookmark: Box::new(shelf.clone()) }).0
    }

    /// The turn up to which a cursor says that the room is heard.
    fn heard(cursor: &Cursor) -> u64 {
        let place = cursor.places.iter().map(|(_, place)| place.number).max().unwrap_or(0);
        cursor.turns.get("room").copied().unwrap_or(0).max(place)
    }

    #[test]
    fn what_is_not_answered_for_is_not_heard() {
        let shelf = Shelf::default();
        let mut progress = begin(&shelf, 3, &[4, 5]);
        assert_eq!(heard(&progress.cursor()), 3);
        let first = progress.ask().expect("a ping after what was missed");
        assert_eq!(heard(&progress.cursor()), 3);
        let sixth = shelf.fill(6);
        assert!(progress.take(&sixth));
        assert_eq!(progress.ask(), None, "one ping at a time");
        progress.answered(first + 7);
        assert_eq!(heard(&progress.cursor()), 3, "not the ping that was asked");
        progress.answered(first);
        assert_eq!(heard(&progress.cursor()), 5, "what was written before the ping, and no more");
        let second = progress.ask().expect("a ping for the sixth");
        progress.answered(second);
        assert_eq!(heard(&progress.cursor()), 6);
    }

    #[test]
    fn what_was_replayed_is_not_told_again() {
        let shelf = Shelf::default();
        let mut progress = begin(&shelf, 3, &[4, 5]);
        let live: Vec<Parcel> = [4, 5, 6].map(|turn| shelf.fill(turn)).into();
        assert_eq!(live.iter().map(|one| progress.take(one)).collect::<Vec<_>>(), [false, false, true]);
        assert!(progress.take(&parcel(0)), "what is told in passing has no turn");
    }

    #[test]
    fn places_take_over_from_turns_and_nothing_is_kept_of_what_is_heard() {
        let shelf = Shelf::default();
        let mut progress = begin(&shelf, 0, &[]);
        for turn in 1..=1000 {
            let next = shelf.fill(turn);
            assert!(progress.take(&next));
            if turn % 7 == 0
                && let Some(number) = progress.ask()
            {
                progress.answered(number);
            }
            assert!(progress.written.len() < 16, "{}", progress.written.len());
        }
        while let Some(number) = progress.ask() {
            progress.answered(number);
        }
        let cursor = progress.cursor();
        assert_eq!((heard(&cursor), cursor.turns.len()), (1000, 0), "{cursor:?}");
    }

    #[tokio::test]
    async fn it_is_kept_when_more_was_heard_and_at_the_end() {
        let shelf = Shelf::default();
        let mut progress = begin(&shelf, 1, &[2]);
        progress.keep();
        let number = progress.ask().expect("a ping");
        progress.answered(number);
        progress.keep();
        progress.keep();
        progress.leave().await;
        let kept = shelf.0.lock().unwrap().1.iter().map(|(cursor, left)| (heard(cursor), *left)).collect::<Vec<_>>();
        assert_eq!(kept, [(2, false), (2, true)]);
    }

    /// Else a replica that dies after a quiet hour would have nothing to go on from.
    #[tokio::test(start_paused = true)]
    async fn it_is_kept_again_while_nothing_is_said() {
        let shelf = Shelf::default();
        let mut progress = begin(&shelf, 1, &[]);
        for _ in 0..600 {
            tokio::time::advance(Duration::from_secs(1)).await;
            progress.keep();
        }
        assert_eq!(shelf.0.lock().unwrap().1.len(), 6, "every third of the window");
    }
}
