//! The text of a shape becomes its tree. In: the text and what its names mean. Out: the tree, or every mistake with its
//! place.

use std::ops::Range;

use crate::event::{Field, FieldType};

use super::super::codec::Codec;
use super::super::hole::{self, Hole, Inside, Mark, WrittenMark};
use super::super::problem::{Problem, suggestion};
use super::super::sample::{self, Sample, SampleKind};
use super::super::table::Scalar;
use super::{Key, Member, NamedText, Names, Node, TemplatePiece};

/// How deep named shapes may use each other.
const MAX_NESTING: usize = 4;

/// Parses a shape whose text starts at `offset` of the source.
pub fn parse(text: &str, offset: usize, names: &Names<'_>) -> Result<Node, Vec<Problem>> {
    let mut parser = Parser { names, problems: Vec::new(), depth: 0 };
    let sample = match sample::parse(text) {
        Ok(sample) => sample,
        Err(mistake) => {
            let span = offset + mistake.at..offset + mistake.at + 1;
            return Err(vec![Problem { span, message: format!("not JSON: {}", mistake.what), help: None }]);
        }
    };
    let node = parser.node(&sample, offset, "");
    if parser.problems.is_empty() { Ok(node) } else { Err(parser.problems) }
}

struct Parser<'a> {
    names: &'a Names<'a>,
    problems: Vec<Problem>,
    depth: usize,
}

impl Parser<'_> {
    fn problem(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        self.problems.push(Problem { span, message, help });
    }

    fn node(&mut self, sample: &Sample, offset: usize, prefix: &str) -> Node {
        let span = offset + sample.span.start..offset + sample.span.end;
        match &sample.kind {
            SampleKind::Null => Node::Literal(Scalar::Null),
            SampleKind::Boolean(flag) => Node::Literal(Scalar::Boolean(*flag)),
            SampleKind::Number(text) => match text.parse() {
                Ok(number) => Node::Literal(Scalar::Integer(number)),
                Err(_) => Node::Float(text.clone()),
            },
            SampleKind::Text(text) => self.text(text, span, prefix),
            SampleKind::Array(items) => self.array(items, offset, prefix),
            SampleKind::Object(members) => Node::Object(self.members(members, offset, prefix)),
        }
    }

    fn array(&mut self, items: &[Sample], offset: usize, prefix: &str) -> Node {
        if let [item] = items
            && let SampleKind::Text(text) = &item.kind
            && let Some(inside) = whole_hole(text)
            && let Inside::Each { list, by, shape } = hole::split(inside)
        {
            let span = offset + item.span.start..offset + item.span.end;
            let each = self.each(list, by, shape, prefix, span.clone());
            if let Some(Node::Keyed { .. }) = each {
                self.problem(span, "keys make an object: without the brackets".to_owned(), None);
            }
            return each.unwrap_or(Node::Array(Vec::new()));
        }
        let nodes: Vec<Node> = items.iter().map(|item| self.node(item, offset, prefix)).collect();
        let omitted = nodes.iter().position(|node| matches!(node, Node::Hole(hole) if hole.may_be_omitted()));
        if let Some(at) = omitted.filter(|at| at + 1 < nodes.len()) {
            let span = offset + items[at].span.start..offset + items[at].span.end;
            self.problem(span, "only the last element of an array may be left out".to_owned(), None);
        }
        Node::Array(nodes)
    }

    /// `each list as shape`, `each list by field as shape`, `each list by field`.
    fn each(
        &mut self,
        list: &str,
        by: Option<&str>,
        shape: Option<&str>,
        prefix: &str,
        span: Range<usize>,
    ) -> Option<Node> {
        let field = self.field(list, prefix, span.clone())?;
        if field.field_type() != FieldType::List {
            self.problem(span, format!("`{list}` is no list"), None);
            return None;
        }
        let key = match by {
            Some(path) => {
                let field = self.field(path, "", span.clone())?;
                Some(Key { field, codec: Codec::of_field(field, self.names.ids) })
            }
            None => None,
        };
        if let Some(shape) = shape {
            self.named(shape, span.clone());
        }
        match (key, shape.map(str::to_owned)) {
            (None, Some(shape)) => Some(Node::Each { list: field, shape }),
            (Some(key), Some(shape)) => Some(Node::Keyed { list: field, key, shape }),
            (Some(key), None) => Some(Node::Order { list: field, key }),
            (None, None) => {
                self.problem(span, "`each` wants `as` a shape, or `by` a field, or both".to_owned(), None);
                None
            }
        }
    }

    fn members(&mut self, members: &[(String, Range<usize>, Sample)], offset: usize, prefix: &str) -> Vec<Member> {
        let mut nodes: Vec<Member> = Vec::with_capacity(members.len());
        for (key, key_span, sample) in members {
            let span = offset + key_span.start..offset + key_span.end;
            if key == "..." {
                match self.node(sample, offset, prefix) {
                    Node::Object(spread) => nodes.extend(spread),
                    _ => self.problem(span, "`...` wants an object: `{x as shape}`".to_owned(), None),
                }
                continue;
            }
            let node = self.node(sample, offset, prefix);
            nodes.push(Member { key: key.clone(), node });
        }
        for at in 1..nodes.len() {
            if nodes[..at].iter().any(|earlier| earlier.key == nodes[at].key) {
                let message = format!("member `{}` twice", nodes[at].key);
                let span = members.last().map_or(offset..offset + 1, |last| offset + last.1.start..offset + last.1.end);
                self.problem(span, message, None);
            }
        }
        nodes
    }

    fn text(&mut self, text: &str, span: Range<usize>, prefix: &str) -> Node {
        if let Some(inside) = whole_hole(text) {
            return match hole::split(inside) {
                Inside::Scalar { path, codec, mark, write_only } => {
                    match self.hole(path, codec, mark, write_only, prefix, span) {
                        Some(hole) => Node::Hole(hole),
                        None => Node::Literal(Scalar::Null),
                    }
                }
                Inside::As { path, shape, codec, mark } => {
                    let node = self.record(path, shape, mark, prefix, span.clone());
                    match (codec, node) {
                        (None, node) => node,
                        (Some("text"), node @ Node::Object(_)) => Node::Embedded(Box::new(node)),
                        (Some("text"), node) => {
                            self.problem(span, "only an object stands in a text".to_owned(), None);
                            node
                        }
                        (Some(other), node) => {
                            let message = format!("a shape is written as it is, or as `text`; not as `{other}`");
                            self.problem(span, message, None);
                            node
                        }
                    }
                }
                Inside::Each { list, by, shape } => match self.each(list, by, shape, prefix, span.clone()) {
                    Some(node @ Node::Keyed { .. }) => node,
                    Some(_) => {
                        self.problem(
                            span,
                            "`each` without keys stands alone in an array: `[\"{each messages as message}\"]`"
                                .to_owned(),
                            None,
                        );
                        Node::Literal(Scalar::Null)
                    }
                    None => Node::Literal(Scalar::Null),
                },
            };
        }
        self.template(text, span, prefix)
    }

    /// Text with holes among other text; doubled braces are braces.
    fn template(&mut self, text: &str, span: Range<usize>, prefix: &str) -> Node {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            if rest[at + 1..].starts_with(brace) {
                plain.push_str(brace);
                rest = &rest[at + 2..];
                continue;
            }
            let close = rest[at..].find('}').map(|length| at + length);
            let (true, Some(close)) = (brace == "{", close) else {
                self.problem(
                    span,
                    "a brace without its partner".to_owned(),
                    Some("double it to mean the letter".to_owned()),
                );
                return Node::Literal(Scalar::Null);
            };
            if let Inside::Scalar { path, codec, mark, write_only } = hole::split(&rest[at + 1..close])
                && let Some(hole) = self.hole(path, codec, mark, write_only, prefix, span.clone())
            {
                if !plain.is_empty() {
                    pieces.push(TemplatePiece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(TemplatePiece::Hole(hole));
            }
            rest = &rest[close + 1..];
        }
        plain.push_str(rest);
        if pieces.is_empty() {
            return Node::Literal(Scalar::Text(plain));
        }
        if !plain.is_empty() {
            pieces.push(TemplatePiece::Text(plain));
        }
        Node::Template(pieces)
    }

    fn hole(
        &mut self,
        path: &str,
        codec: Option<&str>,
        mark: WrittenMark<'_>,
        write_only: bool,
        prefix: &str,
        span: Range<usize>,
    ) -> Option<Hole> {
        let field = match path {
            "_" => None,
            _ => Some(self.field(path, prefix, span.clone())?),
        };
        let codec = match (codec, field) {
            (Some(name), _) => self.codec(name, span.clone())?,
            (None, Some(field)) => Codec::of_field(field, self.names.ids),
            (None, None) => Codec::Text,
        };
        if let Some(field) = field
            && !codec.fits(field.field_type())
        {
            let message = format!("`{}` is {:?}, which this codec cannot carry", field.path(), field.field_type());
            self.problem(span, message, None);
            return None;
        }
        let mark = match mark {
            WrittenMark::Required => Mark::Required,
            WrittenMark::Optional => Mark::Optional,
            WrittenMark::Alternative(text) => match hole::literal(text) {
                Some(literal) => Mark::StandIn(literal),
                None => {
                    let (path, codec) = text.split_once(':').map_or((text, None), |(path, codec)| (path, Some(codec)));
                    let fallback = self.field(path, prefix, span.clone())?;
                    let codec = match codec {
                        Some(name) => self.codec(name, span)?,
                        None => Codec::of_field(fallback, self.names.ids),
                    };
                    Mark::Fallback(fallback, codec)
                }
            },
        };
        Some(Hole { field, codec, mark, write_only })
    }

    fn record(&mut self, path: &str, shape: &str, mark: WrittenMark<'_>, prefix: &str, span: Range<usize>) -> Node {
        let record = Field::parse(&joined(prefix, path)).filter(|field| field.field_type() == FieldType::Record);
        if let Some(field) = record {
            self.named(shape, span);
            let mark = match mark {
                WrittenMark::Required => Mark::Required,
                WrittenMark::Optional => Mark::Optional,
                WrittenMark::Alternative(text) => hole::literal(text).map_or(Mark::Optional, Mark::StandIn),
            };
            return Node::Record { field, shape: shape.to_owned(), mark };
        }
        let Some(named) = self.named(shape, span.clone()) else { return Node::Literal(Scalar::Null) };
        if self.depth == MAX_NESTING {
            self.problem(span, format!("named shapes are nested more than {MAX_NESTING} deep at `{shape}`"), None);
            return Node::Literal(Scalar::Null);
        }
        let Some(text) = &named.text else {
            self.problem(
                span,
                format!("`{shape}` is a union; it stands only in `each`, in a record field or as a whole"),
                None,
            );
            return Node::Literal(Scalar::Null);
        };
        let inner_prefix = if path == "." { prefix.to_owned() } else { joined(prefix, path) };
        self.depth += 1;
        let node = match sample::parse(text) {
            Ok(sample) => self.node(&sample, named.offset, &inner_prefix),
            // Reported once, where the shape itself is parsed.
            Err(_) => Node::Literal(Scalar::Null),
        };
        self.depth -= 1;
        node
    }

    fn named(&mut self, name: &str, span: Range<usize>) -> Option<NamedText> {
        let found = self.names.shapes.iter().find(|named| named.name == name).cloned();
        if found.is_none() {
            let help = suggestion(name, self.names.shapes.iter().map(|named| named.name.as_str()));
            self.problem(span, format!("no shape is called `{name}`"), help);
        }
        found
    }

    fn field(&mut self, path: &str, prefix: &str, span: Range<usize>) -> Option<Field> {
        let full = joined(prefix, path);
        let found = Field::parse(&full);
        if found.is_none() {
            let known: Vec<_> = Field::ALL.iter().map(|field| field.path()).collect();
            let help = suggestion(&full, known.iter().map(AsRef::as_ref));
            self.problem(span, format!("no field is called `{full}`"), help);
        }
        found
    }

    fn codec(&mut self, name: &str, span: Range<usize>) -> Option<Codec> {
        let found = Codec::parse(name)
            .or_else(|| self.names.enums.iter().find(|table| table.name == name).cloned().map(Codec::Enum))
            .or_else(|| self.names.url_ends.iter().find(|end| end.name == name).cloned().map(Codec::UrlEnd))
            .or_else(|| self.names.codecs.iter().find(|(own, _)| own == name).map(|(_, codec)| codec.clone()));
        if found.is_none() {
            let mut known: Vec<&str> = Codec::names().collect();
            known.extend(self.names.enums.iter().map(|table| table.name.as_str()));
            known.extend(self.names.url_ends.iter().map(|end| end.name.as_str()));
            known.extend(self.names.codecs.iter().map(|(own, _)| own.as_str()));
            let help = suggestion(name, known);
            self.problem(span, format!("no codec, enum or end of a URL is called `{name}`"), help);
        }
        found
    }
}

fn joined(prefix: &str, path: &str) -> String {
    if prefix.is_empty() { path.to_owned() } else { format!("{prefix}.{path}") }
}

/// What stands between the braces, when the text is exactly one hole.
fn whole_hole(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('{')?.strip_suffix('}')?;
    (!inside.contains(['{', '}'])).then_some(inside).or(match inside.split_once('|') {
        // `{metadata:json|{}}`: the stand-in is an object.
        Some((path, "{}")) if !path.contains(['{', '}']) => Some(inside),
        _ => None,
    })
}
