//! How a typed member of the model reads and writes as a [`Value`]: one implementation per member type, so that the
//! field table in `model.rs` stays a list of names.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::fields::Value;
use super::kind::{ConversationKind, ConversationState, Role, Side};
use super::model::Choice;
use super::timestamp::Timestamp;

/// JSON that is carried and never looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(serde_json::Value);

impl RawJson {
    /// Parses the text once, so that what is kept is known to be JSON.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(RawJson)
    }
}

impl std::fmt::Display for RawJson {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}

impl JsonSchema for RawJson {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawJson".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "any JSON, carried unread" })
    }
}

/// A member that a hole may name.
pub(super) trait Leaf {
    fn read(&self) -> Option<Value<'_>>;
    /// Takes the value if its type fits; says whether it did.
    fn write(&mut self, value: &Value<'_>) -> bool;
}

impl Leaf for String {
    fn read(&self) -> Option<Value<'_>> {
        (!self.is_empty()).then(|| Value::text(self))
    }

    fn write(&mut self, value: &Value<'_>) -> bool {
        value.to_text().map(|text| *self = text.into_owned()).is_some()
    }
}

impl Leaf for Option<String> {
    fn read(&self) -> Option<Value<'_>> {
        self.as_deref().map(Value::text)
    }

    fn write(&mut self, value: &Value<'_>) -> bool {
        value.to_text().map(|text| *self = Some(text.into_owned())).is_some()
    }
}

/// Leaves whose value is one variant of [`Value`] holding a `Copy` type.
macro_rules! plain_leaf {
    ($($type:ty => $variant:ident),+ $(,)?) => {$(
        impl Leaf for Option<$type> {
            fn read(&self) -> Option<Value<'_>> {
                self.map(Value::$variant)
            }

            fn write(&mut self, value: &Value<'_>) -> bool {
                match value {
                    Value::$variant(value) => { *self = Some(*value); true }
                    _ => false,
                }
            }
        }
    )+};
}
plain_leaf!(i64 => Integer, f64 => Number, bool => Boolean, Timestamp => Time);

/// Leaves that are members of a closed set, spelled as text.
macro_rules! spelled_leaf {
    ($($type:ty),+ $(,)?) => {$(
        impl Leaf for Option<$type> {
            fn read(&self) -> Option<Value<'_>> {
                self.map(|member| Value::text(member.as_str()))
            }

            fn write(&mut self, value: &Value<'_>) -> bool {
                let parsed = value.as_text().and_then(<$type>::parse);
                if parsed.is_some() { *self = parsed; }
                parsed.is_some()
            }
        }
    )+};
}
spelled_leaf!(Role, Side, ConversationKind, ConversationState);

impl Leaf for Option<RawJson> {
    fn read(&self) -> Option<Value<'_>> {
        self.as_ref().map(|json| Value::Json(json.to_string().into()))
    }

    fn write(&mut self, value: &Value<'_>) -> bool {
        match value {
            Value::Json(text) => RawJson::parse(text).map(|json| *self = Some(json)).is_some(),
            _ => false,
        }
    }
}

impl Leaf for Vec<Choice> {
    fn read(&self) -> Option<Value<'_>> {
        (!self.is_empty()).then(|| Choice::list(self))
    }

    fn write(&mut self, value: &Value<'_>) -> bool {
        match value {
            Value::Json(text) => serde_json::from_str(text).map(|choices| *self = choices).is_ok(),
            _ => false,
        }
    }
}
