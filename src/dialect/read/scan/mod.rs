//! The one pass over a frame's bytes: checks that they are JSON and keeps what the key tree names. Texts without escapes
//! are borrowed. Depth is bounded, duplicate keys are refused wherever they stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use smallvec::SmallVec;

use crate::fault::{Fault, Reason};

use super::super::capture::Captured;
use super::tree::KeyTree;

/// How deep arrays and objects may stand in each other.
const MAX_DEPTH: usize = 128;

/// What was found, by place.
pub type Captures<'a> = SmallVec<[Captured<'a>; 24]>;

/// Reads one JSON text and nothing after it. `captures` belongs to the caller, as moving it would cost more than filling it.
pub fn scan<'a>(tree: &KeyTree, text: &'a str, captures: &mut Captures<'a>) -> Result<(), Fault> {
    scan_noting(tree, text, captures, None)
}

/// The same, noting where the value of each place stands.
pub fn scan_with_spans<'a>(tree: &KeyTree, text: &'a str, captures: &mut Captures<'a>) -> Result<Spans, Fault> {
    let mut spans = vec![0..0; tree.len()];
    scan_noting(tree, text, captures, Some(&mut spans))?;
    Ok(spans)
}

fn scan_noting<'a>(
    tree: &KeyTree,
    text: &'a str,
    captures: &mut Captures<'a>,
    spans: Option<&mut Spans>,
) -> Result<(), Fault> {
    captures.extend(std::iter::repeat_with(|| Captured::Missing).take(tree.len().max(1)));
    let mut scanner = Scanner { text, bytes: text.as_bytes(), at: 0, depth: 0, spans };
    let root = (tree.len() > 0).then_some(0);
    let result = scanner.place(tree, root, captures).and_then(|()| {
        scanner.blanks();
        if scanner.at == scanner.bytes.len() { Ok(()) } else { Err("something after the end") }
    });
    result.map_err(|what| Fault::new(Reason::Malformed).detail(format!("{what} at byte {}", scanner.at)))
}

/// Where values stand, by place, in bytes.
pub type Spans = Vec<Range<usize>>;

/// What is wrong; the place is where the scanner stands.
type Mistake = &'static str;

struct Scanner<'a, 's> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    spans: Option<&'s mut Spans>,
}

impl<'a> Scanner<'a, '_> {
    #[inline]
    fn peek(&self) -> u8 {
        // NUL stands in no JSON outside of escapes, so it can mean the end.
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    #[inline]
    fn blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\n' | b'\r' | b'\t') {
            self.at += 1;
        }
    }

    fn take(&mut self, word: &str) -> Result<(), Mistake> {
        if self.bytes[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        Err("not a JSON value")
    }

    /// A value that the tree may name.
    fn place(&mut self, tree: &KeyTree, node: Option<usize>, captures: &mut Captures<'a>) -> Result<(), Mistake> {
        self.blanks();
        let Some(node) = node else { return self.ignore() };
        let start = self.at;
        self.value(tree, node, captures)?;
        if let Some(spans) = &mut self.spans {
            spans[node] = start..self.at;
        }
        Ok(())
    }

    #[inline]
    fn value(&mut self, tree: &KeyTree, node: usize, captures: &mut Captures<'a>) -> Result<(), Mistake> {
        if tree.is_raw(node) {
            let start = self.at;
            match self.peek() {
                // Other shapes look inside.
                b'{' if !tree.is_leaf(node) => self.object(tree, node, captures)?,
                b'[' if !tree.is_leaf(node) => self.elements(tree, node, captures)?,
                _ => self.ignore()?,
            }
            let raw = &self.text[start..self.at];
            captures[node] = if raw == "null" { Captured::Null } else { Captured::Raw(raw) };
            return Ok(());
        }
        captures[node] = match self.peek() {
            b'"' => Captured::Text(self.string()?),
            b'{' => {
                captures[node] = Captured::Object;
                return self.object(tree, node, captures);
            }
            b'[' => {
                self.elements(tree, node, captures)?;
                Captured::Array
            }
            b'-' | b'0'..=b'9' => self.number()?,
            b't' => self.take("true").map(|()| Captured::Boolean(true))?,
            b'f' => self.take("false").map(|()| Captured::Boolean(false))?,
            b'n' => self.take("null").map(|()| Captured::Null)?,
            _ => return Err("not a JSON value"),
        };
        Ok(())
    }

    fn object(&mut self, tree: &KeyTree, node: usize, captures: &mut Captures<'a>) -> Result<(), Mistake> {
        let mut unknown = KeysSeen::default();
        // Members mostly come in the order of the shape: the next one is looked at first.
        let mut expected = 0;
        self.members(|scanner, key| match tree.find(node, key, &mut expected) {
            Some(child) if !matches!(captures[child], Captured::Missing) => Err("duplicate key"),
            Some(child) => scanner.place(tree, Some(child), captures),
            None if unknown.repeats(hash(key)) => Err("duplicate key"),
            None => scanner.ignore_value(),
        })
    }

    /// The members of an object, one by one; the callee reads the value.
    fn members(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<(), Mistake>) -> Result<(), Mistake> {
        self.enter()?;
        self.blanks();
        if self.peek() == b'}' {
            return self.leave();
        }
        loop {
            self.blanks();
            if self.peek() != b'"' {
                return Err("a key is wanted");
            }
            let key = self.string()?;
            self.blanks();
            if self.peek() != b':' {
                return Err("`:` is wanted");
            }
            self.at += 1;
            member(self, &key)?;
            self.blanks();
            match self.peek() {
                b',' => self.at += 1,
                b'}' => return self.leave(),
                _ => return Err("`,` or `}` is wanted"),
            }
        }
    }

    /// Steps over an opening brace or bracket.
    fn enter(&mut self) -> Result<(), Mistake> {
        if self.depth == MAX_DEPTH {
            return Err("nested too deep");
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Steps over a closing one.
    fn leave(&mut self) -> Result<(), Mistake> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    fn ignore_value(&mut self) -> Result<(), Mistake> {
        self.blanks();
        self.ignore()
    }

    /// A value that is checked and not kept.
    fn ignore(&mut self) -> Result<(), Mistake> {
        match self.peek() {
            b'"' => self.string().map(drop),
            b'{' => {
                let mut seen = KeysSeen::default();
                self.members(
                    |scanner, key| {
                        if seen.repeats(hash(key)) { Err("duplicate key") } else { scanner.ignore_value() }
                    },
                )
            }
            b'[' => self.array(Self::ignore_value),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            b't' => self.take("true"),
            b'f' => self.take("false"),
            b'n' => self.take("null"),
            _ => Err("not a JSON value"),
        }
    }

    /// The elements of an array that the tree may name.
    fn elements(&mut self, tree: &KeyTree, node: usize, captures: &mut Captures<'a>) -> Result<(), Mistake> {
        let mut named = tree.items(node).iter();
        self.array(|scanner| scanner.place(tree, named.next().copied(), captures))
    }

    /// The elements of an array, one by one; the callee reads the value.
    fn array(&mut self, mut element: impl FnMut(&mut Self) -> Result<(), Mistake>) -> Result<(), Mistake> {
        self.enter()?;
        self.blanks();
        if self.peek() == b']' {
            return self.leave();
        }
        loop {
            element(self)?;
            self.blanks();
            match self.peek() {
                b',' => self.at += 1,
                b']' => return self.leave(),
                _ => return Err("`,` or `]` is wanted"),
            }
        }
    }

    /// A text; borrowed unless it has escapes.
    #[inline]
    fn string(&mut self) -> Result<Cow<'a, str>, Mistake> {
        let start = self.at + 1;
        let rest = &self.bytes[start..];
        let length = run(rest).ok_or("a text that never ends")?;
        if rest[length] == b'"' {
            self.at = start + length + 1;
            // Both ends stand beside quotes, so they are boundaries of letters.
            return Ok(Cow::Borrowed(&self.text[start..start + length]));
        }
        self.escaped_string(start, length)
    }

    #[cold]
    fn escaped_string(&mut self, start: usize, mut length: usize) -> Result<Cow<'a, str>, Mistake> {
        let rest = &self.bytes[start..];
        loop {
            match rest.get(length) {
                Some(b'"') => break,
                Some(b'\\') => length += 2,
                Some(0x20..) => length += 1,
                Some(_) => return Err("a control character in a text"),
                None => return Err("a text that never ends"),
            }
        }
        let quoted = &self.text[self.at..=start + length];
        let text: String = serde_json::from_str(quoted).map_err(|_| "a wrong escape in a text")?;
        self.at = start + length + 1;
        Ok(Cow::Owned(text))
    }

    fn digits(&mut self) -> Result<(), Mistake> {
        let start = self.at;
        while self.peek().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err("a digit is wanted") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Captured<'a>, Mistake> {
        let start = self.at;
        if self.peek() == b'-' {
            self.at += 1;
        }
        if self.peek() == b'0' {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.peek() == b'.' {
            whole = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            whole = false;
            self.at += 1;
            if matches!(self.peek(), b'+' | b'-') {
                self.at += 1;
            }
            self.digits()?;
        }
        let text = &self.text[start..self.at];
        // `-0` is a fraction's zero: as an integer it would lose its sign.
        if whole
            && text != "-0"
            && let Ok(number) = text.parse()
        {
            return Ok(Captured::Integer(number));
        }
        let number: f64 = text.parse().map_err(|_| "not a number")?;
        if number.is_finite() { Ok(Captured::Number(number)) } else { Err("a number that does not fit") }
    }
}

/// How many bytes stand before the first that ends a run; eight are looked at at once.
#[inline]
fn run(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // The high bit of each byte that is zero; wrong only above a byte that is right.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    bytes[at..].iter().position(|byte| ENDS_RUN[usize::from(*byte)]).map(|rest| at + rest)
}

/// Bytes at which a run of plain letters ends: the quote, the backslash, control characters.
const ENDS_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 0x20 {
        table[at] = true;
        at += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

/// FNV-1a. A collision that somebody constructs refuses nobody's frame but their own.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Keys of one object that no shape names: a few are compared one by one, many by a set.
#[derive(Default)]
struct KeysSeen {
    few: SmallVec<[u64; 8]>,
    many: Option<HashSet<u64>>,
}

impl KeysSeen {
    fn repeats(&mut self, hash: u64) -> bool {
        if self.few.len() < 8 {
            let repeated = self.few.contains(&hash);
            self.few.push(hash);
            return repeated;
        }
        self.few.contains(&hash) || !self.many.get_or_insert_default().insert(hash)
    }
}

#[cfg(test)]
mod tests;
