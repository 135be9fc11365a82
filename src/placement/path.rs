//! A condition in the words of JSONPath (RFC 9535 §2.3.5.1): `$.sender.role == 'guest' && $.attachment.size > 1000`. In:
//! the text, once. Out: whether it holds for an event as JSON. Bounded before it is parsed.

use serde_json::Value;
use serde_json_path::JsonPath;

/// The longest condition, in bytes.
pub const LONGEST: usize = 500;
/// How deep brackets may stand in each other: the parser goes as deep, on the stack.
pub const DEEPEST: usize = 8;

/// A parsed condition.
#[derive(Debug, Clone)]
pub struct PathCondition {
    text: String,
    /// `$[?…]`: for any member of the event, which makes no difference to what only speaks of `$`.
    query: JsonPath,
}

impl PartialEq for PathCondition {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl PathCondition {
    /// Comparisons, tests for existence, `&&`, `||`, `!` and the functions of RFC 9535. Errors are words for its author.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("a condition, as in `$.sender.role == 'guest'`".to_owned());
        }
        if text.len() > LONGEST {
            return Err(format!("a condition has at most {LONGEST} bytes"));
        }
        scan(text)?;
        let wrapped = format!("$[?{text}]");
        let query = JsonPath::parse(&wrapped).map_err(|error| {
            let rest = text.get(error.position().saturating_sub("$[?".len())..).unwrap_or_default();
            match error.message().split_once("function name ") {
                Some((_, unknown)) => format!("no condition of JSONPath (RFC 9535): function {unknown}"),
                None if rest.is_empty() => "no condition of JSONPath (RFC 9535): it breaks off".to_owned(),
                None => format!("no condition of JSONPath (RFC 9535) from `{rest}` on"),
            }
        })?;
        Ok(PathCondition { text: text.to_owned(), query })
    }

    /// Whether it holds for this object.
    pub fn holds(&self, event: &Value) -> bool {
        !self.query.query(event).is_empty()
    }
}

impl PathCondition {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A parsed path: `$.sender.role`, `$.messages[0]`.
#[derive(Debug, Clone)]
pub struct PathQuery {
    text: String,
    query: JsonPath,
}

impl PathQuery {
    /// Any path of RFC 9535, within the bounds of conditions. Errors are words for its author.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a path has at most {LONGEST} bytes"));
        }
        scan(text)?;
        let query = JsonPath::parse(text).map_err(|_| format!("`{text}` is no JSONPath (RFC 9535)"))?;
        Ok(PathQuery { text: text.to_owned(), query })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All that it leads to.
    pub fn find<'a>(&self, json: &'a Value) -> Vec<&'a Value> {
        self.query.query(json).all()
    }
}

/// What is refused before the parser sees it: brackets too deep; `@` where nothing is filtered; a pattern that would come
/// from whoever uploads.
fn scan(text: &str) -> Result<(), String> {
    let mut quote = None;
    let mut escaped = false;
    let mut open: Vec<(char, bool)> = Vec::new();
    for (at, letter) in text.char_indices() {
        if let Some(end) = quote {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if letter == end => quote = None,
                _ => {}
            }
            continue;
        }
        match letter {
            '\'' | '"' => quote = Some(letter),
            '(' | '[' => {
                let before = &text[..at];
                open.push((letter, before.ends_with("match") || before.ends_with("search")));
                if open.len() > DEEPEST {
                    return Err(format!("brackets stand at most {DEEPEST} deep"));
                }
            }
            ')' | ']' => {
                let partner = if letter == ')' { '(' } else { '[' };
                if open.pop().is_none_or(|(bracket, _)| bracket != partner) {
                    return Err("a bracket without its partner".to_owned());
                }
            }
            // `!` calls the parser once more for each.
            '!' if text[..at].ends_with('!') => return Err("`!!` says nothing".to_owned()),
            '@' if !open.iter().any(|(bracket, _)| *bracket == '[') => {
                return Err("`@` is a member within `[?…]`; the upload itself is `$`".to_owned());
            }
            ',' if open.last() == Some(&('(', true)) && !text[at + 1..].trim_start().starts_with(['\'', '"']) => {
                return Err("the pattern of `match` and `search` is a text in quotes".to_owned());
            }
            _ => {}
        }
    }
    if quote.is_some() || !open.is_empty() {
        return Err("a quote or a bracket is not closed".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Value {
        serde_json::json!({
            "kind": "image",
            "conversation": { "id": "7", "department": "billing" },
            "sender": { "id": "u1", "role": "guest" },
            "attachment": { "name": "a.png", "mime": "image/png", "size": 2_000 },
        })
    }

    #[test]
    fn conditions_hold_or_not() {
        for (text, expected) in [
            ("$.conversation.id == '7'", true),
            ("$.conversation.id == \"7\"", true),
            ("$.conversation.id == 7", false),
            ("$.conversation.id != '7'", false),
            ("$.conversation.department", true),
            ("$.conversation.owner", false),
            ("!$.conversation.owner", true),
            ("$.attachment.size > 1999 && $.attachment.size <= 2000", true),
            ("$.attachment.size < 2000 || $.sender.role == 'agent'", false),
            ("($.sender.role == 'agent' || $.sender.role == 'guest') && $.kind == 'image'", true),
            ("match($.attachment.name, '.*[.]png')", true),
            ("search($.attachment.name, '^b')", false),
            ("length($.sender.id) == 2", true),
            ("$[?@.id == 'u1']", true),
            ("$..[?@ == 'nobody']", false),
            ("count($.*) == 4", true),
            ("$['conversation']['id'] == '7'", true),
        ] {
            let condition = PathCondition::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(condition.holds(&event()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused_in_words() {
        let deep = format!("{}$.a{}", "(".repeat(200), ")".repeat(200));
        let nots = "!".repeat(400) + "$.a";
        let long = format!("$.a == '{}'", "x".repeat(LONGEST));
        for (text, word) in [
            ("", "as in"),
            ("conversation.id == '7'", "no condition"),
            ("$.a == ", "no condition"),
            ("lenght($.a) == 1", "'lenght' is not defined"),
            ("$.a = 'b'", "no condition"),
            ("$.a == 'b' ] , [?1", "partner"),
            ("$.a[?@.b]] [", "partner"),
            ("@.kind == 'image'", "`$`"),
            ("$.a == 'b", "not closed"),
            ("($.a", "not closed"),
            ("match($.body, $.attachment.name)", "in quotes"),
            ("search( $.body ,  $.attachment.name )", "in quotes"),
            (&deep, "deep"),
            (&nots, "says nothing"),
            (&long, "at most"),
        ] {
            let error = PathCondition::parse(text).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    /// Whatever is written, parsing ends, and so does asking.
    #[test]
    fn no_text_breaks_it() {
        use proptest::prelude::*;
        proptest!(|(text in "[$@.\\[\\]()?!&|='\"a-c0-9 ,:*<>\\\\-]{0,80}")| {
            if let Ok(condition) = PathCondition::parse(&text) {
                condition.holds(&event());
            }
        });
    }
}
