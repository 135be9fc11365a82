//! The one task that writes. In: commands, in the order in which they were called for. Out: their answers. What is
//! without an answer when a connection ends is given again on the next, in the same order: each command knows what it came
//! to before.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::redis::{Cmd, Link, RedisError, Value, pipe};

use super::super::JournalError;
use super::fault;
use super::proofs::{Proof, Proofs};

/// Commands given at once.
const GROUP: usize = 128;

/// Before a connection is asked again that could not say what it has.
const PAUSE: Duration = Duration::from_millis(100);

/// A write that waits.
pub struct Order {
    pub command: Cmd,
    /// When whoever asked is told that it failed. It is not given again afterwards.
    pub deadline: Instant,
    /// What shows later that it is there, if somebody is told of it.
    pub proof: Option<Proof>,
    pub answer: Box<dyn FnOnce(Result<Value, JournalError>) + Send>,
}

/// Runs until the queue is closed and empty.
pub async fn run(link: Link, mut queue: mpsc::Receiver<Order>, mut proofs: Proofs) {
    let mut waiting: Vec<Order> = Vec::with_capacity(GROUP);
    let mut state = link.state();
    loop {
        state.mark_unchanged();
        let checked = proofs.check(&link).await;
        if waiting.is_empty() {
            let is_to_ask = checked.is_err() && link.healthy().is_ok();
            tokio::select! {
                count = queue.recv_many(&mut waiting, GROUP) => if count == 0 { return },
                // The link ends after the queue.
                Ok(()) = state.changed() => {}
                () = tokio::time::sleep(PAUSE), if is_to_ask => {}
            }
            continue;
        }
        waiting = match checked {
            Ok(()) => attempt(&link, waiting, &mut proofs).await,
            Err(error) => {
                if link.healthy().is_ok() {
                    tokio::time::sleep(PAUSE / 5).await;
                }
                refuse_late(waiting, &error)
            }
        };
        if !waiting.is_empty() {
            // Until there is another connection, or somebody need not wait any more.
            let soonest = waiting.iter().map(|order| order.deadline).min();
            let pause = soonest.map_or(Duration::ZERO, |deadline| deadline.saturating_duration_since(Instant::now()));
            let _ = link.ready(pause.max(Duration::from_millis(1))).await;
        }
    }
}

/// Gives all of them once; those that are to be given again are left.
async fn attempt(link: &Link, orders: Vec<Order>, proofs: &mut Proofs) -> Vec<Order> {
    let mut commands = pipe();
    for order in &orders {
        commands.add_command(order.command.clone());
    }
    let answers = match link.ask_all(&mut commands).await {
        Ok(answers) => answers,
        Err(error) => return refuse_late(orders, &error),
    };
    // What failed for the server's sake is given again, unless something behind it went well: that would change places.
    let last_good = answers.iter().rposition(Result::is_ok);
    let mut again = Vec::new();
    let mut why = None;
    for (at, (order, answer)) in orders.into_iter().zip(answers).enumerate() {
        match answer {
            Err(error) if error.wants_another_connection() && last_good.is_none_or(|last| at > last) => {
                why = Some(error);
                again.push(order);
            }
            Ok(answer) => {
                if let Some(proof) = order.proof {
                    proofs.keep(proof, &answer);
                }
                (order.answer)(Ok(answer));
            }
            Err(error) => (order.answer)(Err(fault(error))),
        }
    }
    match why {
        Some(error) => {
            // The server is there and does not take commands yet; its connection is being looked after.
            tokio::time::sleep(Duration::from_millis(20)).await;
            refuse_late(again, &error)
        }
        None => again,
    }
}

/// Tells those whose time is up; leaves the others.
fn refuse_late(orders: Vec<Order>, error: &RedisError) -> Vec<Order> {
    let now = Instant::now();
    let mut left = Vec::with_capacity(orders.len());
    for order in orders {
        match order.deadline <= now {
            true => (order.answer)(Err(fault(error.clone()))),
            false => left.push(order),
        }
    }
    left
}
