//! Any order of sends, echoes, refusals, losses, late echoes, words of others and senders that go. The model knows which
//! echo is of which send by a number that the correlator does not look at.

use proptest::prelude::*;

use super::*;

const SENDERS: usize = 3;
const CONVERSATIONS: [&str; 2] = ["room", "hall"];
/// Few, so that equal ones meet; the last is what a backend refuses.
const BODIES: [&str; 3] = ["yes", "no", "bad"];

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A sender says one of the words in one of the conversations, and the backend does this with it.
    Send { sender: usize, conversation: usize, body: usize, fate: Fate },
    /// The backend says the next thing that it has to say.
    Hear,
    /// Somebody else says the same in the same conversation, certainly not we.
    Other { conversation: usize, body: usize },
    /// The time of the longest waiting send is over.
    TimeOut,
    /// The sender of one that waits is gone.
    Leave { which: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It comes back, or is refused where it is bad.
    Answered,
    Dropped,
}

/// A send as the test knows it.
struct Sent {
    number: u64,
    sender: usize,
    conversation: usize,
    body: usize,
    outcome: Option<Outcome>,
    ends: Vec<End>,
    left: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By the echo of the send with this number.
    Confirmed(usize),
    Refused,
    TimedOut,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Echo(usize),
    Refusal,
}

#[derive(Default)]
struct Model {
    correlator: Correlator,
    sent: Vec<Sent>,
    /// What the backend has to say, in its order.
    answers: Vec<Answer>,
    /// Echoes that came after their send had failed, and went to nobody.
    late: usize,
}

impl Model {
    fn step(&mut self, step: Step) {
        match step {
            Step::Send { sender, conversation, body, fate } => self.send(sender, conversation, body, fate),
            Step::Hear if !self.answers.is_empty() => {
                let answer = self.answers.remove(0);
                self.hear(answer);
            }
            Step::Hear => {}
            Step::Other { conversation, body } => {
                let came = text(CONVERSATIONS[conversation], BODIES[body], "theirs");
                assert!(matches!(self.correlator.confirm(&came, From::Another), Came::Unknown));
            }
            Step::TimeOut => self.time_out(),
            Step::Leave { which } => {
                let waiting: Vec<usize> = (0..self.sent.len()).filter(|at| self.waits(*at)).collect();
                if let Some(at) = waiting.get(which % waiting.len().max(1)) {
                    self.sent[*at].left = true;
                    self.sent[*at].outcome = None;
                    self.correlator.give_up(self.sent[*at].number, false);
                }
            }
        }
        self.collect();
    }

    fn send(&mut self, sender: usize, conversation: usize, body: usize, fate: Fate) {
        let place = self.sent.len();
        let event = text(CONVERSATIONS[conversation], BODIES[body], &place.to_string());
        let (number, outcome) = expect(&mut self.correlator, &event);
        let outcome = Some(outcome);
        self.sent.push(Sent { number, sender, conversation, body, outcome, ends: Vec::new(), left: false });
        match (fate, BODIES[body]) {
            (Fate::Dropped, _) => {}
            (Fate::Answered, "bad") => self.answers.push(Answer::Refusal),
            (Fate::Answered, _) => self.answers.push(Answer::Echo(place)),
        }
    }

    fn hear(&mut self, answer: Answer) {
        let Answer::Echo(place) = answer else {
            self.correlator.refused(refusal());
            return;
        };
        let Sent { conversation, body, .. } = self.sent[place];
        // The id says whose echo it is, to the test alone.
        let came = text(CONVERSATIONS[conversation], BODIES[body], &place.to_string());
        let Came::Back(pending) = self.correlator.confirm(&came, From::Unsaid) else {
            panic!("an echo of ours was taken for another's");
        };
        let of: usize = pending.event.details.id.parse().expect("a place");
        assert_eq!((self.sent[of].conversation, self.sent[of].body), (conversation, body), "other words");
        match pending.waiting() {
            Waiting::Live => assert!(self.waits(of), "confirmed after it had failed"),
            Waiting::Abandoned => assert!(self.sent[of].left),
            Waiting::Expired => {
                assert!(!self.sent[of].ends.is_empty(), "nobody was told");
                self.late += 1;
            }
            other => panic!("no call was made: {other:?}"),
        }
        pending.settle(Ok(Arc::new(came)));
    }

    fn time_out(&mut self) {
        let Some(at) = (0..self.sent.len()).find(|at| self.waits(*at)) else { return };
        match self.correlator.give_up(self.sent[at].number, true) {
            GaveUp::Refused(_) => self.sent[at].ends.push(End::Refused),
            GaveUp::Nothing | GaveUp::Doubted => self.sent[at].ends.push(End::TimedOut),
            GaveUp::TooLate | GaveUp::Acknowledged(_) => panic!("it still waits, and nothing is acknowledged here"),
        }
        self.sent[at].outcome = None;
    }

    /// Reads what senders were told.
    fn collect(&mut self) {
        for sent in &mut self.sent {
            match sent.outcome.as_mut().and_then(told) {
                Some(Ok(id)) => sent.ends.push(End::Confirmed(id.parse().expect("a place"))),
                Some(Err(reason)) => {
                    assert_eq!(reason, Reason::Invalid);
                    sent.ends.push(End::Refused);
                }
                None => continue,
            }
            sent.outcome = None;
        }
    }

    fn waits(&self, at: usize) -> bool {
        self.sent[at].outcome.is_some() && self.sent[at].ends.is_empty()
    }

    /// The backend says all that it has to say, then every time is over.
    fn finish(&mut self) {
        while !self.answers.is_empty() {
            self.step(Step::Hear);
        }
        while (0..self.sent.len()).any(|at| self.waits(at)) {
            self.step(Step::TimeOut);
        }
        assert!(self.correlator.is_idle());
        for sent in &self.sent {
            assert_eq!(sent.ends.len(), usize::from(!sent.left || !sent.ends.is_empty()), "{:?}", sent.ends);
        }
    }

    /// Equal words in one conversation are confirmed in the order in which they were said.
    fn assert_order(&self) {
        for (at, conversation) in CONVERSATIONS.iter().enumerate() {
            for (body, words) in BODIES.iter().enumerate() {
                let equal = self.sent.iter().filter(|sent| sent.conversation == at && sent.body == body);
                let echoes: Vec<usize> = equal
                    .flat_map(|sent| &sent.ends)
                    .filter_map(|end| if let End::Confirmed(echo) = end { Some(*echo) } else { None })
                    .collect();
                assert!(echoes.is_sorted(), "{conversation} {words}: {echoes:?}");
            }
        }
    }
}

fn send(fates: &'static [Fate]) -> impl Strategy<Value = Step> {
    let fate = proptest::sample::select(fates);
    (0..SENDERS, 0..CONVERSATIONS.len(), 0..BODIES.len(), fate)
        .prop_map(|(sender, conversation, body, fate)| Step::Send { sender, conversation, body, fate })
}

/// Everything that can happen.
fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => send(&[Fate::Answered, Fate::Answered, Fate::Dropped]),
        4 => Just(Step::Hear),
        1 => (0..CONVERSATIONS.len(), 0..BODIES.len())
            .prop_map(|(conversation, body)| Step::Other { conversation, body }),
        1 => Just(Step::TimeOut),
        1 => (0..8usize).prop_map(|which| Step::Leave { which }),
    ]
}

/// A backend that answers everything in order, and nobody who loses patience.
fn good_step() -> impl Strategy<Value = Step> {
    prop_oneof![4 => send(&[Fate::Answered]), 3 => Just(Step::Hear)]
}

fn play(steps: Vec<Step>) -> Model {
    // The clock stands: what is due is decided by the steps.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut model = Model::default();
    for step in steps {
        model.step(step);
    }
    model.finish();
    model
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_send_has_one_outcome(steps in proptest::collection::vec(any_step(), 1..80)) {
        let model = play(steps);
        model.assert_order();
    }

    /// Each sender is told of its own send, and of no other's.
    #[test]
    fn what_is_answered_goes_to_its_sender(steps in proptest::collection::vec(good_step(), 1..80)) {
        let model = play(steps);
        for (place, sent) in model.sent.iter().enumerate() {
            let own = if BODIES[sent.body] == "bad" { End::Refused } else { End::Confirmed(place) };
            prop_assert_eq!(&sent.ends, &[own], "sender {} said {}", sent.sender, BODIES[sent.body]);
        }
        prop_assert_eq!(model.late, 0);
    }
}
