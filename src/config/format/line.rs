//! Tokens → the lines of a file, each with its key, its value and its comment, laid out within.

use toml_parser::lexer::{Token, TokenKind};

use super::{said, value};

/// A line of the file; one with open brackets or a text of several lines goes on to where these end.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Blanks before it.
    pub indent: usize,
    /// Absent on lines that are no setting.
    pub key: Option<String>,
    /// The value, or a header.
    pub code: String,
    pub comment: Option<String>,
    /// Blanks before the comment, and the column it stood in.
    pub gap: usize,
    pub column: usize,
}

impl Line {
    pub fn is_blank(&self) -> bool {
        self.key.is_none() && self.code.is_empty() && self.comment.is_none()
    }

    /// Whether there is nothing but a comment.
    pub fn is_comment(&self) -> bool {
        self.key.is_none() && self.code.is_empty() && self.comment.is_some()
    }

    /// Whether its `=` can stand in a column with those of its neighbours.
    pub fn is_aligned(&self) -> bool {
        self.key.is_some() && !self.code.contains('\n')
    }
}

/// Lines and what stands on them.
pub(super) fn lines(text: &str, tokens: &[Token]) -> Vec<Line> {
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
            line.code = value::laid_out(text, &tokens[at + 1..]);
        }
        None => line.code = words(text, tokens),
    }
    line
}

/// A key or a header: no blanks.
fn words(text: &str, tokens: &[Token]) -> String {
    tokens.iter().filter(|token| token.kind() != TokenKind::Whitespace).map(|token| said(text, *token)).collect()
}
