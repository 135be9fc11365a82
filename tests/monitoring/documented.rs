//! docs/operations.md names every metric, and none that there is not.

use std::collections::BTreeSet;

use crate::harness::Gateway;
use crate::page::Page;
use crate::traffic::Two;

const DOCUMENT: &str = include_str!("../../docs/operations.md");

/// The names in the first column of the tables of metrics.
fn documented() -> BTreeSet<&'static str> {
    let rows = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    rows.filter(|name| name.starts_with("dragoman_") || name.starts_with("process_")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_in_the_document() {
    let gateway = Gateway::start("").await;
    let page = Page::of(&gateway).await;
    // Families without labels to begin with are there only once something happened; the names stand in the source.
    let source = [
        "clients",
        "edge",
        "journal",
        "jwks",
        "losses",
        "messages",
        "open",
        "process",
        "revoked",
        "runtime",
        "told",
        "uploads",
        "upstreams",
    ];
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/metrics");
    let mut known: BTreeSet<String> = page.families().keys().map(|name| (*name).to_owned()).collect();
    for file in source {
        let text = std::fs::read_to_string(folder.join(file).with_extension("rs")).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let literals = code.split('"').skip(1).step_by(2);
        known.extend(literals.filter(|literal| is_name(literal)).map(str::to_owned));
    }
    let documented: BTreeSet<String> = documented().into_iter().map(str::to_owned).collect();
    let missing: Vec<_> = known.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&known).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in the document: {missing:#?}\nnot in the gateway: {unknown:#?}"
    );
}

fn is_name(literal: &str) -> bool {
    literal.starts_with("dragoman_") && literal.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_')
}

/// What the document says of the way of a message, on the page.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_counted_on_its_way() {
    let gateway = Gateway::start("").await;
    let mut two = Two::meet(&gateway).await;
    for _ in 0..5 {
        two.say("hello").await;
    }
    two.alice.say("{}").await;
    two.alice.frame().await;
    let told = "dragoman_websocket_messages_total{direction=\"out\",route=\"licomed\"}";
    let page = Page::once(&gateway, |page| page.value(told) == 11.0).await;
    let (hub, same) =
        ("{from=\"licomed\",route=\"licomed\",to=\"hub\"}", "{from=\"licomed\",route=\"licomed\",to=\"licomed\"}");
    for (name, labels, value) in [
        ("dragoman_messages_accepted_total", hub, 5.0),
        ("dragoman_messages_confirmed_total", hub, 5.0),
        ("dragoman_message_confirm_duration_seconds_count", hub, 5.0),
        ("dragoman_messages_delivered_total", same, 5.0),
        ("dragoman_message_deliver_duration_seconds_count", same, 5.0),
        ("dragoman_messages_translated_total", same, 0.0),
        ("dragoman_relay_lag_seconds_count", "", 5.0),
        ("dragoman_mailbox_messages", "", 0.0),
        ("dragoman_mailbox_bytes", "", 0.0),
        ("dragoman_websocket_messages_total", "{direction=\"in\",route=\"licomed\"}", 6.0),
        ("dragoman_route_info", "{backend=\"hub\",dialect=\"licomed\",route=\"licomed\"}", 1.0),
        ("dragoman_config_last_reload_successful", "", 1.0),
    ] {
        assert_eq!(page.value(&format!("{name}{labels}")), value, "{name}{labels}\n{}", page.text());
    }
    assert!(page.value("dragoman_runtime_workers") >= 1.0 && page.value("dragoman_runtime_tasks") >= 1.0);
    assert!(Page::of(&gateway).await.value("dragoman_runtime_busy_seconds_total") > 0.0);
}
