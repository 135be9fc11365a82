//! The JSON of a shape's text, with the place of every value, as a mistake in it must be shown to its author.
//! Not for frames: those are read by `read`.

use std::ops::Range;

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub span: Range<usize>,
    pub kind: SampleKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum SampleKind {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    Array(Vec<Sample>),
    /// Key, place of the key, value.
    Object(Vec<(String, Range<usize>, Sample)>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub at: usize,
    pub what: String,
}

/// Samples are written by people; this deep is a mistake.
const MAX_DEPTH: usize = 16;

/// Parses one JSON value and nothing after it.
pub fn parse(text: &str) -> Result<Sample, Mistake> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let sample = parser.value()?;
    parser.blanks();
    if parser.at < text.len() { Err(parser.mistake("something after the end")) } else { Ok(sample) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn mistake(&self, what: impl Into<String>) -> Mistake {
        Mistake { at: self.at, what: what.into() }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\n', '\r', '\t']).len();
    }

    /// Takes this text if it comes next.
    fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn value(&mut self) -> Result<Sample, Mistake> {
        self.blanks();
        let start = self.at;
        let first = self.rest().as_bytes().first().copied();
        let kind = match first {
            Some(b'{') => self.object()?,
            Some(b'[') => self.array()?,
            Some(b'"') => SampleKind::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ if self.take("null") => SampleKind::Null,
            _ if self.take("true") => SampleKind::Boolean(true),
            _ if self.take("false") => SampleKind::Boolean(false),
            _ => return Err(self.mistake("a value is wanted here; texts and holes stand in quotes")),
        };
        Ok(Sample { span: start..self.at, kind })
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        if self.depth == MAX_DEPTH {
            return Err(self.mistake(format!("nested more than {MAX_DEPTH} deep")));
        }
        self.depth += 1;
        self.at += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn object(&mut self) -> Result<SampleKind, Mistake> {
        self.nested(|parser| {
            let mut members = Vec::new();
            parser.blanks();
            if parser.take("}") {
                return Ok(SampleKind::Object(members));
            }
            loop {
                parser.blanks();
                let start = parser.at;
                let key = parser.string()?;
                let key_span = start..parser.at;
                parser.blanks();
                if !parser.take(":") {
                    return Err(parser.mistake("`:` is wanted here"));
                }
                members.push((key, key_span, parser.value()?));
                parser.blanks();
                if parser.take("}") {
                    return Ok(SampleKind::Object(members));
                }
                if !parser.take(",") {
                    return Err(parser.mistake("`,` or `}` is wanted here"));
                }
            }
        })
    }

    fn array(&mut self) -> Result<SampleKind, Mistake> {
        self.nested(|parser| {
            let mut items = Vec::new();
            parser.blanks();
            if parser.take("]") {
                return Ok(SampleKind::Array(items));
            }
            loop {
                items.push(parser.value()?);
                parser.blanks();
                if parser.take("]") {
                    return Ok(SampleKind::Array(items));
                }
                if !parser.take(",") {
                    return Err(parser.mistake("`,` or `]` is wanted here"));
                }
            }
        })
    }

    fn string(&mut self) -> Result<String, Mistake> {
        if !self.rest().starts_with('"') {
            return Err(self.mistake("a text in quotes is wanted here"));
        }
        let mut escaped = false;
        let end = self.rest().char_indices().skip(1).find(|(_, letter)| {
            let closes = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            closes
        });
        let Some((length, _)) = end else { return Err(self.mistake("a text that never ends")) };
        let parsed = serde_json::from_str(&self.rest()[..=length]);
        let text = parsed.map_err(|error| self.mistake(error.to_string()))?;
        self.at += length + 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<SampleKind, Mistake> {
        let rest = self.rest();
        let length =
            rest.find(|letter: char| !letter.is_ascii_digit() && !"+-.eE".contains(letter)).unwrap_or(rest.len());
        let text = rest[..length].to_owned();
        if serde_json::from_str::<serde_json::Number>(&text).is_err() {
            return Err(self.mistake("not a number"));
        }
        self.at += length;
        Ok(SampleKind::Number(text))
    }
}
