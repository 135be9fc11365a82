//! The layers: defaults, the file, `DRAGOMAN_<SECTION>__<KEY>` of the environment, flags; each wins over the one before.
//! In: texts. Out: one tree with places. Lists are replaced whole, tables are merged.

mod well_known;

use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};
use toml_edit::{Document, Item, TableLike};

use super::node::{self, Node};
use well_known::{Environment, Setting};

pub(in crate::config) use well_known::is_known;

pub(super) const FILE: &str = "file";
pub(super) const ENVIRONMENT: &str = "environment";
pub(super) const FLAGS: &str = "flags";
const DEFAULTS: &str = "defaults";

const PREFIX: &str = "DRAGOMAN_";
const SEPARATOR: &str = "__";

/// What holds where no layer says anything.
const DEFAULT_VALUES: &[(&str, &str)] = &[
    ("server.listen", "127.0.0.1:8080"),
    ("server.admin", "127.0.0.1:9090"),
    ("server.console", "on"),
    ("server.drain_timeout", "30s"),
    ("server.watch", "true"),
    ("journal.kind", "embedded"),
    ("journal.path", "data/journal"),
    ("relay.kind", "memory"),
    ("log.level", "info"),
    ("log.format", "auto"),
];

/// One layer, ready for figment. Its metadata's name says which it is.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Layer {
    /// That of one variable, by whose name it is called.
    fn of(setting: Setting) -> Self {
        let Setting { name, path, value } = setting;
        Layer { name, values: nested(std::iter::once((path, value.as_str()))) }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// Merges the layers. `environment` may be the whole environment: only names with the prefix and a `__` count, so that
/// `DRAGOMAN_CONFIG`, or what Kubernetes adds for a service of this name, is no setting.
pub(super) fn merge(
    file: &Document<&str>,
    environment: &[(String, String)],
    flags: &[(String, String)],
) -> Result<Node, String> {
    let known = Environment { variables: environment, traces: file.contains_key("tracing") };
    let mut figment = Figment::from(Layer { name: DEFAULTS, values: nested(DEFAULT_VALUES.iter().copied()) })
        .merge(known.last().map_or(Layer { name: DEFAULTS, values: Dict::new() }, Layer::of))
        .merge(Layer { name: FILE, values: table(file.as_table()) });
    for setting in known.settings() {
        figment = figment.merge(Layer::of(setting));
    }
    figment =
        figment.merge(Layer { name: ENVIRONMENT, values: nested_owned(from_environment(environment)) }).merge(Layer {
            name: FLAGS,
            values: nested(flags.iter().map(|(path, value)| (path.as_str(), value.as_str()))),
        });
    node::tree(&figment, file.as_table())
}

/// The variable that sets a path.
pub(super) fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.to_uppercase().replace('.', SEPARATOR))
}

fn from_environment(environment: &[(String, String)]) -> Vec<(String, String)> {
    environment
        .iter()
        .filter_map(|(name, value)| {
            let path = name.strip_prefix(PREFIX).filter(|path| path.contains(SEPARATOR))?;
            Some((path.to_lowercase().replace(SEPARATOR, "."), value.clone()))
        })
        .collect()
}

fn nested_owned(values: Vec<(String, String)>) -> Dict {
    nested(values.iter().map(|(path, value)| (path.as_str(), value.as_str())))
}

/// `a.b = c` as tables. Texts stay texts: whoever reads one decides whether it is a number.
fn nested<'a>(values: impl Iterator<Item = (&'a str, &'a str)>) -> Dict {
    let mut root = Dict::new();
    for (path, value) in values {
        insert(&mut root, path, value);
    }
    root
}

fn insert(table: &mut Dict, path: &str, value: &str) {
    let Some((name, rest)) = path.split_once('.') else {
        table.insert(path.to_owned(), Value::from(value));
        return;
    };
    let below = table.entry(name.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, inner) = below {
        insert(inner, rest, value);
    }
}

fn table(table: &dyn TableLike) -> Dict {
    table.iter().filter_map(|(name, item)| Some((name.to_owned(), item_value(item)?))).collect()
}

fn item_value(item: &Item) -> Option<Value> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(toml_value(value)),
        Item::Table(inner) => Some(Value::from(table(inner))),
        Item::ArrayOfTables(tables) => {
            Some(Value::from(tables.iter().map(|inner| Value::from(table(inner))).collect::<Vec<_>>()))
        }
    }
}

fn toml_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(flag) => Value::from(*flag.value()),
        toml_edit::Value::Datetime(_) => Value::Empty(figment::value::Tag::Default, figment::value::Empty::Unit),
        toml_edit::Value::Array(members) => Value::from(members.iter().map(toml_value).collect::<Vec<_>>()),
        toml_edit::Value::InlineTable(inner) => Value::from(table(inner)),
    }
}
