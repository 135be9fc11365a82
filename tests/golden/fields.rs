//! `event.json`: a flat map of field path → value, and back. Ids are texts, times RFC 3339 with microseconds, lists hold
//! such maps; `event` is the kind as dialect files spell it.

use dragoman::event::{EventKind, Field, FieldType, Fields, MessageKind, Timestamp, Value};
use serde_json::{Map, Value as Json};

pub fn to_json(fields: &Fields<'_>) -> Map<String, Json> {
    let mut map = Map::new();
    if let Some(kind) = fields.kind() {
        map.insert("event".to_owned(), kind.to_string().into());
    }
    for (field, value) in fields.iter() {
        map.insert(field.path().into_owned(), member(field, value));
    }
    map
}

fn member(field: Field, value: &Value<'_>) -> Json {
    match value {
        Value::Integer(number) if field.field_type() == FieldType::Integer => (*number).into(),
        Value::Text(_) | Value::Integer(_) => value.to_text().map_or(Json::Null, |text| text.into_owned().into()),
        Value::Number(number) => (*number).into(),
        Value::Boolean(flag) => (*flag).into(),
        Value::Time(time) => time.to_string().into(),
        Value::Json(text) => serde_json::from_str(text).unwrap(),
        Value::List(records) if field.field_type() == FieldType::Record => to_json(&records[0]).into(),
        Value::List(records) => records.iter().map(to_json).collect::<Vec<_>>().into(),
    }
}

pub fn from_json(json: &Json) -> Result<Fields<'static>, String> {
    let map = json.as_object().ok_or("event.json is no object")?;
    let mut fields = Fields::new();
    for (path, json) in map {
        if path == "event" {
            fields.set_kind(kind(json.as_str().unwrap_or_default()).ok_or(format!("no event is called {json}"))?);
            continue;
        }
        let field = Field::parse(path).ok_or(format!("no field is called `{path}`"))?;
        fields.set(field, value(field, json)?);
    }
    Ok(fields)
}

fn kind(text: &str) -> Option<EventKind> {
    match text.split_once('/') {
        Some((family, message)) => EventKind::parse(family, MessageKind::parse(message)),
        None => EventKind::parse(text, None),
    }
}

fn value(field: Field, json: &Json) -> Result<Value<'static>, String> {
    let found = match field.field_type() {
        FieldType::Text | FieldType::Id => json.as_str().map(|text| Value::from(text.to_owned())),
        FieldType::Integer => json.as_i64().map(Value::Integer),
        FieldType::Number => json.as_f64().map(Value::Number),
        FieldType::Boolean => json.as_bool().map(Value::Boolean),
        FieldType::Time => json.as_str().and_then(Timestamp::parse).map(Value::Time),
        FieldType::Json => Some(Value::Json(json.to_string().into())),
        FieldType::Record => Some(Value::List(vec![from_json(json)?])),
        FieldType::List => match json.as_array() {
            Some(records) => Some(Value::List(records.iter().map(from_json).collect::<Result<_, _>>()?)),
            None => None,
        },
    };
    found.ok_or(format!("`{}` cannot be {json}", field.path()))
}
