//! The layered settings as one tree whose every value knows where it was written. In: layers merged by figment, and the
//! spans of the file. Out: [`Node`].

use std::ops::Range;

use figment::Figment;
use toml_edit::{Item, TableLike};

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Bytes of the file.
    File { start: usize, end: usize },
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
    /// Built in.
    Default,
}

impl Place {
    pub(super) fn at(span: Range<usize>) -> Self {
        Place::File { start: span.start, end: span.end }
    }
}

/// A value of the settings.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub value: Value,
    pub place: Place,
    /// Where its key stands; of a member of a list, the member itself.
    pub key: Place,
    /// Whether it is text that may have been meant as a number: it came from the environment or a `${…}`.
    pub loose: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    /// In order of the keys.
    Table(Vec<(String, Node)>),
    /// Nothing that a setting can be: a date.
    Other,
    /// Its `${…}` stands for nothing, which was said already.
    Unset,
}

impl Value {
    /// The article and name of its type, for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a number with a fraction",
            Value::Boolean(_) => "true or false",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
            Value::Other => "a date",
            Value::Unset => "not set",
        }
    }
}

/// The spans of one place in the file: a value's own, and what is below it.
#[derive(Clone, Copy)]
enum Spans<'a> {
    Item(&'a Item),
    Value(&'a toml_edit::Value),
    Table(&'a dyn TableLike, Option<(usize, usize)>),
    Unknown,
}

impl<'a> Spans<'a> {
    fn own(self) -> Option<Range<usize>> {
        match self {
            Spans::Item(item) => item.span(),
            Spans::Value(value) => value.span(),
            Spans::Table(_, span) => span.map(|(start, end)| start..end),
            Spans::Unknown => None,
        }
    }

    fn table(self) -> Option<&'a dyn TableLike> {
        match self {
            Spans::Item(item) => item.as_table_like(),
            Spans::Value(value) => value.as_inline_table().map(|table| table as &dyn TableLike),
            Spans::Table(table, _) => Some(table),
            Spans::Unknown => None,
        }
    }

    fn below(self, name: &str) -> (Self, Option<Range<usize>>) {
        match self.table().and_then(|table| table.get_key_value(name)) {
            Some((key, item)) => (Spans::Item(item), key.span()),
            None => (Spans::Unknown, None),
        }
    }

    fn member(self, at: usize) -> Self {
        let array = match self {
            Spans::Item(item) => match item.as_array_of_tables() {
                Some(tables) => {
                    return tables.get(at).map_or(Spans::Unknown, |table| {
                        Spans::Table(table, table.span().map(|span| (span.start, span.end)))
                    });
                }
                None => item.as_array(),
            },
            Spans::Value(value) => value.as_array(),
            Spans::Table(..) | Spans::Unknown => None,
        };
        array.and_then(|array| array.get(at)).map_or(Spans::Unknown, Spans::Value)
    }
}

/// The merged tree with the places of its values.
pub(super) fn tree(figment: &Figment, file: &toml_edit::Table) -> Result<Node, String> {
    let merged = figment.find_value("").map_err(|error| error.to_string())?;
    Ok(node(figment, &merged, "", Spans::Table(file, Some((0, 0))), Place::at(0..0)))
}

fn node(figment: &Figment, value: &figment::value::Value, path: &str, spans: Spans<'_>, key: Place) -> Node {
    let place = place(figment, value, path, spans);
    let key = if matches!(place, Place::File { .. }) { key } else { place.clone() };
    let inner = match value {
        figment::value::Value::String(_, text) => Value::Text(text.clone()),
        figment::value::Value::Char(_, letter) => Value::Text(letter.to_string()),
        figment::value::Value::Bool(_, flag) => Value::Boolean(*flag),
        figment::value::Value::Num(_, number) => number_value(*number),
        figment::value::Value::Empty(..) => Value::Other,
        figment::value::Value::Array(_, members) => Value::Array(
            members
                .iter()
                .enumerate()
                .map(|(at, member)| {
                    let spans = spans.member(at);
                    let own = spans.own().map_or_else(|| place.clone(), Place::at);
                    node(figment, member, &format!("{path}.{at}"), spans, own)
                })
                .collect(),
        ),
        figment::value::Value::Dict(_, members) => Value::Table(
            members
                .iter()
                .map(|(name, member)| {
                    let (spans, key) = spans.below(name);
                    let key = key.or_else(|| spans.own()).map_or(Place::Default, Place::at);
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    (name.clone(), node(figment, member, &path, spans, key))
                })
                .collect(),
        ),
    };
    let loose = matches!(place, Place::Environment(_) | Place::Flag(_) | Place::Default);
    Node { value: inner, place, key, loose }
}

fn number_value(number: figment::value::Num) -> Value {
    match (number.to_i128().and_then(|number| i64::try_from(number).ok()), number.to_f64()) {
        (Some(integer), None) => Value::Integer(integer),
        (_, Some(fraction)) => Value::Float(fraction),
        (None, None) => match number.to_u128().and_then(|number| i64::try_from(number).ok()) {
            Some(integer) => Value::Integer(integer),
            None => Value::Other,
        },
    }
}

/// A table that several layers wrote belongs to the file if the file has it.
fn place(figment: &Figment, value: &figment::value::Value, path: &str, spans: Spans<'_>) -> Place {
    let is_table = matches!(value, figment::value::Value::Dict(..));
    match (figment.get_metadata(value.tag()).map(|metadata| metadata.name.as_ref()), spans.own()) {
        (_, Some(span)) if is_table => Place::at(span),
        (Some(super::layer::FILE), Some(span)) => Place::at(span),
        (Some(super::layer::FILE), None) => Place::at(0..0),
        (Some(super::layer::ENVIRONMENT), _) => Place::Environment(super::layer::variable_of(path)),
        (Some(name), _) if super::layer::is_known(name) => Place::Environment(name.to_owned()),
        (Some(super::layer::FLAGS), _) => Place::Flag(path.to_owned()),
        (Some(_) | None, _) => Place::Default,
    }
}
