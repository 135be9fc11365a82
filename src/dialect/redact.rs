//! What must not leave the gateway: members of JSON objects, by name, wherever they stand. In: JSON as an upstream said
//! it. Out: the same bytes without those members, and nothing else changed.

use std::ops::Range;

use crate::fault::{Fault, Reason};

/// How deep arrays and objects may stand in each other where something may have to be taken out.
const MAX_DEPTH: usize = 512;

/// The names of `redact = ["$..name"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redaction(Vec<String>);

impl Redaction {
    /// Letters, digits and `_` only, as [`Redaction::name`] gives them.
    pub fn new(names: Vec<String>) -> Self {
        Redaction(names)
    }

    /// The name in `$..name`, the one form of a path (RFC 9535 §2.5.2) that is taken here.
    pub fn name(path: &str) -> Option<&str> {
        let name = path.strip_prefix("$..")?;
        let first = name.bytes().next()?;
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (plain && !first.is_ascii_digit()).then_some(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text without the members; `None` where it stays as it is. One JSON value, or several one after another.
    ///
    /// Fails with [`Reason::Upstream`] where one of the names may stand in a text that is no JSON: readers could find it
    /// where this does not.
    pub fn apply(&self, text: &str) -> Result<Option<String>, Fault> {
        // A name is written as it is, or with its letters escaped.
        let suspect = |name: &String| text.contains(name.as_str());
        if self.is_empty() || !(self.0.iter().any(suspect) || text.contains("\\u")) {
            return Ok(None);
        }
        let scanner = Scanner {
            names: &self.0,
            bytes: text.as_bytes(),
            at: 0,
            levels: Vec::new(),
            within: false,
            cuts: Vec::new(),
        };
        let cuts =
            scanner.run().map_err(|what| Fault::new(Reason::Upstream).detail(format!("to be redacted, but {what}")))?;
        if cuts.is_empty() {
            return Ok(None);
        }
        let mut left = String::with_capacity(text.len());
        let mut from = 0;
        for cut in cuts {
            // Both ends stand beside quotes, commas, blanks or brackets, so they are boundaries of letters.
            left.push_str(&text[from..cut.start]);
            from = cut.end;
        }
        left.push_str(&text[from..]);
        Ok(Some(left))
    }
}

/// What is wrong with the text.
type Mistake = &'static str;

/// One pass, without recursion: how deep a text goes is up to whoever wrote it.
struct Scanner<'a> {
    names: &'a [String],
    bytes: &'a [u8],
    at: usize,
    levels: Vec<Level>,
    /// Inside a member that is taken out: what stands there goes with it.
    within: bool,
    cuts: Vec<Range<usize>>,
}

/// An array or object that is open.
enum Level {
    Array,
    Object {
        /// Whether a member before this one stays, so that a comma goes with the one that does not.
        kept: bool,
        /// Where the member that is being read begins, if it is taken out.
        cut: Option<usize>,
    },
}

impl Scanner<'_> {
    fn run(mut self) -> Result<Vec<Range<usize>>, Mistake> {
        if self.bytes.starts_with("\u{feff}".as_bytes()) {
            self.at = 3;
        }
        loop {
            if self.value()? {
                continue;
            }
            if !self.close()? {
                return Ok(self.cuts);
            }
        }
    }

    /// Reads a value up to its end, or an opening bracket with what must be read before the first value in it; then true.
    fn value(&mut self) -> Result<bool, Mistake> {
        self.blanks();
        match self.peek() {
            Some(open @ (b'{' | b'[')) => {
                if self.levels.len() == MAX_DEPTH {
                    return Err("nested too deep");
                }
                self.at += 1;
                self.blanks();
                if self.peek() == Some(open + 2) {
                    self.at += 1;
                    return Ok(false);
                }
                if open == b'[' {
                    self.levels.push(Level::Array);
                } else {
                    self.levels.push(Level::Object { kept: false, cut: None });
                    self.key(self.at)?;
                }
                Ok(true)
            }
            Some(b'"') => self.string().map(|_| false),
            Some(_) => self.scalar().map(|()| false),
            None => Err("it ends too early"),
        }
    }

    /// Steps over what follows a value, up to the next one; false at the end of all.
    fn close(&mut self) -> Result<bool, Mistake> {
        loop {
            let end = self.at;
            self.blanks();
            let next = self.peek();
            match self.levels.last() {
                None => return Ok(next.is_some()),
                Some(Level::Array) => match next {
                    Some(b',') => {
                        self.at += 1;
                        return Ok(true);
                    }
                    Some(b']') => {}
                    _ => return Err("`,` or `]` is wanted"),
                },
                Some(Level::Object { .. }) => match next {
                    Some(b',') => {
                        let comma = self.at;
                        self.at += 1;
                        self.blanks();
                        self.member_ends(end, self.at);
                        self.key(comma)?;
                        return Ok(true);
                    }
                    Some(b'}') => self.member_ends(end, end),
                    _ => return Err("`,` or `}` is wanted"),
                },
            }
            self.at += 1;
            self.levels.pop();
        }
    }

    /// A member's value ended at `end`; `next` is where the following member begins.
    fn member_ends(&mut self, end: usize, next: usize) {
        let Some(Level::Object { kept, cut }) = self.levels.last_mut() else { return };
        match cut.take() {
            Some(start) => {
                self.cuts.push(start..if *kept { end } else { next });
                self.within = false;
            }
            None => *kept = true,
        }
    }

    /// Reads a key and its colon; `comma` is where the one before it stands.
    fn key(&mut self, comma: usize) -> Result<(), Mistake> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err("a key is wanted");
        }
        let quoted = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return Err("`:` is wanted");
        }
        self.at += 1;
        if !self.within
            && self.is_named(&self.bytes[quoted])?
            && let Some(Level::Object { kept, cut }) = self.levels.last_mut()
        {
            *cut = Some(if *kept { comma } else { start });
            self.within = true;
        }
        Ok(())
    }

    fn is_named(&self, quoted: &[u8]) -> Result<bool, Mistake> {
        if !quoted.contains(&b'\\') {
            let plain = &quoted[1..quoted.len() - 1];
            return Ok(self.names.iter().any(|name| name.as_bytes() == plain));
        }
        let key: String = serde_json::from_slice(quoted).map_err(|_| "there is a wrong escape in a key")?;
        Ok(self.names.contains(&key))
    }

    /// Steps over a text; where it stands, quotes included.
    fn string(&mut self) -> Result<Range<usize>, Mistake> {
        let start = self.at;
        self.at += 1;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or("a text never ends")?;
            self.at += run + 1;
            if rest[run] == b'"' {
                return Ok(start..self.at);
            }
            self.at += 1;
        }
    }

    /// A number or a word; whether it is one that JSON has is left to the reader.
    fn scalar(&mut self) -> Result<(), Mistake> {
        let rest = &self.bytes[self.at..];
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        match rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len()) {
            0 => Err("it is no JSON"),
            length => {
                self.at += length;
                Ok(())
            }
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests;
