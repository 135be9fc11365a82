//! Whether a rule takes a file. In: what its author wrote, and what is known of the file. Out: yes or no; and, before any
//! file comes, which rules can never be reached.

use serde_json::Value;

use crate::event::MessageKind;

use super::path::PathCondition;

/// All of what is written here must hold. What is empty or absent holds for every file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Condition {
    pub kinds: Vec<MessageKind>,
    /// By the bytes, where these say what they are, else by the name.
    pub types: Vec<TypePattern>,
    /// By what the sender says.
    pub declared: Vec<TypePattern>,
    /// More bytes than this.
    pub larger: Option<u64>,
    /// At most as many bytes as this.
    pub up_to: Option<u64>,
    /// Canonical ids or pinned names, or ids as the route's dialect has them.
    pub conversations: Vec<String>,
    pub path: Option<PathCondition>,
}

/// What is known of a file when it is decided where it goes.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    pub kind: MessageKind,
    /// By the bytes, where these say what they are, else by the name.
    pub mime: &'a str,
    /// As the sender says.
    pub declared: Option<&'a str>,
    /// In bytes: exact, or the most that it can still become.
    pub size: u64,
    /// Every name of the conversation, if it is known.
    pub conversation: &'a [String],
    /// The upload as an event, in canonical names.
    pub event: &'a Value,
}

/// `image/png`, `image/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePattern(String);

impl TypePattern {
    /// A type and a subtype, or `*` as subtype; `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let (family, name) = text.split_once('/')?;
        let token = |text: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
            !text.is_empty() && text.len() <= 100 && text.bytes().all(plain)
        };
        (token(family) && (name == "*" || token(name))).then(|| TypePattern(text.to_ascii_lowercase()))
    }

    /// Parameters of the type, as in `text/plain; charset=utf-8`, are left out.
    pub fn matches(&self, mime: &str) -> bool {
        let mime = mime.split(';').next().unwrap_or_default().trim();
        match self.0.strip_suffix('*') {
            Some(family) => mime.get(..family.len()).is_some_and(|start| start.eq_ignore_ascii_case(family)),
            None => self.0.eq_ignore_ascii_case(mime),
        }
    }
}

impl Condition {
    /// Whether it holds for every file.
    pub fn is_empty(&self) -> bool {
        *self == Condition::default()
    }

    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        let listed = |patterns: &[TypePattern], mime: Option<&str>| {
            patterns.is_empty() || mime.is_some_and(|mime| patterns.iter().any(|pattern| pattern.matches(mime)))
        };
        (self.kinds.is_empty() || self.kinds.contains(&facts.kind))
            && listed(&self.types, Some(facts.mime))
            && listed(&self.declared, facts.declared)
            && self.larger.is_none_or(|limit| facts.size > limit)
            && self.up_to.is_none_or(|limit| facts.size <= limit)
            && (self.conversations.is_empty()
                || self.conversations.iter().any(|name| facts.conversation.contains(name)))
            && self.path.as_ref().is_none_or(|path| path.holds(facts.event))
    }

    /// Whether no file can have both sizes.
    pub fn is_impossible(&self) -> bool {
        self.larger.zip(self.up_to).is_some_and(|(larger, up_to)| larger >= up_to)
    }

    /// Whether it surely holds for every file that the other holds for.
    pub fn covers(&self, other: &Condition) -> bool {
        let types = |own: &[TypePattern], other: &[TypePattern]| {
            let within = |pattern: &TypePattern| own.iter().any(|own| own == pattern || own.matches(&pattern.0));
            own.is_empty() || (!other.is_empty() && other.iter().all(within))
        };
        within(&self.kinds, &other.kinds)
            && types(&self.types, &other.types)
            && types(&self.declared, &other.declared)
            && self.larger.is_none_or(|limit| other.larger.is_some_and(|other| other >= limit))
            && self.up_to.is_none_or(|limit| other.up_to.is_some_and(|other| other <= limit))
            && within(&self.conversations, &other.conversations)
            && (self.path.is_none() || self.path == other.path)
    }

    /// Whether it asks for more than the file itself.
    pub fn asks_for_event(&self) -> bool {
        self.path.is_some() || !self.conversations.is_empty()
    }
}

/// Whether every member of `other` is one of `own`; none written means all there are.
fn within<T: PartialEq>(own: &[T], other: &[T]) -> bool {
    own.is_empty() || (!other.is_empty() && other.iter().all(|member| own.contains(member)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> TypePattern {
        TypePattern::new(text).expect("a pattern")
    }

    fn facts(event: &Value) -> Facts<'_> {
        Facts {
            kind: MessageKind::Image,
            mime: "image/png",
            declared: Some("image/x-png; q=1"),
            size: 100,
            conversation: &[],
            event,
        }
    }

    #[test]
    fn each_part_decides() {
        let event = serde_json::json!({ "conversation": { "id": "room-101" } });
        let names = ["room-101".to_owned(), "7".to_owned()];
        let facts = Facts { conversation: &names, ..facts(&event) };
        let empty = Condition::default;
        let path = |text| Some(PathCondition::parse(text).expect("a condition"));
        for (condition, expected) in [
            (empty(), true),
            (Condition { kinds: vec![MessageKind::Image, MessageKind::Video], ..empty() }, true),
            (Condition { kinds: vec![MessageKind::Video], ..empty() }, false),
            (Condition { types: vec![pattern("image/*")], ..empty() }, true),
            (Condition { types: vec![pattern("application/pdf"), pattern("IMAGE/PNG")], ..empty() }, true),
            (Condition { types: vec![pattern("image/jpeg")], ..empty() }, false),
            (Condition { declared: vec![pattern("image/x-png")], ..empty() }, true),
            (Condition { declared: vec![pattern("image/png")], ..empty() }, false),
            (Condition { larger: Some(99), ..empty() }, true),
            (Condition { larger: Some(100), ..empty() }, false),
            (Condition { up_to: Some(100), ..empty() }, true),
            (Condition { up_to: Some(99), ..empty() }, false),
            (Condition { conversations: vec!["7".to_owned()], ..empty() }, true),
            (Condition { conversations: vec!["room-101".to_owned()], ..empty() }, true),
            (Condition { conversations: vec!["8".to_owned()], ..empty() }, false),
            (Condition { path: path("$.conversation.id == 'room-101'"), ..empty() }, true),
            (Condition { path: path("$.conversation.id == '7'"), ..empty() }, false),
            (Condition { kinds: vec![MessageKind::Image], larger: Some(100), ..empty() }, false),
        ] {
            assert_eq!(condition.holds(&facts), expected, "{condition:?}");
        }
        let undeclared = Facts { declared: None, ..facts };
        assert!(!Condition { declared: vec![pattern("image/*")], ..empty() }.holds(&undeclared));
    }

    #[test]
    fn patterns_are_types() {
        for wrong in ["", "image", "image/", "/png", "*/*", "image/p*", "a b/c", "image/png/x"] {
            assert_eq!(TypePattern::new(wrong), None, "{wrong}");
        }
        assert!(!pattern("image/*").matches("imagination/x"));
    }

    #[test]
    fn what_covers_what() {
        let empty = Condition::default;
        let images = Condition { kinds: vec![MessageKind::Image], ..empty() };
        let large = Condition { larger: Some(10), ..empty() };
        let larger = Condition { larger: Some(20), ..empty() };
        let large_images = Condition { larger: Some(20), ..images.clone() };
        let raster = Condition { types: vec![pattern("image/*")], ..empty() };
        let png = Condition { types: vec![pattern("image/png")], ..empty() };
        for (one, other, expected) in [
            (&empty(), &images, true),
            (&images, &empty(), false),
            (&images, &large_images, true),
            (&large_images, &images, false),
            (&large, &larger, true),
            (&larger, &large, false),
            (&large, &large_images, true),
            (&raster, &png, true),
            (&png, &raster, false),
            (&raster, &images, false),
        ] {
            assert_eq!(one.covers(other), expected, "{one:?} / {other:?}");
        }
        assert!(Condition { larger: Some(5), up_to: Some(5), ..empty() }.is_impossible());
        assert!(!Condition { larger: Some(5), up_to: Some(6), ..empty() }.is_impossible());
    }
}
