//! The one pass: serde_json reads, the key tree says what to keep. Depth is bounded by serde_json (128), duplicate keys
//! are refused wherever they stand.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use crate::fault::{Fault, Reason};

use super::super::capture::Captured;
use super::tree::KeyTree;

/// What was found, by place.
pub type Captures<'a> = SmallVec<[Captured<'a>; 24]>;

pub fn scan<'a>(tree: &KeyTree, text: &'a str) -> Result<Captures<'a>, Fault> {
    let mut captures: Captures<'a> = SmallVec::new();
    captures.resize(tree.len().max(1), Captured::Missing);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let result = PlaceSeed { tree, at: 0, captures: &mut captures }.deserialize(&mut deserializer);
    match result.and_then(|()| deserializer.end()) {
        Ok(()) => Ok(captures),
        Err(error) => Err(Fault::new(Reason::Malformed).detail(error.to_string())),
    }
}

/// Reads the value at a place of the tree.
struct PlaceSeed<'t, 'c, 'de> {
    tree: &'t KeyTree,
    at: usize,
    captures: &'c mut Captures<'de>,
}

impl<'de> DeserializeSeed<'de> for PlaceSeed<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.tree.len() > 0 && self.tree.is_raw(self.at) {
            let raw = <&'de RawValue as serde::Deserialize>::deserialize(deserializer)?.get();
            self.captures[self.at] = if raw == "null" { Captured::Null } else { Captured::Raw(raw) };
            return Ok(());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PlaceSeed<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.captures[self.at] = Captured::Null;
        Ok(())
    }

    fn visit_bool<E>(self, flag: bool) -> Result<(), E> {
        self.captures[self.at] = Captured::Boolean(flag);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.captures[self.at] = Captured::Integer(number);
        Ok(())
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beyond 64 bits it is only told apart from integers, never used as one"
    )]
    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.captures[self.at] = match i64::try_from(number) {
            Ok(number) => Captured::Integer(number),
            Err(_) => Captured::Number(number as f64),
        };
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.captures[self.at] = Captured::Number(number);
        Ok(())
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.captures[self.at] = Captured::Text(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.captures[self.at] = Captured::Text(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.captures[self.at] = Captured::Array;
        while items.next_element_seed(Ignored)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.captures[self.at] = Captured::Object;
        let mut unknown = KeysSeen::default();
        while let Some(key) = members.next_key_seed(KeySeed { tree: self.tree, at: self.at })? {
            match key {
                Key::Place(at) if self.captures[at] != Captured::Missing => {
                    return Err(A::Error::custom("duplicate key"));
                }
                Key::Place(at) => {
                    members.next_value_seed(PlaceSeed { tree: self.tree, at, captures: &mut *self.captures })?;
                }
                Key::Other(hash) if unknown.repeats(hash) => return Err(A::Error::custom("duplicate key")),
                Key::Other(_) => members.next_value_seed(Ignored)?,
            }
        }
        Ok(())
    }
}

enum Key {
    Place(usize),
    /// The hash of a key that no shape names.
    Other(u64),
}

struct KeySeed<'t> {
    tree: &'t KeyTree,
    at: usize,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        let place = if self.tree.len() > 0 { self.tree.find(self.at, key) } else { None };
        Ok(place.map_or_else(|| Key::Other(hash(key)), Key::Place))
    }
}

/// FNV-1a. A collision that somebody constructs refuses nobody's frame but their own.
fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Keys of one object that no shape names: a few are compared one by one, many by a set.
#[derive(Default)]
struct KeysSeen {
    few: SmallVec<[u64; 16]>,
    many: HashSet<u64>,
}

impl KeysSeen {
    fn repeats(&mut self, hash: u64) -> bool {
        if self.few.len() < 16 {
            let repeated = self.few.contains(&hash);
            self.few.push(hash);
            return repeated;
        }
        self.few.contains(&hash) || !self.many.insert(hash)
    }
}

/// A value that no shape names: read, checked, not kept.
struct Ignored;

impl<'de> DeserializeSeed<'de> for Ignored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ignored {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Ignored)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = KeysSeen::default();
        while let Some(hash) = members.next_key_seed(HashSeed)? {
            if seen.repeats(hash) {
                return Err(A::Error::custom("duplicate key"));
            }
            members.next_value_seed(Ignored)?;
        }
        Ok(())
    }
}

struct HashSeed;

impl<'de> DeserializeSeed<'de> for HashSeed {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for HashSeed {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<u64, E> {
        Ok(hash(key))
    }
}
