//! What clients of a route can say and its upstream cannot be told, and what becomes of it. In: a checked config. Out: a
//! table for each route to an upstream.

use super::tables::columns;
use crate::config::{Config, Route, Target};
use crate::dialect::loss::{self, KindLosses, Outcome, PairLosses};
use crate::dialect::{OnLoss, family};
use crate::event::MessageKind;
use crate::upstream::UpstreamSettings;

/// Events that nobody waits for: where they cannot be told, all goes on without them.
const PASSING: &[&str] = &["receipt", "typing", "presence"];

/// What becomes of something, and of which part of it.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    said: Vec<&'static str>,
    becomes: &'static str,
    which: String,
}

/// Every route to an upstream, in order of the file.
pub(super) fn tables(config: &Config) -> String {
    let pairs = config.routes.iter().filter_map(|route| match &route.target {
        Target::Upstream(name) => config.upstreams.get(name).map(|upstream| (route, upstream)),
        Target::Hub => None,
    });
    pairs.map(|(route, upstream)| of_route(route, upstream)).collect()
}

fn of_route(route: &Route, upstream: &UpstreamSettings) -> String {
    let (own, theirs) = (&route.dialect.name, &upstream.dialect.name);
    let title = format!("\n{}: {own} to {} ({theirs})", route.name, upstream.name);
    if family(own) == family(theirs) {
        return format!("{title}: passed on as it is\n");
    }
    let losses = loss::towards(&route.dialect, &upstream.dialect, route.limits.upload);
    let rows = rows(&losses, route.on_loss);
    if rows.iter().all(|row| row.becomes == "the same" && row.which.is_empty()) {
        return format!("{title}: all of it arrives\n");
    }
    let head = ["SAID", "BECOMES", "WHICH"].map(str::to_owned);
    let cells = rows.into_iter().map(|row| [row.said.join(", "), row.becomes.to_owned(), row.which]);
    let table: Vec<[String; 3]> = std::iter::once(head).chain(cells).collect();
    let lines: String = columns(&table).lines().map(|line| format!("  {line}\n")).collect();
    format!("{title}\n{lines}")
}

fn rows(losses: &PairLosses, on_loss: OnLoss) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |said: &'static str, becomes: &'static str, which: String| {
        // Kinds that fare alike share a line.
        match rows.iter_mut().find(|row| row.becomes == becomes && row.which == which) {
            Some(row) => row.said.push(said),
            None => rows.push(Row { said: vec![said], becomes, which }),
        }
    };
    for (kind, losses) in &losses.kinds {
        let degraded = instead(*kind, on_loss);
        let whole = match losses.outcome {
            Outcome::Carried => "the same",
            Outcome::Text => degraded,
            Outcome::Nothing => "refused",
        };
        add(kind.as_str(), whole, if whole == "refused" { String::new() } else { differences(losses) });
        if let Some(which) = excluded(losses) {
            add(kind.as_str(), degraded, which);
        }
    }
    if losses.buttons_as_lines {
        add("buttons", if on_loss == OnLoss::Refuse { "refused" } else { "lines of the text" }, String::new());
    }
    for event in &losses.events {
        let becomes = if PASSING.contains(event) { "dropped and counted" } else { "refused" };
        add(event, becomes, String::new());
    }
    rows
}

/// What becomes of a message that cannot stay what it is.
fn instead(kind: MessageKind, on_loss: OnLoss) -> &'static str {
    match on_loss {
        OnLoss::Degrade if kind.is_file() => "text with a signed link",
        OnLoss::Degrade => "text",
        OnLoss::Refuse => "refused",
    }
}

/// What is another about something that arrives.
fn differences(losses: &KindLosses) -> String {
    let names: Vec<_> = losses.fields.iter().map(|field| field.path()).collect();
    let without = (!names.is_empty()).then(|| format!("without {}, which is counted", names.join(", ")));
    let apart = losses.caption_apart.then(|| "its caption follows as text".to_owned());
    apart.into_iter().chain(without).collect::<Vec<String>>().join("; ")
}

/// Files of a kind that the upstream does not take, where it takes others.
fn excluded(losses: &KindLosses) -> Option<String> {
    let types = (!losses.types.is_empty()).then(|| losses.types.join(" "));
    let size = losses.size.map(|bytes| format!("above {}", size(bytes)));
    let parts: Vec<String> = types.into_iter().chain(size).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn size(bytes: u64) -> String {
    const UNITS: &[(u64, &str)] = &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = bytes.saturating_mul(10) / unit;
            match tenths % 10 {
                0 => format!("{} {name}", tenths / 10),
                tenth => format!("{}.{tenth} {name}", tenths / 10),
            }
        }
        None => format!("{bytes} B"),
    }
}

#[cfg(test)]
mod tests;
