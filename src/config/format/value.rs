//! The tokens of a value → the value with single blanks between its words; what spans lines is indented.

use toml_parser::lexer::{Token, TokenKind};

use super::said;

/// One level within brackets that span lines.
const INDENT: usize = 4;

/// A value, its brackets with single blanks; the lines of one that spans several are kept and indented.
pub(super) fn laid_out(text: &str, tokens: &[Token]) -> String {
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
