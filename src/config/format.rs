//! The one layout of our TOML files: `=` in columns within a block, one blank between words, one blank line at most. In: a
//! text. Out: the same settings and comments, laid out; texts are never touched. What would change a meaning is refused.

use toml_edit::{Document, Item, TableLike, Value};
use toml_parser::Source;
use toml_parser::lexer::{Token, TokenKind};

/// One level within brackets that span lines.
const INDENT: usize = 4;

/// Why a text cannot be laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unformattable {
    /// It is not TOML: what is wrong, and the byte where.
    Syntax { message: String, at: usize },
    /// The layout would mean something else. This is a mistake of ours; the file stays as it is.
    Meaning,
}

/// The text, laid out. The layout of a layout is itself.
pub fn format(text: &str) -> Result<String, Unformattable> {
    let parse = |text| Document::parse(text).map(|document| meaning(document.as_table()));
    let before = parse(text).map_err(|error| Unformattable::Syntax {
        message: error.message().to_owned(),
        at: error.span().map_or(0, |span| span.start),
    })?;
    let tokens: Vec<Token> = Source::new(text).lex().collect();
    let formatted = laid_out(lines(text, &tokens));
    let is_same = parse(&formatted).is_ok_and(|after| after == before) && comments(&formatted) == comments(text);
    is_same.then_some(formatted).ok_or(Unformattable::Meaning)
}

/// A line of the file; one with open brackets or a text of several lines goes on to where these end.
#[derive(Debug, Default)]
struct Line {
    /// Blanks before it.
    indent: usize,
    /// Absent on lines that are no setting.
    key: Option<String>,
    /// The value, or a header.
    code: String,
    comment: Option<String>,
    /// Blanks before the comment, and the column it stood in.
    gap: usize,
    column: usize,
}

impl Line {
    fn is_blank(&self) -> bool {
        self.key.is_none() && self.code.is_empty() && self.comment.is_none()
    }

    /// Whether there is nothing but a comment.
    fn is_comment(&self) -> bool {
        self.key.is_none() && self.code.is_empty() && self.comment.is_some()
    }

    /// Whether its `=` can stand in a column with those of its neighbours.
    fn is_aligned(&self) -> bool {
        self.key.is_some() && !self.code.contains('\n')
    }
}

/// Lines and what stands on them.
fn lines(text: &str, tokens: &[Token]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut rest = tokens;
    while !rest.is_empty() {
        let end = end_of_line(rest);
        lines.push(line(text, &rest[..end]));
        // The line end itself is no part of either.
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    lines
}

/// Where a line ends: at the first line end outside of brackets.
fn end_of_line(tokens: &[Token]) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind() {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => depth += 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => depth = depth.saturating_sub(1),
            TokenKind::Newline if depth == 0 => return at,
            TokenKind::Eof => return at,
            _ => {}
        }
    }
    tokens.len()
}

fn line(text: &str, tokens: &[Token]) -> Line {
    let mut line = Line::default();
    let mut tokens = tokens;
    if let Some(first) = tokens.first().filter(|token| token.kind() == TokenKind::Whitespace) {
        line.indent = said(text, *first).chars().count();
        tokens = &tokens[1..];
    }
    // A comment within brackets belongs to the value; the last one of the line stands beside it.
    if let Some((last, before)) = tokens.split_last()
        && last.kind() == TokenKind::Comment
    {
        line.comment = Some(said(text, *last).trim_end().to_owned());
        let start = last.span().start();
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        line.column = text[line_start..start].chars().count();
        tokens = before;
        if let Some((blank, before)) = tokens.split_last().filter(|(last, _)| last.kind() == TokenKind::Whitespace) {
            line.gap = said(text, *blank).chars().count();
            tokens = before;
        }
    }
    let is_header = tokens.first().is_some_and(|token| token.kind() == TokenKind::LeftSquareBracket);
    let equals = tokens.iter().position(|token| token.kind() == TokenKind::Equals).filter(|_| !is_header);
    match equals {
        Some(at) => {
            line.key = Some(words(text, &tokens[..at]));
            line.code = value(text, &tokens[at + 1..]);
        }
        None => line.code = words(text, tokens),
    }
    line
}

fn said(text: &str, token: Token) -> &str {
    text.get(token.span().start()..token.span().end()).unwrap_or_default()
}

/// A key or a header: no blanks.
fn words(text: &str, tokens: &[Token]) -> String {
    tokens.iter().filter(|token| token.kind() != TokenKind::Whitespace).map(|token| said(text, *token)).collect()
}

/// A value, its brackets with single blanks; the lines of one that spans several are kept and indented.
fn value(text: &str, tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut open: Vec<TokenKind> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let kind = token.kind();
        let next = tokens[at + 1..].iter().map(Token::kind).find(|kind| *kind != TokenKind::Whitespace);
        match kind {
            TokenKind::Whitespace => {
                let before_comment = next == Some(TokenKind::Comment)
                    && !out.ends_with('\n')
                    && !out.trim_end_matches(' ').ends_with('\n');
                let within_date = tokens[..at].last().is_some_and(|token| token.kind() == TokenKind::Atom)
                    && next == Some(TokenKind::Atom);
                if before_comment {
                    trim_blanks(&mut out);
                    out.push_str(&" ".repeat(said(text, *token).chars().count()));
                } else if within_date {
                    out.push(' ');
                }
            }
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => {
                open.push(kind);
                out.push_str(said(text, *token));
                let is_empty = matches!(next, Some(TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket));
                if kind == TokenKind::LeftCurlyBracket && !is_empty {
                    out.push(' ');
                }
            }
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => {
                open.pop();
                close(&mut out, kind, open.len());
                out.push_str(said(text, *token));
            }
            TokenKind::Comma => {
                trim_blanks(&mut out);
                out.push_str(", ");
            }
            TokenKind::Equals => {
                trim_blanks(&mut out);
                out.push_str(" = ");
            }
            TokenKind::Newline => {
                trim_blanks(&mut out);
                if !out.ends_with("\n\n") {
                    out.push('\n');
                }
            }
            TokenKind::Comment => {
                begin_line(&mut out, open.len());
                out.push_str(said(text, *token).trim_end());
            }
            TokenKind::Dot
            | TokenKind::LiteralString
            | TokenKind::BasicString
            | TokenKind::MlLiteralString
            | TokenKind::MlBasicString
            | TokenKind::Atom
            | TokenKind::Eof => {
                begin_line(&mut out, open.len());
                out.push_str(said(text, *token));
            }
        }
        if matches!(kind, TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket) {
            // What opens on a line of its own is indented as any other word.
            reindent_last(&mut out, open.len() - 1);
        }
    }
    out.trim_end().to_owned()
}

fn trim_blanks(out: &mut String) {
    out.truncate(out.trim_end_matches(' ').len());
}

/// Indents, where a line begins here.
fn begin_line(out: &mut String, depth: usize) {
    if out.ends_with('\n') {
        out.push_str(&" ".repeat(INDENT * depth));
    }
}

/// The same for a bracket that was written at the beginning of a line.
fn reindent_last(out: &mut String, depth: usize) {
    let start = out.rfind('\n').map_or(0, |at| at + 1);
    let is_alone = start > 0 && matches!(out[start..].trim_end(), "[" | "{");
    if is_alone {
        out.insert_str(start, &" ".repeat(INDENT * depth));
    }
}

/// What stands before a closing bracket.
fn close(out: &mut String, kind: TokenKind, depth: usize) {
    trim_blanks(out);
    if out.ends_with('\n') {
        while out.ends_with("\n\n") {
            out.pop();
        }
        begin_line(out, depth);
        return;
    }
    // The last comma of a list on one line says nothing.
    if out.ends_with(',') {
        out.pop();
    }
    if kind == TokenKind::RightCurlyBracket && !out.ends_with('{') {
        out.push(' ');
    }
}

/// Lines as text, blocks aligned.
fn laid_out(mut lines: Vec<Line>) -> String {
    continue_comments(&mut lines);
    align(&mut lines);
    let mut out = String::new();
    for line in lines {
        if line.is_blank() {
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            continue;
        }
        let code = match &line.key {
            Some(key) => format!("{key} = {}", line.code),
            None => line.code.clone(),
        };
        out.push_str(&code);
        if let Some(comment) = &line.comment {
            // Where it stood, if what is before it leaves the room.
            let last = code.rsplit('\n').next().unwrap_or_default().chars().count();
            let gap = match (code.is_empty(), code.contains('\n')) {
                (true, _) => line.indent,
                (false, true) => line.gap.max(1),
                (false, false) => line.column.saturating_sub(last).max(1),
            };
            out.push_str(&" ".repeat(gap));
            out.push_str(comment);
        }
        out.push('\n');
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// A comment alone on its line begins at its beginning, but where it goes on with one beside a setting above it.
fn continue_comments(lines: &mut [Line]) {
    let mut goes_on = false;
    for line in lines {
        if line.is_comment() {
            goes_on &= line.indent > 0;
            line.indent = if goes_on { line.indent } else { 0 };
        } else {
            goes_on = line.comment.is_some();
        }
    }
}

/// Puts the `=` of neighbours into one column.
fn align(lines: &mut [Line]) {
    let mut start = 0;
    while start < lines.len() {
        let belongs = |line: &&Line| line.is_aligned() || (line.is_comment() && line.indent > 0);
        let length = lines[start..].iter().take_while(belongs).count();
        let block = &mut lines[start..start + length];
        let key_width = |line: &Line| line.key.as_ref().map_or(0, |key| key.chars().count());
        let width = block.iter().map(key_width).max().unwrap_or(0);
        for line in block {
            line.key = line.key.take().map(|key| format!("{key:width$}"));
        }
        start += length.max(1);
    }
}

/// What a table says, without its layout: every value under its full name, in order.
fn meaning(table: &dyn TableLike) -> Vec<(String, String)> {
    let mut found = Vec::new();
    collect_table("", table, &mut found);
    found
}

fn collect_table(path: &str, table: &dyn TableLike, found: &mut Vec<(String, String)>) {
    found.push((path.to_owned(), "{}".to_owned()));
    for (name, item) in table.iter() {
        let path = format!("{path}.{name:?}");
        match item {
            Item::None => {}
            Item::Value(value) => collect_value(&path, value, found),
            Item::Table(inner) => collect_table(&path, inner, found),
            Item::ArrayOfTables(tables) => {
                for (at, inner) in tables.iter().enumerate() {
                    collect_table(&format!("{path}[{at}]"), inner, found);
                }
            }
        }
    }
}

fn collect_value(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    let scalar = match value {
        Value::Array(members) => {
            found.push((path.to_owned(), "[]".to_owned()));
            for (at, member) in members.iter().enumerate() {
                collect_value(&format!("{path}[{at}]"), member, found);
            }
            return;
        }
        Value::InlineTable(inner) => return collect_table(path, inner, found),
        Value::String(text) => format!("{:?}", text.value()),
        Value::Integer(number) => number.value().to_string(),
        // By its bits: not every number equals itself.
        Value::Float(number) => format!("float {:x}", number.value().to_bits()),
        Value::Boolean(flag) => flag.value().to_string(),
        Value::Datetime(time) => format!("time {}", time.value()),
    };
    found.push((path.to_owned(), scalar));
}

fn comments(text: &str) -> Vec<String> {
    let tokens = Source::new(text).lex().filter(|token| token.kind() == TokenKind::Comment);
    tokens.map(|token| said(text, token).trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests;
