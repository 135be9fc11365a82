//! What clients of a route can say and its upstream cannot be told, and what becomes of it. In: a checked config. Out: a
//! table for each route to an upstream.

use super::columns;
use crate::config::{Config, Route, Target, Uploads};
use crate::dialect::OnLoss;
use crate::dialect::loss::{self, KindLosses, Outcome, PairLosses};
use crate::event::MessageKind;
use crate::upstream::UpstreamSettings;

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
    if base(own) == base(theirs) {
        return format!("{title}: passed on as it is\n");
    }
    let losses = loss::towards(&route.dialect, &upstream.dialect, route.limits.upload);
    let rows = rows(&losses, keeps_files(route));
    if rows.iter().all(|row| row.becomes == "the same" && row.which.is_empty()) {
        return format!("{title}: all of it arrives\n");
    }
    let head = ["SAID", "BECOMES", "WHICH"].map(str::to_owned);
    let cells = rows.into_iter().map(|row| [row.said.join(", "), row.becomes.to_owned(), row.which]);
    let table: Vec<[String; 3]> = std::iter::once(head).chain(cells).collect();
    let lines: String = columns(&table).lines().map(|line| format!("  {line}\n")).collect();
    format!("{title}\n{lines}")
}

/// Whether what the upstream does not take can be linked to: the bytes are here, and the operator wants it.
fn keeps_files(route: &Route) -> bool {
    route.on_loss == OnLoss::Degrade && route.uploads != Some(Uploads::Upstream)
}

fn rows(losses: &PairLosses, keeps_files: bool) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut add = |said: &'static str, becomes: &'static str, which: String| {
        // Kinds that fare alike share a line.
        match rows.iter_mut().find(|row| row.becomes == becomes && row.which == which) {
            Some(row) => row.said.push(said),
            None => rows.push(Row { said: vec![said], becomes, which }),
        }
    };
    for (kind, losses) in &losses.kinds {
        let degraded = instead(*kind, keeps_files);
        let whole = match losses.outcome {
            Outcome::Carried => "the same",
            Outcome::Text => degraded,
            Outcome::Nothing => "refused",
        };
        add(kind.as_str(), whole, if whole == "refused" { String::new() } else { left_out(losses) });
        if let Some(which) = excluded(losses) {
            add(kind.as_str(), degraded, which);
        }
    }
    for event in &losses.events {
        add(event, "dropped and counted", String::new());
    }
    rows
}

/// What becomes of a message that cannot stay what it is.
fn instead(kind: MessageKind, keeps_files: bool) -> &'static str {
    match (keeps_files, kind.is_file()) {
        (true, true) => "text with a signed link",
        (true, false) => "text",
        (false, _) => "refused",
    }
}

fn left_out(losses: &KindLosses) -> String {
    let names: Vec<_> = losses.fields.iter().map(|field| field.path()).collect();
    if names.is_empty() { String::new() } else { format!("without {}, which is counted", names.join(", ")) }
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

fn base(dialect: &str) -> &str {
    dialect.split('@').next().unwrap_or(dialect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::builtin;

    fn of(from: &str, to: &str, keeps_files: bool) -> Vec<Row> {
        let dialect = |name| builtin::find(name).unwrap();
        rows(&loss::towards(&dialect(from), &dialect(to), None), keeps_files)
    }

    fn row(said: &[&'static str], becomes: &'static str, which: &str) -> Row {
        Row { said: said.to_vec(), becomes, which: which.to_owned() }
    }

    #[test]
    fn what_cannot_be_carried_becomes_text_or_is_refused() {
        let without = "without attachment.mime, which is counted";
        let wanted = [
            row(&["text", "image", "document"], "the same", ""),
            row(&["video", "audio"], "text with a signed link", without),
            row(&["document"], "text with a signed link", "txt"),
            row(&["presence", "conversation.updated"], "dropped and counted", ""),
        ];
        assert_eq!(of("frontdesk", "luxmart", true), wanted);
        let wanted = [
            row(&["text", "image", "document"], "the same", ""),
            row(&["video", "audio"], "refused", ""),
            row(&["document"], "refused", "txt"),
            row(&["presence", "conversation.updated"], "dropped and counted", ""),
        ];
        assert_eq!(of("frontdesk", "luxmart", false), wanted);
    }

    #[test]
    fn types_and_sizes_are_of_the_kind() {
        let rows = of("luxmart", "divar", true);
        let images = rows.iter().find(|row| row.which.contains("gif")).unwrap();
        assert_eq!((images.said.as_slice(), images.becomes), (&["image"][..], "text with a signed link"));
        assert_eq!(images.which, "gif heic heif; above 5 MiB");
        let documents = rows.iter().find(|row| row.which == "above 5 MiB").unwrap();
        assert_eq!(documents.said, ["document"]);
    }

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in [(1_572_864, "1.5 MiB"), (5 << 20, "5 MiB"), (900, "900 B"), (2048, "2 KiB")] {
            assert_eq!(size(bytes), text);
        }
    }
}
