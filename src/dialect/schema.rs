//! JSON Schemas of what a dialect says, derived from its shapes. In: a frame set. Out: a schema (draft 2020-12) that
//! accepts exactly what the shapes accept, as far as JSON Schema can say it.

use serde_json::{Map, Value, json};

use crate::event::FieldType;

use super::codec::{Codec, TimeForm};
use super::frame::{Frame, FrameSet};
use super::hole::{Hole, Mark, StandIn};
use super::model::{Dialect, Request};
use super::shape::{Member, Node, TemplatePiece};
use super::table::Scalar;

/// Name of the place → schema, for every place of the dialect.
pub fn of_dialect(dialect: &Dialect) -> Vec<(String, Value)> {
    let mut schemas = Vec::new();
    for socket in &dialect.sockets {
        for (side, set) in [("client", &socket.client), ("server", &socket.server)] {
            for frame in &set.frames {
                schemas.push((format!("socket.{}.{side}.{}", socket.id, frame.id), titled(dialect, frame)));
            }
        }
    }
    for call in &dialect.calls {
        if let Request::Json(set) = &call.request {
            schemas.extend(whole(dialect, &format!("http.{}.request", call.id), set));
        }
        schemas.extend(whole(dialect, &format!("http.{}.answer", call.id), &call.answer.shapes));
        schemas.extend(
            call.again.as_ref().and_then(|again| whole(dialect, &format!("http.{}.again", call.id), &again.shapes)),
        );
    }
    for webhook in &dialect.webhooks {
        schemas.extend(whole(dialect, &format!("webhook.{}", webhook.id), &webhook.shapes));
    }
    schemas
}

fn whole(dialect: &Dialect, name: &str, set: &FrameSet) -> Option<(String, Value)> {
    set.frames.first().map(|frame| (name.to_owned(), titled(dialect, frame)))
}

fn titled(dialect: &Dialect, frame: &Frame) -> Value {
    let mut schema = of_node(&frame.shape);
    if let Value::Object(members) = &mut schema {
        let mut whole = Map::new();
        whole.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        whole.insert("title".to_owned(), json!(format!("{} {}", dialect.name, frame.id)));
        whole.append(members);
        return Value::Object(whole);
    }
    schema
}

fn of_node(node: &Node) -> Value {
    match node {
        Node::Object(members) => of_members(members),
        Node::Array(items) => of_array(items),
        Node::Keyed { .. } => json!({ "type": "object" }),
        Node::Order { .. } => json!({ "type": "array" }),
        Node::Embedded(inner) => {
            json!({ "type": "string", "contentMediaType": "application/json", "contentSchema": of_node(inner) })
        }
        Node::Literal(scalar) => json!({ "const": scalar_value(scalar) }),
        Node::Float(number) => json!({ "const": number.parse::<f64>().unwrap_or_default() }),
        Node::Hole(hole) => of_hole(hole),
        Node::Template(pieces) => of_template(pieces),
        Node::Each { .. } => json!({ "type": "array" }),
        Node::Record { mark: Mark::Required, .. } => json!({ "type": "object" }),
        Node::Record { .. } => json!({ "type": ["object", "null"] }),
    }
}

fn of_array(items: &[Node]) -> Value {
    let omitted = items.last().is_some_and(|node| matches!(node, Node::Hole(hole) if hole.may_be_absent()));
    let schemas: Vec<Value> = items.iter().map(of_node).collect();
    let least = items.len() - usize::from(omitted);
    match schemas.is_empty() {
        true => json!({ "type": "array", "maxItems": 0 }),
        false => json!({ "type": "array", "prefixItems": schemas, "minItems": least, "maxItems": items.len() }),
    }
}

fn of_members(members: &[Member]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in members {
        properties.insert(member.key.clone(), of_node(&member.node));
        let optional = match &member.node {
            Node::Hole(hole) => hole.may_be_absent(),
            Node::Record { mark, .. } => *mark != Mark::Required,
            Node::Object(_)
            | Node::Array(_)
            | Node::Literal(_)
            | Node::Float(_)
            | Node::Template(_)
            | Node::Each { .. }
            | Node::Keyed { .. }
            | Node::Order { .. }
            | Node::Embedded(_) => false,
        };
        if !optional {
            required.push(json!(member.key));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

fn of_hole(hole: &Hole) -> Value {
    let Some(field) = hole.field else { return json!({}) };
    let mut schema = of_codec(&hole.codec);
    if let Value::Object(members) = &mut schema {
        members.insert("description".to_owned(), json!(field.meaning()));
        let or_null = hole.may_be_absent() || matches!(hole.stand_in(), Some(StandIn::Scalar(Scalar::Null)));
        if or_null && let Some(kind) = members.get("type").cloned() {
            let kinds = match kind {
                Value::Array(kinds) => kinds,
                kind => vec![kind],
            };
            members.insert("type".to_owned(), Value::Array(kinds.into_iter().chain([json!("null")]).collect()));
        }
        if field.field_type() == FieldType::Id && hole.codec == Codec::Integer {
            members.insert("type".to_owned(), json!(["integer", "string"]));
        }
    }
    schema
}

fn of_codec(codec: &Codec) -> Value {
    match codec {
        Codec::Text | Codec::Trim | Codec::TimeAgo | Codec::FirstName | Codec::Folded | Codec::UrlEnd(_) => {
            json!({ "type": "string" })
        }
        // Counted in letters, as schemas count.
        Codec::Head(letters) => json!({ "type": "string", "maxLength": letters }),
        Codec::Integer => json!({ "type": ["integer", "string"] }),
        Codec::AnyId => json!({ "type": ["string", "integer"] }),
        Codec::IntegerText => json!({ "type": ["string", "integer"], "pattern": "^-?[0-9]+$" }),
        Codec::Number => json!({ "type": "number" }),
        Codec::Boolean => json!({ "type": "boolean" }),
        Codec::Json => json!({}),
        Codec::Time(TimeForm::UnixSeconds | TimeForm::UnixMillis | TimeForm::UnixMicros) => {
            json!({ "type": ["integer", "string"] })
        }
        Codec::Time(_) => json!({ "type": ["string", "integer"] }),
        Codec::HumanSize => json!({ "type": "string", "pattern": "^[0-9.]+ ?[kKmMgG]?[bB]$" }),
        Codec::Enum(table) if table.unknown.is_some() => json!({}),
        Codec::Enum(table) => {
            let mut values: Vec<Value> = Vec::new();
            for scalar in table.scalars().map(scalar_value) {
                if !values.contains(&scalar) {
                    values.push(scalar);
                }
            }
            json!({ "enum": values })
        }
    }
}

fn of_template(pieces: &[TemplatePiece]) -> Value {
    let example: String = pieces
        .iter()
        .map(|piece| match piece {
            TemplatePiece::Text(text) => text.clone(),
            TemplatePiece::Hole(_) => "…".to_owned(),
        })
        .collect();
    json!({ "type": "string", "examples": [example] })
}

fn scalar_value(scalar: &Scalar) -> Value {
    match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(flag) => json!(flag),
        Scalar::Integer(number) => json!(number),
        Scalar::Text(text) => json!(text),
    }
}
