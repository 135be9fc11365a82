//! `${NAME}` and `${NAME:-default}` in any text of the file. In: the tree and the environment. Out: the tree with what
//! they stand for, and a problem for each name that is not set. `$$` is a dollar sign.

use super::node::{Node, Value};
use super::problem::{Code, Report};

/// Replaces the names in every text of the file.
pub(super) fn expand(node: &mut Node, environment: &[(String, String)], report: &Report) {
    match &mut node.value {
        Value::Text(text) if !node.loose && text.contains('$') => match expanded(text, environment) {
            Ok(new) => {
                node.loose = *text != new;
                *text = new;
            }
            Err(failure) => {
                let (message, help) = failure.words();
                report.error(Code::Environment, &node.place, message, Some(help));
                node.value = Value::Unset;
            }
        },
        Value::Array(members) => members.iter_mut().for_each(|member| expand(member, environment, report)),
        Value::Table(members) => members.iter_mut().for_each(|(_, member)| expand(member, environment, report)),
        Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Other | Value::Unset => {}
    }
}

#[derive(Debug, PartialEq)]
enum Failure {
    Unset(String),
    Form,
}

impl Failure {
    /// What is wrong, and what would do.
    fn words(&self) -> (String, String) {
        match self {
            Failure::Unset(name) => (
                format!("`{name}` is not set in the environment"),
                format!("set it, or write `${{{name}:-…}}` with what to use instead"),
            ),
            Failure::Form => (
                "a `${` without its `}`, or with no name in it".to_owned(),
                "write `${NAME}` or `${NAME:-default}`; a dollar sign itself is `$$`".to_owned(),
            ),
        }
    }
}

fn expanded(text: &str, environment: &[(String, String)]) -> Result<String, Failure> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (inside, after) = after.split_once('}').ok_or(Failure::Form)?;
            let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, text)| (name, Some(text)));
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                return Err(Failure::Form);
            }
            // As in a shell, `:-` also stands in for a variable that is empty.
            let value = environment.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
            match (value.filter(|value| default.is_none() || !value.is_empty()), default) {
                (Some(value), _) | (None, Some(value)) => out.push_str(value),
                (None, None) => return Err(Failure::Unset(name.to_owned())),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_values() {
        let environment = [("A".to_owned(), "one".to_owned()), ("EMPTY".to_owned(), String::new())];
        for (text, wanted) in [
            ("${A}", Ok("one")),
            ("<${A}-${A}>", Ok("<one-one>")),
            ("${B:-two}", Ok("two")),
            ("${B:-}", Ok("")),
            ("${EMPTY}", Ok("")),
            ("${EMPTY:-three}", Ok("three")),
            ("5$", Ok("5$")),
            ("$A", Ok("$A")),
            ("$${A}", Ok("${A}")),
            ("${B}", Err(Failure::Unset("B".to_owned()))),
            ("${A", Err(Failure::Form)),
            ("${}", Err(Failure::Form)),
            ("${A B}", Err(Failure::Form)),
        ] {
            assert_eq!(expanded(text, &environment), wanted.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        let environment = [("A".to_owned(), "${A}".to_owned())];
        assert_eq!(expanded("${A}", &environment), Ok("${A}".to_owned()));
    }
}
