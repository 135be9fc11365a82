//! Files of a dialect: which it carries, how large, where they are kept.

use std::collections::BTreeMap;

use crate::event::{Field, MessageKind};

/// Which files a dialect carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileTypes {
    /// By kind; a kind that is missing is not carried.
    pub kinds: BTreeMap<MessageKind, KindTypes>,
    /// Every type but some.
    pub any: Option<AnyType>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindTypes {
    /// Bytes; this many are allowed.
    pub max: u64,
    /// Extension (lower case, no dot) → MIME type.
    pub extensions: BTreeMap<String, String>,
    /// MIME type → how a server of the dialect wants it declared, where that is another name.
    pub declared: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnyType {
    pub max: u64,
    /// Extensions that are refused.
    pub except: Vec<String>,
}

impl FileTypes {
    /// The kind and MIME type of a file name here, if files of its extension are carried. `wanted` narrows to one kind;
    /// of an extension that is listed under several kinds the declared type decides, else the first.
    pub fn find(
        &self,
        name: &str,
        declared: Option<&str>,
        wanted: Option<MessageKind>,
    ) -> Option<(MessageKind, String)> {
        let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        if let Some(extension) = &extension {
            let mut listed = self
                .kinds
                .iter()
                .filter(|(kind, _)| wanted.is_none_or(|wanted| wanted == **kind))
                .filter_map(|(kind, types)| types.extensions.get(extension).map(|mime| (*kind, mime.clone())));
            let declared_kind = declared.map(MessageKind::of_mime);
            let first = listed.next();
            let agreeing = first
                .clone()
                .filter(|(kind, _)| Some(*kind) == declared_kind)
                .or_else(|| listed.find(|(kind, _)| Some(*kind) == declared_kind));
            if let Some(found) = agreeing.or(first) {
                return Some(found);
            }
        }
        let any = self.any.as_ref()?;
        if extension.as_ref().is_some_and(|extension| any.except.contains(extension)) {
            return None;
        }
        let mime = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream").to_owned();
        let kind = MessageKind::of_mime(&mime);
        // Where anything goes, the kind that is asked for goes too.
        Some((wanted.unwrap_or(kind), mime))
    }

    /// How a server of the dialect wants a file of this kind and MIME type declared.
    pub fn declared<'a>(&'a self, kind: MessageKind, mime: &'a str) -> &'a str {
        let listed = self.kinds.get(&kind).and_then(|types| types.declared.get(mime));
        listed.map_or(mime, String::as_str)
    }

    /// The largest file of a kind, in bytes.
    pub fn max(&self, kind: MessageKind) -> Option<u64> {
        self.kinds.get(&kind).map(|types| types.max).or(self.any.as_ref().map(|any| any.max))
    }

    /// Takes files of every kind that are as large as this, in bytes; what is above it already stays.
    pub fn raise(&mut self, largest: u64) {
        let listed = self.kinds.values_mut().map(|types| &mut types.max);
        for max in listed.chain(self.any.as_mut().map(|any| &mut any.max)) {
            *max = largest.max(*max);
        }
    }

    /// The largest file of all, in bytes.
    pub fn largest(&self) -> u64 {
        let listed = self.kinds.values().map(|types| types.max).max();
        listed.into_iter().chain(self.any.as_ref().map(|any| any.max)).max().unwrap_or(0)
    }
}

/// Where uploads are kept and served.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Storage {
    /// Key templates; the first whose fields are all there is taken.
    pub keys: Vec<KeyTemplate>,
    /// The path below which files are served, with slashes at both ends.
    pub public: String,
    pub access: FileAccess,
}

/// Who may read a file whose address they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum FileAccess {
    /// Whoever has the address, which nobody can guess.
    #[default]
    Url,
    /// Only who shows a credential and may see the file's conversation.
    Conversation,
}

impl FileAccess {
    /// The spelling of dialect files and configs.
    pub const WORDS: &'static [(&'static str, FileAccess)] =
        &[("url", FileAccess::Url), ("conversation", FileAccess::Conversation)];
}

/// `chat/session-{conversation.id}/{stem}-{random}.{ext}`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTemplate(pub Vec<KeyPiece>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPiece {
    Text(String),
    Field(Field),
    /// 32 hexadecimal digits that nobody can guess.
    Random,
    /// The file's name, made safe.
    Name,
    /// The name without its extension, made safe.
    Stem,
    Extension,
    Year,
    Month,
    Day,
}

impl KeyPiece {
    /// What every template may have in braces, beside fields.
    pub const WORDS: &[(&str, KeyPiece)] = &[
        ("random", KeyPiece::Random),
        ("name", KeyPiece::Name),
        ("stem", KeyPiece::Stem),
        ("ext", KeyPiece::Extension),
        ("year", KeyPiece::Year),
        ("month", KeyPiece::Month),
        ("day", KeyPiece::Day),
    ];

    /// What stands outside of braces, if anything does; `None` where a brace does.
    fn text(plain: &str) -> Option<Option<Self>> {
        let text = (!plain.is_empty()).then(|| KeyPiece::Text(plain.to_owned()));
        (!plain.contains('}')).then_some(text)
    }
}

impl KeyTemplate {
    /// Reads a template; `field` knows what else may stand in braces, and what it does not know is left out. `None`: a
    /// brace has no partner.
    pub fn parse(text: &str, mut field: impl FnMut(&str) -> Option<Field>) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            pieces.extend(KeyPiece::text(plain)?);
            let known = KeyPiece::WORDS.iter().find(|(word, _)| *word == name);
            pieces.extend(known.map(|(_, piece)| piece.clone()).or_else(|| field(name).map(KeyPiece::Field)));
            rest = after;
        }
        pieces.extend(KeyPiece::text(rest)?);
        Some(KeyTemplate(pieces))
    }

    /// Whether nobody can guess its keys, and no two files get the same.
    pub fn is_unguessable(&self) -> bool {
        self.0.contains(&KeyPiece::Random)
    }
}
