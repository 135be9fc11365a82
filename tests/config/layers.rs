//! Which layer wins, and what a value of the environment may be.

use std::path::Path;
use std::time::Duration;

use dragoman::config::{self, Inputs, JournalSettings, Loaded, Problems};
use dragoman::dialect::builtin::BUILTIN;

const ROUTE: &str = r#"
[[routes]]
name = "staff"
dialect = "frontdesk"
to = "hub"
auth = { kind = "none" }
"#;

fn load(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Loaded, Problems> {
    let own = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let inputs = Inputs { file: None, environment: own(environment), flags: own(flags) };
    config::check("test.toml", &format!("{file}{ROUTE}"), Path::new(""), &inputs, BUILTIN)
}

#[test]
fn each_layer_wins_over_the_one_before() {
    let file = "[server]\nlisten = \"127.0.0.1:2\"\n";
    let variable = ("DRAGOMAN_SERVER__LISTEN", "127.0.0.1:3");
    let flag = ("server.listen", "127.0.0.1:4");
    let port = |loaded: Result<Loaded, Problems>| loaded.unwrap().config.server.listen.port();
    assert_eq!(port(load("", &[], &[])), 8080);
    assert_eq!(port(load(file, &[], &[])), 2);
    assert_eq!(port(load(file, &[variable], &[])), 3);
    assert_eq!(port(load(file, &[variable], &[flag])), 4);
    assert_eq!(port(load("", &[], &[flag])), 4);
}

#[test]
fn a_layer_changes_one_key_and_leaves_the_others() {
    let file = "[server]\nlisten = \"127.0.0.1:2\"\ndrain_timeout = \"5s\"\n";
    let server = load(file, &[("DRAGOMAN_SERVER__LISTEN", "127.0.0.1:3")], &[]).unwrap().config.server;
    assert_eq!((server.listen.port(), server.drain_timeout), (3, Duration::from_secs(5)));
    assert_eq!(server.admin.unwrap().port(), 9090);
}

#[test]
fn the_environment_gives_texts() {
    // A text that looks like a number stays a text where one is wanted.
    let loaded = load("", &[("DRAGOMAN_JOURNAL__PATH", "12345")], &[]).unwrap();
    let JournalSettings::Embedded { path, .. } = loaded.config.journal else { panic!("embedded by default") };
    assert_eq!(path, Path::new("12345"));
}

#[test]
fn only_names_with_a_section_are_settings() {
    let harmless = [
        ("DRAGOMAN_CONFIG", "x"),
        ("DRAGOMAN_JWT_SECRET", "x"),
        ("DRAGOMAN_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("OTHER__SERVER__LISTEN", "x"),
    ];
    assert!(load("", &harmless, &[]).is_ok());
    let problems = load("", &[("DRAGOMAN_SERVER__LISTN", "127.0.0.1:1")], &[]).unwrap_err().render(false);
    assert!(problems.contains("DRAGOMAN_SERVER__LISTN") && problems.contains("did you mean `listen`?"), "{problems}");
}

#[test]
fn a_value_of_the_environment_is_taken_as_it_is() {
    let problems = load("", &[("DRAGOMAN_JOURNAL__PATH", "${HOME}")], &[]).unwrap();
    let JournalSettings::Embedded { path, .. } = problems.config.journal else { panic!("embedded by default") };
    assert_eq!(path, Path::new("${HOME}"));
}

#[test]
fn a_named_file_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = |name: &str| Inputs { file: Some(folder.path().join(name)), ..Inputs::default() };
    let problems = config::load(&inputs("none.toml"), BUILTIN).unwrap_err().render(false);
    assert!(problems.contains("there is no such file"), "{problems}");
    assert!(config::load(&inputs(""), BUILTIN).is_err(), "a folder was read");

    std::fs::write(folder.path().join("secret"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let text = ROUTE.replace("kind = \"none\"", "kind = \"jwt\", secret_file = \"secret\"");
    std::fs::write(folder.path().join("routes.toml"), text).unwrap();
    let loaded = config::load(&inputs("routes.toml"), BUILTIN).unwrap();
    assert!(loaded.warnings.is_empty() && !loaded.is_default, "{}", loaded.warnings);
    std::fs::write(folder.path().join("latin.toml"), b"# caf\xe9\n").unwrap();
    assert!(config::load(&inputs("latin.toml"), BUILTIN).unwrap_err().render(false).contains("not UTF-8"));
}

#[test]
fn the_log_is_set_by_its_own_variables_too() {
    let level = |environment: &[(&str, &str)], file: &str| load(file, environment, &[]).unwrap().config.log.level;
    let file = "[log]\nlevel = \"warn\"\n";
    assert_eq!(level(&[], ""), "info");
    assert_eq!(level(&[("RUST_LOG", "debug")], ""), "debug");
    assert_eq!(level(&[("RUST_LOG", "debug")], file), "warn");
    assert_eq!(level(&[("RUST_LOG", "debug"), ("DRAGOMAN_LOG", "error")], file), "error");
    assert_eq!(level(&[("DRAGOMAN_LOG", "error"), ("DRAGOMAN_LOG__LEVEL", "trace")], file), "trace");
    assert_eq!(level(&[("DRAGOMAN_LOG", "")], file), "warn");
    let problems = load(file, &[("DRAGOMAN_LOG", "inof")], &[]).unwrap_err();
    let words = problems.render(false);
    assert!(words.contains("`inof` is no level") && words.contains("DRAGOMAN_LOG"), "{words}");
}

#[test]
fn traces_are_set_by_the_variables_of_opentelemetry_too() {
    let tracing = |environment: &[(&str, &str)], file: &str| load(file, environment, &[]).unwrap().config.tracing;
    let endpoint = |environment: &[(&str, &str)], file: &str| {
        tracing(environment, file).map(|tracing| tracing.endpoint.to_string()).unwrap_or_default()
    };
    let file = "[tracing]\nendpoint = \"http://a:4318\"\nsample = 0.5\n";
    let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://b:4318/otlp/");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4318/mine");
    assert_eq!(endpoint(&[], ""), "");
    assert_eq!(endpoint(&[], file), "http://a:4318/v1/traces");
    assert_eq!(endpoint(&[base], file), "http://b:4318/otlp/v1/traces");
    assert_eq!(endpoint(&[base, traces], ""), "http://c:4318/mine");
    assert_eq!(endpoint(&[base, ("DRAGOMAN_TRACING__ENDPOINT", "http://d:1/x")], file), "http://d:1/x");
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("DRAGOMAN_TRACING__ENDPOINT", "off")]
    {
        assert_eq!(endpoint(&[base, off], file), "");
    }
    let set = tracing(
        &[
            base,
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_SERVICE_NAME", "chat"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%2Cb"),
        ],
        "",
    );
    let set = set.expect("traced");
    assert_eq!((set.timeout, set.queue, set.sample), (Duration::from_millis(2500), 100, 0.25));
    assert_eq!((set.service.as_deref(), set.headers.is_some()), (Some("chat"), true));
    let sample = |name: &str| tracing(&[("OTEL_TRACES_SAMPLER", name)], file).expect("traced").sample;
    assert_eq!((sample("always_on"), sample("always_off"), sample("jaeger_remote")), (1.0, 0.0, 0.5));
    // What a whole house shares says nothing to who does not trace.
    assert_eq!(tracing(&[("OTEL_SERVICE_NAME", "chat"), ("OTEL_SDK_DISABLED", "true")], ""), None);
    let problems = load("", &[base, ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")], &[]).unwrap_err().render(false);
    assert!(problems.contains("OTEL_EXPORTER_OTLP_TIMEOUT"), "{problems}");
}
