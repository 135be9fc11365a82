//! The script against the dialects: what it says must be declared, and what it fills in must be there.

use std::collections::BTreeMap;
use std::path::Path;

use super::client::Arrival;
use super::script::{Script, fill};
use super::{config, declared};

#[test]
fn the_files_show_both_outcomes() {
    let config = config::load(Path::new("nowhere")).unwrap();
    let script = Script::read().unwrap();
    let dialect = |name: &str| config::route(&config, name).unwrap().dialect.clone();
    let mut degraded = Vec::new();
    for from in &script.clients {
        for to in &script.clients {
            if declared::arrival(&dialect(&from.dialect), &dialect(&to.dialect), &from.file) == Arrival::Words {
                degraded.push((from.dialect.as_str(), to.dialect.as_str()));
            }
        }
    }
    let expected = [
        ("andromedia", "divar"),
        ("andromedia", "luxmart"),
        ("divar", "luxmart"),
        ("luxmart", "frontdesk"),
        ("luxmart", "divar"),
    ];
    assert_eq!(degraded, expected);
}

#[test]
fn every_client_has_credentials_and_speaks_for_itself() {
    let config = config::load(Path::new("nowhere")).unwrap();
    let script = Script::read().unwrap();
    for client in &script.clients {
        let credentials = config::credentials(config::route(&config, &client.dialect).unwrap(), client).unwrap();
        assert!(credentials.contains_key("token"), "{}", client.dialect);
        for other in script.clients.iter().filter(|other| other.dialect != client.dialect) {
            assert_ne!(client.words, other.words);
            assert_ne!(client.file.stem(), other.file.stem());
        }
    }
}

#[test]
fn only_known_names_are_filled_in() {
    let variables = BTreeMap::from([("words".to_owned(), "hello".to_owned())]);
    assert_eq!(
        fill(r#"{"text":"{words}","other":"{unknown}"}"#, &variables),
        r#"{"text":"hello","other":"{unknown}"}"#
    );
}
