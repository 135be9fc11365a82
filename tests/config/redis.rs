//! Settings of Redis that are fine: where each may stand, and what it comes to.

use std::time::Duration;

use dragoman::config::{self, Inputs, JournalSettings, Loaded, RelaySettings};
use dragoman::dialect::builtin::BUILTIN;
use dragoman::redis::{RedisSettings, Servers};

const ROUTE: &str = r#"
[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "jwt", secret = "0123456789abcdef0123456789abcdef" }
"#;

const VISITORS: &str = "[server]\nvisitor_secret = \"0123456789abcdef0123456789abcdef\"\n";

fn load(text: &str) -> Loaded {
    let text = format!("{VISITORS}{text}{ROUTE}");
    let folder = tempfile::tempdir().unwrap();
    config::check("routes.toml", &text, folder.path(), &Inputs::default(), BUILTIN)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn both(text: &str) -> (RedisSettings, RedisSettings) {
    let config = load(text).config;
    match (config.journal, config.relay) {
        (JournalSettings::Redis(journal), RelaySettings::Redis(relay)) => (journal.redis, relay.redis),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_url_serves_both_wherever_it_stands() {
    let url = "url = \"rediss://127.0.0.1:7000/2\"";
    for text in [
        format!("[journal]\nkind = \"redis\"\n{url}\n"),
        format!("[journal]\nkind = \"redis\"\n{url}\n[relay]\nkind = \"redis\"\n{url}\n"),
        format!("[journal]\nkind = \"redis\"\n[relay]\nkind = \"redis\"\n[redis]\n{url}\n"),
    ] {
        let (journal, relay) = both(&text);
        assert_eq!(journal, relay);
        assert!(journal.tls && journal.database == 2, "{journal:?}");
        assert_eq!(&*journal.prefix, "dragoman");
    }
}

#[test]
fn the_rest_stands_in_a_table_of_its_own() {
    let (settings, _) = both(
        r#"
[journal]
kind = "redis"
[redis]
url = "redis+sentinel://one:26379,two:26379/chat"
username = "gateway"
password = "0123456789"
sentinel_password = "9876543210"
prefix = "hotel"
connect_timeout = "1s"
timeout = "3s"
heartbeat = "500ms"
"#,
    );
    let Servers::Sentinel { sentinels, master, password, .. } = &settings.servers else { panic!("{settings:?}") };
    assert_eq!((sentinels.len(), master.as_str()), (2, "chat"));
    assert!(password.as_ref().is_some_and(|password| password.is("9876543210")));
    assert!(settings.password.as_ref().is_some_and(|password| password.is("0123456789")));
    assert_eq!((settings.username.as_deref(), &*settings.prefix), (Some("gateway"), "hotel"));
    let times = [settings.connect_timeout, settings.timeout, settings.heartbeat];
    assert_eq!(times, [1_000, 3_000, 500].map(Duration::from_millis));
}

#[test]
fn how_much_is_kept_and_how_long_writes_wait() {
    let loaded = load(
        "[journal]\nkind = \"redis\"\nurl = \"redis://h\"\nhold = \"0s\"\nkeep = { days = 30, messages = 1000 }\n",
    );
    let JournalSettings::Redis(journal) = loaded.config.journal else { panic!("in Redis") };
    assert_eq!(journal.hold, Duration::ZERO);
    assert_eq!(journal.keep.age, Some(Duration::from_secs(30 * 86_400)));
    assert_eq!(journal.keep.messages, Some(1_000));
}

#[test]
fn holes_that_stay_are_warned_of() {
    let text = |relay: &str| format!("[journal]\nkind = \"redis\"\n[redis]\nurl = \"redis://h\"\n[relay]\n{relay}");
    let fills = |loaded: &Loaded| match &loaded.config.relay {
        RelaySettings::Redis(relay) => relay.fill_gaps,
        RelaySettings::Memory => panic!("it goes with the journal"),
    };
    let loaded = load(&text(""));
    assert!(fills(&loaded) && loaded.warnings.is_empty(), "{}", loaded.warnings.render(false));
    let loaded = load(&text("fill_gaps = false\n"));
    let said = loaded.warnings.render(false);
    assert!(!fills(&loaded) && said.contains("config::unpromised") && said.contains("only counted"), "{said}");
}

#[test]
fn what_nothing_uses_is_said() {
    let loaded = load("[redis]\nurl = \"redis://127.0.0.1\"\n");
    assert!(loaded.warnings.render(false).contains("nothing uses [redis]"));
}

#[test]
fn what_is_kept_has_bounds_of_age_number_and_size() {
    let text = "[journal]\nkeep = { days = 90, messages = 100000, size = \"2GiB\" }\n";
    let JournalSettings::Embedded { keep, .. } = load(text).config.journal else { panic!("embedded by default") };
    assert_eq!(keep.age, Some(Duration::from_secs(90 * 86_400)));
    assert_eq!((keep.messages, keep.bytes), (Some(100_000), Some(2 << 30)));
    let JournalSettings::Embedded { keep, .. } = load("").config.journal else { panic!("embedded by default") };
    assert!(keep.is_everything());
}
