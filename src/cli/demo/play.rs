//! The play itself: each client says its words, then sends its file, and everybody listens. In: clients that listen. Out:
//! what arrived.

use std::time::Duration;

use futures_util::future::join_all;

use super::client::Client;
use super::screen::Screen;
use super::table::{Sent, Table};

/// How long anybody waits for one message; on one machine it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(3);

pub async fn play(clients: &mut [Client<'_, '_>], screen: &Screen<'_>, table: &mut Table) {
    for from in 0..clients.len() {
        for sent in [Sent::Words, Sent::File] {
            turn(clients, from, sent, screen, table).await;
        }
    }
}

async fn turn(clients: &mut [Client<'_, '_>], from: usize, sent: Sent, screen: &Screen<'_>, table: &mut Table) {
    let script = clients[from].script;
    let (steps, mark, what) = match sent {
        Sent::Words => (&script.say, script.words.as_str(), "says something"),
        Sent::File => (&script.send, script.file.stem(), "sends a file"),
    };
    screen.heading(&format!("{} ({}) {what}", script.who, script.dialect));
    if let Err(failure) = clients[from].act(steps).await {
        screen.line(&format!("  {}: {failure}", script.dialect));
        return;
    }
    let heard = join_all(clients.iter_mut().enumerate().map(|(to, client)| async move {
        if to == from && client.hears_by_webhook() {
            // Its call was answered with success, and that is all that it is told.
            return Some(sent.unchanged());
        }
        match tokio::time::timeout(PATIENCE, client.hear(mark)).await {
            Ok(Ok(arrival)) => Some(arrival),
            Ok(Err(failure)) => {
                screen.line(&format!("  {}: {failure}", client.script.dialect));
                None
            }
            Err(_) => {
                screen.line(&format!("  {}: nothing in {} s", client.script.dialect, PATIENCE.as_secs()));
                None
            }
        }
    }))
    .await;
    for (to, arrival) in heard.into_iter().enumerate() {
        if let Some(arrival) = arrival {
            table.note(from, to, sent, arrival);
        }
    }
}
