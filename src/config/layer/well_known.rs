//! Variables that programs of this kind have, besides the prefixed ones: the log's, and those of OpenTelemetry. In: the
//! environment. Out: the settings that they are.

/// One variable, the setting that it is, and how its value is written there; `None`: it says nothing.
struct Variable {
    name: &'static str,
    path: &'static str,
    value: fn(&str, &Environment<'_>) -> Option<String>,
}

/// Where the file says nothing: what the libraries of the language listen to.
const LAST: Variable = Variable { name: "RUST_LOG", path: "log.level", value: as_it_is };

/// Where the file says something else these win, a later one over an earlier one; the prefixed form of a setting wins over
/// all.
const VARIABLES: &[Variable] = &[
    Variable { name: "DRAGOMAN_LOG", path: "log.level", value: as_it_is },
    Variable { name: "DRAGOMAN_LOG_FORMAT", path: "log.format", value: as_it_is },
    Variable { name: "OTEL_EXPORTER_OTLP_ENDPOINT", path: "tracing.endpoint", value: below },
    Variable { name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", path: "tracing.endpoint", value: as_it_is },
    Variable { name: "OTEL_EXPORTER_OTLP_HEADERS", path: "tracing.headers", value: where_traced },
    Variable { name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS", path: "tracing.headers", value: where_traced },
    Variable { name: "OTEL_EXPORTER_OTLP_TIMEOUT", path: "tracing.timeout", value: milliseconds },
    Variable { name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", path: "tracing.timeout", value: milliseconds },
    Variable { name: "OTEL_BSP_MAX_QUEUE_SIZE", path: "tracing.queue", value: where_traced },
    Variable { name: "OTEL_SERVICE_NAME", path: "tracing.service", value: where_traced },
    Variable { name: "OTEL_TRACES_SAMPLER", path: "tracing.sample", value: sampler },
    Variable { name: "OTEL_TRACES_EXPORTER", path: "tracing.endpoint", value: off_by_exporter },
    Variable { name: "OTEL_SDK_DISABLED", path: "tracing.endpoint", value: off },
];

/// What is there to ask for a setting.
pub(super) struct Environment<'a> {
    pub variables: &'a [(String, String)],
    /// Whether the file has a `[tracing]`.
    pub traces: bool,
}

impl Environment<'_> {
    /// OpenTelemetry: a variable that is empty is not set.
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(known, value)| known == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }

    /// Whether there is a `[tracing]` at all: what several programs of a house share says nothing to one that does not
    /// trace.
    fn is_traced(&self) -> bool {
        const ENDPOINTS: &[&str] =
            &["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "DRAGOMAN_TRACING__ENDPOINT"];
        self.traces || ENDPOINTS.iter().any(|name| self.get(name).is_some())
    }

    fn setting(&self, variable: &Variable) -> Option<Setting> {
        let value = (variable.value)(self.get(variable.name)?, self)?;
        Some(Setting { name: variable.name, path: variable.path, value })
    }

    /// What holds where the file says nothing.
    pub fn last(&self) -> Option<Setting> {
        self.setting(&LAST)
    }

    /// What holds whatever the file says, in order.
    pub fn settings(&self) -> impl Iterator<Item = Setting> {
        VARIABLES.iter().filter_map(|variable| self.setting(variable))
    }
}

/// What one variable says.
pub(super) struct Setting {
    pub name: &'static str,
    pub path: &'static str,
    pub value: String,
}

/// Whether a layer is that of one variable.
pub(in crate::config) fn is_known(name: &str) -> bool {
    name == LAST.name || VARIABLES.iter().any(|variable| variable.name == name)
}

fn as_it_is(value: &str, _: &Environment<'_>) -> Option<String> {
    Some(value.to_owned())
}

fn where_traced(value: &str, environment: &Environment<'_>) -> Option<String> {
    environment.is_traced().then(|| value.to_owned())
}

/// The address that signals have their paths below.
fn below(value: &str, _: &Environment<'_>) -> Option<String> {
    Some(format!("{}/v1/traces", value.trim_end_matches('/')))
}

fn milliseconds(value: &str, environment: &Environment<'_>) -> Option<String> {
    environment.is_traced().then(|| format!("{value}ms"))
}

/// A share; whose parents decide is `parents`. Samplers that are not known here are for what else reads the variable.
fn sampler(value: &str, environment: &Environment<'_>) -> Option<String> {
    let share = match value.strip_prefix("parentbased_").unwrap_or(value) {
        "always_on" => "1",
        "always_off" => "0",
        "traceidratio" => environment.get("OTEL_TRACES_SAMPLER_ARG").unwrap_or("1"),
        _ => return None,
    };
    environment.is_traced().then(|| share.to_owned())
}

fn off_by_exporter(value: &str, environment: &Environment<'_>) -> Option<String> {
    (value == "none" && environment.is_traced()).then(|| "off".to_owned())
}

fn off(value: &str, environment: &Environment<'_>) -> Option<String> {
    (value.eq_ignore_ascii_case("true") && environment.is_traced()).then(|| "off".to_owned())
}
