//! What a test of the config expects of a JSON value: values at JSONPaths, or a condition in JSONPath. In: what was written.
//! Out: what is different, as lines of a diff.

use serde_json::Value as Json;

use super::node::{Node, Value};
use crate::placement::{PathCondition, PathQuery};

#[derive(Debug, Clone)]
pub(super) enum Expected {
    /// `{ "$.sender.role" = "guest" }`: each place has this value.
    Values(Vec<(PathQuery, Json)>),
    /// `"$.attachment.size > 1000"`
    Holds(PathCondition),
}

impl Expected {
    /// What a table of paths or a condition says; a mistake in words, with the node that it is in.
    pub fn of(node: &Node) -> Result<Self, (&Node, String)> {
        match &node.value {
            Value::Text(text) => PathCondition::parse(text).map(Expected::Holds).map_err(|message| (node, message)),
            Value::Table(members) => {
                let values = members.iter().map(|(path, member)| {
                    let query = PathQuery::parse(&absolute(path)).map_err(|message| (member, message))?;
                    let wanted = "wanted a text, a whole number, true, false, a list or a table";
                    let json = json(member).ok_or_else(|| (member, wanted.to_owned()))?;
                    Ok((query, json))
                });
                values.collect::<Result<Vec<_>, _>>().map(Expected::Values)
            }
            other => Err((node, format!("this is {}, wanted a table of JSONPaths or a condition", other.type_name()))),
        }
    }

    /// What is not as expected, a line each; empty where all is.
    pub fn differences(&self, found: &Json) -> Vec<String> {
        match self {
            Expected::Holds(condition) if condition.holds(found) => Vec::new(),
            Expected::Holds(condition) => vec![format!("- {}", condition.text())],
            Expected::Values(values) => {
                values.iter().flat_map(|(query, wanted)| difference(query, wanted, found)).collect()
            }
        }
    }
}

fn difference(query: &PathQuery, wanted: &Json, found: &Json) -> Vec<String> {
    let nodes = query.find(found);
    if !nodes.is_empty() && nodes.iter().all(|node| *node == wanted) {
        return Vec::new();
    }
    let is = match nodes.as_slice() {
        [] => "nothing".to_owned(),
        [one] => one.to_string(),
        several => several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    vec![format!("- {} {wanted}", query.text()), format!("+ {} {is}", query.text())]
}

/// `sender.role` is short for `$.sender.role`.
fn absolute(path: &str) -> String {
    if path.starts_with('$') { path.to_owned() } else { format!("$.{path}") }
}

/// A value of the config as JSON; `None` for what has no form there.
pub(super) fn json(node: &Node) -> Option<Json> {
    match &node.value {
        Value::Text(text) => Some(Json::from(text.as_str())),
        Value::Integer(number) => Some(Json::from(*number)),
        Value::Boolean(flag) => Some(Json::from(*flag)),
        Value::Array(members) => members.iter().map(json).collect::<Option<Vec<_>>>().map(Json::from),
        Value::Table(members) => {
            let members: Option<serde_json::Map<_, _>> =
                members.iter().map(|(name, member)| Some((name.clone(), json(member)?))).collect();
            members.map(Json::Object)
        }
        Value::Float(_) | Value::Other | Value::Unset => None,
    }
}
