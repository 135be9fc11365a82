//! Buttons under a message, for readers whose dialect has none. In: grids as they were read, and how such a grid says its
//! labels and links. Out: what there is to choose, told as lines below the words.

use crate::event::{Choice, Field, Fields, Value};

use super::model::{Audience, Dialect};

/// The grids of a message, and by whom each is seen; nobody named: by all.
const GRIDS: [(Field, Option<&str>); 3] =
    [(Field::ButtonsBoth, None), (Field::ButtonsSender, Some("sender")), (Field::ButtonsReceiver, Some("receiver"))];

/// Whether a field holds buttons.
pub(super) fn is_grid(field: Field) -> bool {
    GRIDS.iter().any(|(grid, _)| *grid == field)
}

/// Of one message. The only grid that is known has 9.
const MOST_CHOICES: usize = 32;
/// In letters; what is longer is cut.
const LONGEST_LABEL: usize = 200;
/// In bytes; a longer link is left out, as a part of it leads elsewhere.
const LONGEST_LINK: usize = 2_000;

/// How the grids of a dialect say what their buttons offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    /// From the grid to its buttons. Arrays on the way are walked through.
    pub each: MemberPath,
    /// From a button to its label.
    pub label: MemberPath,
    /// From a button to its link, where it has one.
    pub link: Option<MemberPath>,
}

/// Names of members, each within the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPath(pub Vec<String>);

impl MemberPath {
    fn find<'a>(&self, value: &'a serde_json::Value) -> Vec<&'a serde_json::Value> {
        let mut found = vec![value];
        for name in &self.0 {
            found = found.into_iter().flat_map(through_arrays).filter_map(|value| value.get(name)).collect();
        }
        found.into_iter().flat_map(through_arrays).collect()
    }

    fn text<'a>(&self, value: &'a serde_json::Value) -> Option<&'a str> {
        self.find(value).first().and_then(|value| value.as_str())
    }
}

fn through_arrays(value: &serde_json::Value) -> &[serde_json::Value] {
    match value {
        serde_json::Value::Array(items) => items,
        single => std::slice::from_ref(single),
    }
}

impl Grid {
    /// Notes beside the grids of a message what they offer, in no dialect's form.
    pub fn note(&self, fields: &mut Fields<'_>) {
        let mut choices: Vec<Choice> = Vec::new();
        for (field, to) in GRIDS {
            let Some(Value::Json(text)) = fields.get(field) else { continue };
            let Ok(grid) = serde_json::from_str::<serde_json::Value>(text) else { continue };
            let room = MOST_CHOICES - choices.len();
            choices.extend(self.each.find(&grid).into_iter().filter_map(|button| self.choice(button, to)).take(room));
        }
        if !choices.is_empty() {
            fields.set(Field::ButtonsChoices, Choice::list(&choices));
        }
    }

    /// A button without a label offers nothing that words could say.
    fn choice(&self, button: &serde_json::Value, to: Option<&str>) -> Option<Choice> {
        let label: String = self.label.text(button)?.split_whitespace().collect::<Vec<_>>().join(" ");
        let label: String = label.chars().take(LONGEST_LABEL).collect();
        let link = self.link.as_ref().and_then(|path| path.text(button)).filter(|link| is_shown(link));
        let choice = Choice { label: Some(label), link: link.map(str::to_owned), to: to.map(str::to_owned) };
        choice.label.as_ref().is_some_and(|label| !label.is_empty()).then_some(choice)
    }
}

/// A link that a reader may follow by itself: of the web, and one word.
fn is_shown(link: &str) -> bool {
    let of_the_web = ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme));
    of_the_web
        && link.len() <= LONGEST_LINK
        && !link.contains(|letter: char| letter.is_whitespace() || letter.is_control())
}

/// A message as a reader without buttons sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Spelled<'a> {
    pub fields: Fields<'a>,
    /// Whether lines were added. Buttons that another side sees are none of this reader's.
    pub has_lines: bool,
}

impl Dialect {
    /// Whether its messages can have buttons. A file that names grids says how they read, and one that does not has none.
    pub fn has_buttons(&self) -> bool {
        self.buttons.is_some()
    }

    /// The message with its buttons as lines of its words, a line each: `[label] link`. `None` where it has none, and where
    /// the dialect has buttons of its own.
    pub fn spelled<'a>(&self, fields: &Fields<'a>, audience: Audience) -> Option<Spelled<'a>> {
        let choices = match fields.get(Field::ButtonsChoices) {
            Some(Value::Json(choices)) if !self.has_buttons() => Choice::read_list(choices),
            _ => return None,
        };
        let mut fields = fields.clone();
        let reader = match audience {
            Audience::Receiver => "receiver",
            Audience::Origin | Audience::Sender => "sender",
        };
        let mine = choices.iter().filter(|choice| choice.to.as_deref().is_none_or(|to| to == reader));
        let lines: Vec<String> = mine.map(line).collect();
        for field in GRIDS.iter().map(|(field, _)| *field).chain([Field::ButtonsChoices]) {
            fields.remove(field);
        }
        if !lines.is_empty() {
            let words = fields.text(Field::Body).filter(|words| !words.is_empty()).map(str::to_owned);
            fields.set_text(Field::Body, words.into_iter().chain(lines.iter().cloned()).collect::<Vec<_>>().join("\n"));
        }
        Some(Spelled { fields, has_lines: !lines.is_empty() })
    }
}

fn line(choice: &Choice) -> String {
    let label = choice.label.as_deref().unwrap_or_default();
    match &choice.link {
        Some(link) => format!("[{label}] {link}"),
        None => format!("[{label}]"),
    }
}

#[cfg(test)]
mod tests;
