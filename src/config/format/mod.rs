//! The one layout of our TOML files: `=` in columns within a block, one blank between words, one blank line at most. In: a
//! text. Out: the same settings and comments, laid out; texts are never touched. What would change a meaning is refused.

mod columns;
mod line;
mod meaning;
#[cfg(test)]
mod tests;
mod value;

use toml_edit::Document;
use toml_parser::Source;
use toml_parser::lexer::Token;

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
    let parse = |text| Document::parse(text).map(|document| meaning::of(document.as_table()));
    let before = parse(text).map_err(|error| Unformattable::Syntax {
        message: error.message().to_owned(),
        at: error.span().map_or(0, |span| span.start),
    })?;
    let tokens: Vec<Token> = Source::new(text).lex().collect();
    let formatted = columns::laid_out(line::lines(text, &tokens));
    let is_same = parse(&formatted).is_ok_and(|after| after == before)
        && meaning::comments(&formatted) == meaning::comments(text);
    is_same.then_some(formatted).ok_or(Unformattable::Meaning)
}

/// What a token is in the text.
fn said(text: &str, token: Token) -> &str {
    text.get(token.span().start()..token.span().end()).unwrap_or_default()
}
