//! A dialect file → a [`Dialect`], or every mistake in it with its place. In: the text, the variant and the options a
//! route chose. Out: what the rest of the gateway asks.

mod buttons;
mod calls;
mod credentials;
mod declared;
mod frames;
mod overlay;
mod refusals;
mod schema;
mod section;
mod shapes;
mod sockets;
mod types;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::event::{ConversationKind, IdForm};

use super::model::{
    ConversationName, ConversationNaming, CreateConversation, Dialect, Ids, Longest, OptionValue, SubscriptionRule,
    Webhook,
};
use super::problem::{Problem, Problems, suggestion};
use super::redact::Redaction;
pub use schema::schema;
use section::{Report, Section};
use shapes::Library;

/// What a route chose of a dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    pub variant: Option<String>,
    /// Values in place of the defaults of `[options]`.
    pub options: BTreeMap<String, OptionValue>,
    /// The largest file, in bytes, where the route takes larger ones than the dialect says.
    pub largest_file: Option<u64>,
    /// What stands before all paths of the route, without a slash at its end; empty for none.
    pub prefix: String,
}

impl Dialect {
    /// Names of the variants of a dialect file; none of one that cannot be read.
    pub fn variants(text: &str) -> Vec<String> {
        toml_edit::Document::parse(text).map(|document| overlay::names(document.as_table())).unwrap_or_default()
    }

    /// Reads a dialect file. `source` is its name for messages.
    pub fn parse(source: &str, text: &str, choice: &Choice) -> Result<Dialect, Problems> {
        let problems = |list| Problems { source: source.to_owned(), text: text.to_owned(), list };
        let document = match toml_edit::Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                let span = error.span().unwrap_or(0..1);
                return Err(problems(vec![Problem { span, message: error.message().to_owned(), help: None }]));
            }
        };
        let report = Report::default();
        let overlaid = overlay::apply(document.as_table(), choice.variant.as_deref(), &report);
        let root = Section::new(&overlaid, &declared::ROOT, 0..1, text, &report);
        let dialect = read(&root, choice).map(|dialect| Dialect { digest: digest(text, choice), ..dialect });
        root.finish();
        let list = report.into_list();
        match dialect {
            Some(dialect) if list.is_empty() => Ok(dialect),
            _ => Err(problems(list)),
        }
    }

    /// Reads a dialect file and each of its variants: the file itself, or the mistakes of all, each once.
    pub fn parse_with_variants(source: &str, text: &str) -> Result<Dialect, Problems> {
        let plain = Dialect::parse(source, text, &Choice::default());
        let of_variant = |name| Dialect::parse(source, text, &Choice { variant: Some(name), ..Choice::default() });
        let variants = Dialect::variants(text).into_iter().filter_map(|name| of_variant(name).err());
        let mut list: Vec<Problem> = variants.flat_map(|problems| problems.list).collect();
        let (dialect, mut all) = match plain {
            Ok(dialect) => (Some(dialect), Problems { source: source.to_owned(), text: text.to_owned(), list: vec![] }),
            Err(problems) => (None, problems),
        };
        list.retain(|problem| !all.list.contains(problem));
        all.list.append(&mut list);
        all.list.sort_by_key(|problem| problem.span.start);
        all.list.dedup();
        dialect.filter(|_| all.list.is_empty()).ok_or(all)
    }
}

fn read(root: &Section<'_>, choice: &Choice) -> Option<Dialect> {
    let name = root.needed_text("name");
    let summary = root.needed_text("summary");
    let source = root.needed_text("source");
    let redaction = redaction(root);
    let options = options(root, choice);
    let ids = ids(root);
    let naming = naming(root);
    let buttons = buttons::read(root).map(Arc::new);
    let library = Library::read(root, ids, &options, &choice.prefix, buttons.clone());
    library.check(root);
    let refusals = refusals::read(root, "refusals", &library);
    let credentials = credentials::read(root);
    let mut types = types::read(root);
    types.raise(choice.largest_file.unwrap_or(0));
    let storage = types::storage(root);
    let longest = root.section("longest").map(longest).unwrap_or_default();
    let sockets = root.sections("socket").into_iter().map(|table| sockets::read(table, &library, &options)).collect();
    let calls = root.sections("http").into_iter().filter_map(|table| calls::read(table, &library, &options)).collect();
    let webhooks =
        root.sections("webhook").into_iter().filter_map(|table| webhook(table, &library, &options)).collect();
    library.check_buttons(root);
    if let Some(name) = &name
        && !name.value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    {
        root.problem(name.span.clone(), "a name is lower-case letters, digits and `_`", None);
    }
    let full_name = match &choice.variant {
        Some(variant) => format!("{}@{variant}", name?.value),
        None => name?.value,
    };
    Some(Dialect {
        name: full_name.into(),
        summary: summary?.value,
        source: source?.value,
        ids,
        naming,
        credentials,
        types,
        storage,
        longest,
        options,
        sockets,
        calls,
        webhooks,
        refusals,
        redaction,
        buttons,
        digest: [0; 32],
    })
}

fn digest(text: &str, choice: &Choice) -> [u8; 32] {
    // Where a route is does not make it another dialect.
    let choice = Choice { prefix: String::new(), ..choice.clone() };
    // Quoted, so that two different choices are never spelt the same.
    Sha256::new().chain_update(format!("{choice:?}")).chain_update(text).finalize().into()
}

fn redaction(root: &Section<'_>) -> Redaction {
    let mut names = Vec::new();
    for text in root.texts("redact") {
        match Redaction::name(&text.value) {
            Some(name) => names.push(name.to_owned()),
            None => {
                let help = Some("a member of any object, wherever it stands: \"$..name\"".to_owned());
                root.problem(text.span, format!("`{}` cannot be redacted", text.value), help);
            }
        }
    }
    Redaction::new(names)
}

fn ids(root: &Section<'_>) -> Ids {
    let mut ids = Ids { message: IdForm::Text, conversation: IdForm::Text, party: IdForm::Text };
    if let Some(section) = root.section("ids") {
        let form = |key| section.word(key, "form of ids", words::ID_FORMS);
        ids.message = form("message").unwrap_or(IdForm::Text);
        ids.conversation = form("conversation").unwrap_or(IdForm::Text);
        ids.party = form("party").unwrap_or(IdForm::Text);
        section.finish();
    }
    ids
}

fn longest(section: Section<'_>) -> Longest {
    let longest = Longest { text: section.number("text"), caption: section.number("caption") };
    section.finish();
    longest
}

fn naming(root: &Section<'_>) -> ConversationNaming {
    let mut naming = ConversationNaming {
        name: ConversationName::Id,
        kind: ConversationKind::Department,
        create: CreateConversation::Never,
        members_only: false,
    };
    let Some(section) = root.section("conversation") else { return naming };
    if section.is_list("name") {
        let fields = section.texts("name").iter().filter_map(|text| words::field(&section, text)).collect();
        naming.name = ConversationName::Keys(fields);
    } else if let Some(text) = section.text("name") {
        match words::NAMINGS.iter().find(|(name, _)| *name == text.value) {
            Some((_, name)) => naming.name = name.clone(),
            None => section.problem(text.span, "wanted \"id\", \"pair\" or a list of fields", None),
        }
    }
    if let Some(kind) = section.text("kind").and_then(|text| words::conversation_kind(&section, &text)) {
        naming.kind = kind;
    }
    naming.create = section.word("create", "way of creation", words::CREATIONS).unwrap_or(naming.create);
    naming.members_only = section.word("members", "rule of membership", words::MEMBERSHIPS).unwrap_or(false);
    section.finish();
    naming
}

/// The knobs with the values that the route chose; unknown ones are mistakes of the route and noted here.
fn options(root: &Section<'_>, choice: &Choice) -> BTreeMap<String, OptionValue> {
    let mut options = BTreeMap::new();
    if let Some(section) = root.section("options") {
        for (name, span) in section.keys() {
            let value = match section.value(name) {
                Some(toml_edit::Value::Boolean(flag)) => OptionValue::Flag(*flag.value()),
                Some(toml_edit::Value::String(text)) => OptionValue::Text(text.value().clone()),
                _ => {
                    section.problem(span, "an option is true, false or a text", None);
                    continue;
                }
            };
            options.insert(name.to_owned(), value);
        }
    }
    for (name, value) in &choice.options {
        match options.get_mut(name) {
            Some(known) if std::mem::discriminant(known) == std::mem::discriminant(value) => *known = value.clone(),
            Some(_) => root.problem(0..1, format!("option `{name}` has another type"), None),
            None => {
                let help = suggestion(name, options.keys().map(String::as_str));
                root.problem(0..1, format!("this dialect has no option `{name}`"), help);
            }
        }
    }
    options
}

/// Whether a section's `option` guard holds: `"name"`, or `"!name"`.
fn is_chosen(section: &Section<'_>, options: &BTreeMap<String, OptionValue>) -> bool {
    let Some(text) = section.text("option") else { return true };
    let (name, wanted) = match text.value.strip_prefix('!') {
        Some(name) => (name, false),
        None => (text.value.as_str(), true),
    };
    match options.get(name) {
        Some(OptionValue::Flag(flag)) => *flag == wanted,
        _ => {
            let help = suggestion(name, options.keys().map(String::as_str));
            section.problem(text.span, format!("`{name}` is no option that is true or false"), help);
            true
        }
    }
}

fn webhook(section: Section<'_>, library: &Library, options: &BTreeMap<String, OptionValue>) -> Option<Webhook> {
    let chosen = is_chosen(&section, options);
    let id = section.needed_text("id");
    let headers = section.section("headers").map(|headers| {
        let names = headers.keys().into_iter();
        names.filter_map(|(name, _)| Some((name.to_owned(), headers.text(name)?.value))).collect::<Vec<_>>()
    });
    let mut frame = frames::body(&section, id.as_ref().map_or("webhook", |id| &id.value), library);
    if let Some(frame) = &mut frame {
        // One about nothing is known and passed over.
        frame.written = frame.pattern.is_some();
    }
    let shapes = library.compile(&section, frame.into_iter().collect());
    let subscription = section.section("subscription").and_then(|table| subscription(table, options));
    section.finish();
    chosen.then_some(Webhook { id: id?.value, shapes, headers: headers.unwrap_or_default(), subscription })
}

fn subscription(section: Section<'_>, options: &BTreeMap<String, OptionValue>) -> Option<SubscriptionRule> {
    let needed = section.has("option") && is_chosen(&section, options);
    let kind = section.needed_text("type");
    let resource = section.text("resource").and_then(|text| words::field(&section, &text));
    section.finish();
    Some(SubscriptionRule { kind: kind?.value, resource, needed })
}

/// An `Arc` of a text's value.
fn shared(text: section::Text) -> Arc<str> {
    text.value.into()
}
