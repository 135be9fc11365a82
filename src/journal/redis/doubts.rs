//! What a server does not promise that the journal relies on. In: what the server says of itself. Out: words for the
//! operator: what would break, and what to set.

use std::collections::HashMap;

use crate::redis::{Link, cmd};

/// What to warn of; nothing where all is well, or the server does not say.
pub async fn of(link: &Link) -> Vec<String> {
    let mut facts = HashMap::new();
    for section in ["memory", "persistence"] {
        let mut command = cmd("INFO");
        command.arg(section);
        if let Ok(text) = link.ask::<String>(&command).await {
            let lines = text.lines().filter_map(|line| line.split_once(':'));
            facts.extend(lines.map(|(name, value)| (name.to_owned(), value.trim().to_owned())));
        }
    }
    let mut command = cmd("CONFIG");
    command.arg("GET").arg("appendfsync");
    // Hosted servers often forbid it.
    if let Ok(settings) = link.ask::<HashMap<String, String>>(&command).await {
        facts.extend(settings);
    }
    doubts(&facts)
}

fn doubts(facts: &HashMap<String, String>) -> Vec<String> {
    let fact = |name: &str| facts.get(name).map(String::as_str).unwrap_or_default();
    let mut doubts = Vec::new();
    let policy = fact("maxmemory_policy");
    if !policy.is_empty() && policy != "noeviction" {
        doubts.push(format!(
            "maxmemory-policy is {policy}: when memory runs out Redis removes keys to make room, and with them \
             confirmed messages, the numbers of conversations and the names of users, without a word. Set it to \
             noeviction: then messages are refused instead, and none is lost"
        ));
    }
    match (fact("aof_enabled"), fact("appendfsync")) {
        ("0", _) => doubts.push(
            "appendonly is no: what was confirmed since the last snapshot is gone when Redis restarts. Set it to yes"
                .to_owned(),
        ),
        ("1", "no") => doubts.push(
            "appendfsync is no: the system decides when confirmed messages reach the disk, up to 30 seconds later. \
             Set it to always, or to everysec to lose a second at most"
                .to_owned(),
        ),
        ("1", "everysec") => doubts.push(
            "appendfsync is everysec: a confirmed message may be lost when the machine of Redis fails within that \
             second; a crash of Redis alone loses none. Set it to always to lose none"
                .to_owned(),
        ),
        _ => {}
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(facts: &[(&str, &str)]) -> String {
        let facts = facts.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        doubts(&facts).join("\n")
    }

    #[test]
    fn each_doubt_says_what_would_break() {
        assert_eq!(said(&[]), "");
        assert_eq!(said(&[("maxmemory_policy", "noeviction"), ("aof_enabled", "1"), ("appendfsync", "always")]), "");
        assert!(said(&[("maxmemory_policy", "allkeys-lru")]).contains("confirmed messages"));
        assert!(said(&[("aof_enabled", "0"), ("appendfsync", "always")]).contains("appendonly is no"));
        assert!(said(&[("aof_enabled", "1"), ("appendfsync", "everysec")]).contains("that second"));
    }
}
