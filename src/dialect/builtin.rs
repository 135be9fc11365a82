//! The lists of built-in dialects: the only place in the source that knows them by name. Each is its file and nothing
//! else.

use std::sync::{Arc, OnceLock};

use super::file::Choice;
use super::model::Dialect;

/// Name and text of every built-in file.
pub const BUILTIN: &[(&str, &str)] = &[
    ("frontdesk", include_str!("../../dialects/frontdesk.toml")),
    ("andromedia", include_str!("../../dialects/andromedia.toml")),
    ("licomed", include_str!("../../dialects/licomed.toml")),
    ("divar", include_str!("../../dialects/divar.toml")),
    ("luxmart", include_str!("../../dialects/luxmart.toml")),
];

/// The same of those that are only spoken outwards, by deliveries: nobody connects in them.
pub const OUTWARD: &[(&str, &str)] = &[("whatsapp_cloud", include_str!("../../dialects/whatsapp_cloud.toml"))];

/// Names of all built-in files.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().chain(OUTWARD).map(|(name, _)| *name)
}

/// The text of a built-in file.
pub fn text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().chain(OUTWARD).find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All built-in dialects as documented, compiled once.
pub fn all() -> &'static [Arc<Dialect>] {
    static ALL: OnceLock<Vec<Arc<Dialect>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parsed = BUILTIN
            .iter()
            .map(|(name, text)| Dialect::parse(&format!("dialects/{name}.toml"), text, &Choice::default()));
        // A built-in file with a mistake never leaves the house: a test parses each.
        parsed.filter_map(Result::ok).map(Arc::new).collect()
    })
}

/// Every variant of a built-in dialect.
pub fn variants() -> Vec<Arc<Dialect>> {
    let named = |(name, text): &(&str, &str)| -> Vec<String> {
        Dialect::variants(text).into_iter().map(|variant| format!("{name}@{variant}")).collect()
    };
    BUILTIN.iter().flat_map(named).filter_map(|name| find(&name)).collect()
}

/// A built-in dialect as documented, or `name@variant`.
pub fn find(name: &str) -> Option<Arc<Dialect>> {
    if let Some((family, variant)) = name.split_once('@') {
        let text = text(family).filter(|text| Dialect::variants(text).iter().any(|known| known == variant))?;
        let choice = Choice { variant: Some(variant.to_owned()), ..Choice::default() };
        return Dialect::parse(&format!("dialects/{family}.toml"), text, &choice).ok().map(Arc::new);
    }
    let known = all().iter().find(|dialect| &*dialect.name == name).cloned();
    known.or_else(|| {
        Dialect::parse(&format!("dialects/{name}.toml"), text(name)?, &Choice::default()).ok().map(Arc::new)
    })
}
