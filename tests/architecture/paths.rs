//! The rooms that a file reaches. In: its path below `src` and its code without comments and texts. Out: the first name of
//! every path from the root of the crate, however it is written: `crate::a`, `crate::{a, b::c}`, `super::super::a`.

use std::collections::BTreeSet;

/// Every room that is named in a path from the root.
pub fn rooms(path: &str, code: &str) -> BTreeSet<String> {
    let words = words(code);
    let depth = depth(path);
    let nesting = nesting(&words);
    let mut rooms = BTreeSet::new();
    let mut at = 0;
    while at < words.len() {
        let root = root(&words, at, depth + nesting[at]);
        match root {
            Some(after) => {
                first_names(&words, after, &mut rooms);
                at = after;
            }
            None => at += 1,
        }
    }
    rooms
}

/// How many `super` lead from a file to the root: `lib.rs` 0, `a.rs` and `a/mod.rs` 1, `a/b.rs` 2.
fn depth(path: &str) -> usize {
    let names = path.split('/').count();
    if path.ends_with("/mod.rs") { names - 1 } else { names }
}

/// In how many `mod name { … }` of its own file each word stands.
fn nesting(words: &[String]) -> Vec<usize> {
    let mut open: Vec<bool> = Vec::new();
    let mut nesting = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        match word.as_str() {
            "{" => open.push(at >= 2 && words[at - 2] == "mod"),
            "}" => {
                open.pop();
            }
            _ => {}
        }
        nesting.push(open.iter().filter(|is_module| **is_module).count());
    }
    nesting
}

/// Names, `::` and single signs.
fn words(code: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut colon = false;
    for letter in code.chars() {
        if letter.is_alphanumeric() || letter == '_' {
            name.push(letter);
            continue;
        }
        if !name.is_empty() {
            words.push(std::mem::take(&mut name));
        }
        if letter == ':' && colon {
            words.pop();
            words.push("::".to_owned());
            colon = false;
            continue;
        }
        if !letter.is_whitespace() {
            words.push(letter.to_string());
        }
        colon = letter == ':';
    }
    if !name.is_empty() {
        words.push(name);
    }
    words
}

/// The place after `crate::`, after `dragoman::` or after as many `super::` as lead to the root, if one starts here.
fn root(words: &[String], at: usize, depth: usize) -> Option<usize> {
    let is = |at: usize, word: &str| words.get(at).is_some_and(|known| known == word);
    if (is(at, "crate") || is(at, "dragoman")) && is(at + 1, "::") {
        return Some(at + 2);
    }
    // Only where a chain begins: its tail is shorter and leads elsewhere.
    if !is(at, "super") || (at > 0 && is(at - 1, "::")) {
        return None;
    }
    let chain = (0..).take_while(|step| is(at + 2 * step, "super") && is(at + 2 * step + 1, "::")).count();
    (chain == depth).then_some(at + 2 * chain)
}

/// The name here, or the first name of each branch of the tree here.
fn first_names(words: &[String], at: usize, rooms: &mut BTreeSet<String>) {
    let Some(word) = words.get(at) else { return };
    if word != "{" {
        if is_room_like(word) {
            rooms.insert(word.clone());
        }
        return;
    }
    let mut depth = 0;
    let mut fresh = true;
    for word in &words[at..] {
        match word.as_str() {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => fresh = true,
            name if depth == 1 && fresh => {
                if is_room_like(name) {
                    rooms.insert(name.to_owned());
                }
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

/// Modules are lower-case; the crate's own macros and types at the root are not rooms.
fn is_room_like(word: &str) -> bool {
    word != "self" && word.starts_with(|letter: char| letter.is_ascii_lowercase())
}
