//! A real Prometheus reads a running gateway: the rules of the alerts load and look at what there is, and every query of the
//! dashboard has an answer.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::harness::identity::{Provider, Signer};
use crate::harness::{Gateway, http};
use crate::stage::Stage;

const DASHBOARD: &str = include_str!("../../deploy/grafana/dragoman.json");

fn alerts() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/helm/dragoman/files/alerts.yaml").to_owned()
}

/// Until everything was scraped often enough for a rate.
const PATIENCE: Duration = Duration::from_secs(90);

struct Prometheus {
    address: SocketAddr,
    _child: Child,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    /// One that looks at these, each a job of its own with further lines of it, once this is so.
    async fn start(jobs: &[(&Gateway, &str)], condition: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let jobs = jobs.iter().enumerate().map(|(number, (gateway, more))| {
            let address = gateway.admin;
            format!(
                "  - job_name: dragoman-{number}\n    static_configs: [{{ targets: [\"{address}\"] }}]\n    {more}\n"
            )
        });
        let config = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\nscrape_configs:\n{}",
            alerts(),
            jobs.collect::<String>()
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("written");
        // It cannot be asked for any free port; this one was free a moment ago.
        let address = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port");
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("prometheus");
        let prometheus = Prometheus { address, _child: child, _folder: folder };
        let until = Instant::now() + PATIENCE;
        while !prometheus.answers(condition).await {
            assert!(Instant::now() < until, "Prometheus does not come to {condition}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        prometheus
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = http::get(self.address, path, &[]).await;
        (answer.status == 200).then(|| answer.json()["data"].clone())
    }

    /// Whether a query has an answer with a number in it.
    async fn answers(&self, query: &str) -> bool {
        let Some(data) = self.get(&format!("/api/v1/query?query={}", encoded(query))).await else { return false };
        let is_number = |sample: &Value| sample["value"][1].as_str().is_some_and(|value| value != "NaN");
        data["result"].as_array().is_some_and(|samples| samples.iter().any(is_number))
    }
}

/// Every byte, so that nothing of it means anything in a URL.
fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The queries of the panels with the title of their panel, as Grafana asks them with everything chosen.
fn panels() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            let query = query.replace("$__rate_interval", "1m");
            let query = ["$job", "$instance", "$route"].iter().fold(query, |query, name| query.replace(name, ".*"));
            assert!(!query.contains('$'), "{query}: a variable that the dashboard has not");
            queries.push((panel["title"].as_str().unwrap_or_default().to_owned(), query));
        }
    }
    queries
}

/// What a rule looks at: both sides of an `unless`, with comparisons that say 0 or 1 instead of leaving out.
fn looks(expression: &str) -> Vec<String> {
    let sides = expression.split(" unless ").map(|side| match side.strip_prefix("on (") {
        Some(rest) => rest.split_once(") ").expect("labels").1,
        None => side,
    });
    let shown = |side: &str| {
        [" > ", " == ", " < "].iter().fold(side.to_owned(), |side, sign| side.replace(sign, &format!("{sign}bool ")))
    };
    sides.map(shown).collect()
}

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys");

/// A gateway that has certificates and a delivery, which some alerts look at; and asks Prometheus for a certificate. `more`
/// is TOML after its routes.
async fn secured(more: &str) -> Gateway {
    let pair = format!("cert = \"{KEYS}/localhost.pem\", key = \"{KEYS}/p256.pem\"");
    let clients = format!("client_ca = \"{KEYS}/localhost.rsa.pem\", client_names = [\"localhost\"]");
    let tls = format!("[server]\ntls = {{ {pair} }}\nadmin_tls = {{ {pair}, {clients} }}");
    let delivery = "\n[deliveries.guests]\ndialect = \"whatsapp_cloud\"\nbase_url = \"http://127.0.0.1:9\"\nsender = \"1\"\ntoken = \"x\"\n";
    Gateway::start_changed(|text| text.replace("[server]", &tls) + delivery + more).await
}

/// A route whose tokens an identity provider signs, whose keys an alert looks at.
fn published(provider: &Provider) -> String {
    format!(
        r#"
[[routes]]
name    = "published"
dialect = "frontdesk"
prefix  = "/published"
to      = "hub"
auth    = {{ kind = "jwt", jwks_url = "{}" }}
"#,
        provider.url()
    )
}

/// Of a job that reaches [`secured`]; with a certificate that it lets in, or without one.
fn over_tls(shows: bool) -> String {
    let shown = format!(", cert_file: {KEYS}/localhost.rsa.pem, key_file: {KEYS}/rsa.pem");
    let shown = if shows { shown.as_str() } else { "" };
    format!("scheme: https\n    tls_config: {{ ca_file: {KEYS}/localhost.pem{shown} }}")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus of the Debian package of that name: ./test.sh runs it"]
async fn without_its_certificate_prometheus_reads_nothing() {
    let gateway = secured("").await;
    let jobs = [(&gateway, over_tls(true)), (&gateway, over_tls(false)), (&gateway, String::new())];
    let jobs = jobs.each_ref().map(|(gateway, more)| (*gateway, more.as_str()));
    let prometheus = Prometheus::start(&jobs, "sum(up) == 1").await;
    assert!(prometheus.answers("up{job=\"dragoman-0\"} == 1").await);
    assert!(prometheus.answers("dragoman_tls_certificate_expiry_timestamp_seconds{listener=\"admin\"} > time()").await);
    assert!(!prometheus.answers("dragoman_build_info{job!=\"dragoman-0\"}").await);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs prometheus of the Debian package of that name: ./test.sh runs it"]
async fn every_alert_and_every_panel_has_something_to_look_at() {
    let mut stage = Stage::set().await;
    let provider = Provider::start(&[&Signer::p256("a")]).await;
    let secured = secured(&published(&provider)).await;
    let prometheus = Prometheus::start(&[(&stage.gateway, ""), (&secured, &over_tls(true))], "sum(up) == 2").await;
    let mut wanted = panels();
    assert!(wanted.len() > 50, "{} queries of panels", wanted.len());
    let rules = prometheus.get("/api/v1/rules").await.expect("rules");
    let rules: Vec<Value> = rules["groups"][0]["rules"].as_array().cloned().unwrap_or_default();
    let written = std::fs::read_to_string(alerts()).expect("rules").matches("- alert: ").count();
    assert_eq!(rules.len(), written, "{rules:#?}");
    for rule in &rules {
        let name = rule["name"].as_str().expect("a name");
        wanted.extend(
            looks(rule["query"].as_str().expect("an expression")).into_iter().map(|look| (name.to_owned(), look)),
        );
    }
    let until = Instant::now() + PATIENCE;
    while !wanted.is_empty() {
        assert!(Instant::now() < until, "no data for {wanted:#?}");
        stage.act().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut left = Vec::new();
        for (title, query) in wanted {
            if !prometheus.answers(&query).await {
                left.push((title, query));
            }
        }
        wanted = left;
    }
    // A gateway that is well wakes nobody, and no rule fails.
    let rules = prometheus.get("/api/v1/rules").await.expect("rules");
    for rule in rules["groups"][0]["rules"].as_array().expect("rules") {
        assert_eq!((rule["health"].as_str(), rule["state"].as_str()), (Some("ok"), Some("inactive")), "{rule:#}");
    }
}

#[tokio::test]
#[ignore = "needs promtool of the Debian package prometheus: ./test.sh runs it"]
async fn the_rules_are_to_the_rules() {
    let said = Command::new("promtool").args(["check", "rules", &alerts()]).output().await.expect("promtool");
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&[said.stdout, said.stderr].concat()));
}

/// What Grafana needs of a dashboard, as far as it can be said without one.
#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 36));
    assert!(dashboard["uid"].as_str().is_some_and(|uid| uid.len() <= 40) && dashboard["title"].is_string());
    let variables = dashboard["templating"]["list"].as_array().expect("variables");
    assert_eq!(variables[0]["type"], "datasource");
    assert_eq!(variables[0]["query"], "prometheus");
    let (mut ids, mut places) = (BTreeSet::new(), Vec::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "{panel:#}: its id is another's");
        let at = |name: &str| panel["gridPos"][name].as_u64().expect("a place");
        let place = (at("x"), at("y"), at("w"), at("h"));
        assert!(place.0 + place.2 <= 24, "{panel:#}: it is beside the page");
        let overlaps = |other: &(u64, u64, u64, u64)| {
            place.0 < other.0 + other.2
                && other.0 < place.0 + place.2
                && place.1 < other.1 + other.3
                && other.1 < place.1 + place.3
        };
        assert!(!places.iter().any(overlaps), "{panel:#}: it lies on another");
        places.push(place);
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel:#}");
        assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{panel:#}: no unit");
        assert!(panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0]["value"].is_null(), "{panel:#}");
        let names: BTreeSet<_> = panel["targets"]
            .as_array()
            .expect("queries")
            .iter()
            .map(|query| &query["refId"])
            .map(Value::to_string)
            .collect();
        assert_eq!(Some(names.len()), panel["targets"].as_array().map(Vec::len), "{panel:#}");
    }
    assert!(Path::new(&alerts()).is_file());
}
