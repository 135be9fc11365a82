//! Variants: one level of replacements by id over the file itself. In: the file's table and the variant's name. Out:
//! the table with frames and calls replaced, added or removed.

use toml_edit::{ArrayOfTables, Item, Table};

use super::super::problem::suggestion;
use super::section::Report;

/// Applies `[variant.NAME]`; without a name the file stands as it is.
pub fn apply(root: &Table, variant: Option<&str>, report: &Report) -> Table {
    let mut table = root.clone();
    let variants = table.remove("variant");
    let Some(name) = variant else { return table };
    let variants = variants.as_ref().and_then(Item::as_table_like);
    let Some(chosen) = variants.and_then(|variants| variants.get(name)).and_then(Item::as_table_like) else {
        let known: Vec<&str> =
            variants.map(|variants| variants.iter().map(|(key, _)| key).collect()).unwrap_or_default();
        report.add(0..1, format!("this dialect has no variant `{name}`"), suggestion(name, known));
        return table;
    };
    for (key, item) in chosen.iter() {
        match (key, item) {
            ("remove", Item::Value(value)) => {
                for id in value.as_array().into_iter().flatten().filter_map(toml_edit::Value::as_str) {
                    remove(&mut table, id);
                }
            }
            ("http", Item::ArrayOfTables(calls)) => replace(array(&mut table, "http"), calls),
            ("frame", Item::ArrayOfTables(frames)) => replace_frames(&mut table, frames, report),
            // Anything else replaces the section of that name: `[variant.x.options]`, `[variant.x.refusals]` …
            (key, item) => {
                table.insert(key, item.clone());
            }
        }
    }
    table
}

fn array<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut ArrayOfTables> {
    table.entry(key).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())).as_array_of_tables_mut()
}

fn id_of(table: &Table) -> Option<&str> {
    table.get("id").and_then(Item::as_str)
}

fn replace(list: Option<&mut ArrayOfTables>, with: &ArrayOfTables) {
    let Some(list) = list else { return };
    for table in with {
        let place = list.iter().position(|old| id_of(old) == id_of(table));
        match place.and_then(|at| list.get_mut(at)) {
            Some(old) => *old = table.clone(),
            None => list.push(table.clone()),
        }
    }
}

/// A frame goes to the socket that its `socket` names, or to the only one.
fn replace_frames(root: &mut Table, frames: &ArrayOfTables, report: &Report) {
    for frame in frames {
        let mut frame = frame.clone();
        let socket = frame.remove("socket");
        let wanted = socket.as_ref().and_then(Item::as_str).map(str::to_owned);
        let Some(sockets) = array(root, "socket") else { continue };
        let found = sockets.iter_mut().find(|socket| wanted.as_deref().is_none_or(|id| id_of(socket) == Some(id)));
        match found {
            Some(socket) => {
                let mut one = ArrayOfTables::new();
                one.push(frame);
                replace(array(socket, "frame"), &one);
            }
            None => report.add(frame.span().unwrap_or(0..1), "no socket for this frame", None),
        }
    }
}

/// `frame.<id>` or `http.<id>`.
fn remove(root: &mut Table, id: &str) {
    if let Some(id) = id.strip_prefix("http.")
        && let Some(calls) = array(root, "http")
    {
        calls.retain(|call| id_of(call) != Some(id));
    }
    if let Some(id) = id.strip_prefix("frame.")
        && let Some(sockets) = array(root, "socket")
    {
        for socket in sockets.iter_mut() {
            if let Some(frames) = array(socket, "frame") {
                frames.retain(|frame| id_of(frame) != Some(id));
            }
        }
    }
}
