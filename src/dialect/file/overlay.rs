//! Variants: one level of changes over the file itself. In: the file's table and the variant's name. Out: the table with
//! sections, sockets, frames and calls changed, added or removed.

use toml_edit::{ArrayOfTables, Item, Table, TableLike};

use super::super::problem::suggestion;
use super::section::Report;

/// Lists that are changed by id; of all others a variant gives the whole.
const BY_ID: &[&str] = &["http", "socket", "webhook"];

/// Names of a file's variants.
pub fn names(root: &Table) -> Vec<String> {
    let variants = root.get("variant").and_then(Item::as_table_like);
    variants.map(|variants| variants.iter().map(|(name, _)| name.to_owned()).collect()).unwrap_or_default()
}

/// Applies `[variant.NAME]`; without a name the file stands as it is.
pub fn apply(root: &Table, variant: Option<&str>, report: &Report) -> Table {
    let mut table = root.clone();
    let variants = table.remove("variant");
    if let Some(item) = variants.as_ref().filter(|item| !item.is_table_like()) {
        let message = format!("`variant` is {}, wanted a table", item.type_name());
        report.add(item.span().unwrap_or(0..1), message, None);
    }
    let Some(name) = variant else { return table };
    let written = variants.as_ref().and_then(Item::as_table_like).and_then(|variants| variants.get(name));
    if let Some(item) = written.filter(|item| !item.is_table_like()) {
        let message = format!("`{name}` is {}, wanted a table", item.type_name());
        report.add(item.span().unwrap_or(0..1), message, None);
        return table;
    }
    let find = |name: &str| variants.as_ref().and_then(Item::as_table_like)?.get(name).and_then(Item::as_table_like);
    let unknown = |name: &str, span| {
        let help = suggestion(name, names(root).iter().map(String::as_str));
        report.add(span, format!("this dialect has no variant `{name}`"), help);
    };
    let Some(chosen) = find(name) else {
        unknown(name, 0..1);
        return table;
    };
    if let Some(item) = chosen.get("like") {
        let span = item.span().unwrap_or(0..1);
        match item.as_str().and_then(|other| Some((other, find(other)?))) {
            Some((other, first)) if first.get("like").is_none() => change(&mut table, other, first, report),
            Some((other, _)) => report.add(span, format!("`{other}` is itself like another variant"), None),
            None => unknown(item.as_str().unwrap_or_default(), span),
        }
    }
    change(&mut table, name, chosen, report);
    table
}

fn change(table: &mut Table, variant: &str, chosen: &dyn TableLike, report: &Report) {
    for (key, item) in chosen.iter() {
        match key {
            "like" => {}
            "remove" => {
                if !item.is_array() {
                    report.add(item.span().unwrap_or(0..1), "`remove` wants a list of texts", None);
                }
                for value in item.as_array().into_iter().flatten() {
                    let id = value.as_str().unwrap_or_default();
                    if !remove(table, id) {
                        let help = Some("`frame.<id>` or `http.<id>` of the file itself".to_owned());
                        let span = value.span().unwrap_or(0..1);
                        report.add(span, format!("`{id}` is not there for `{variant}` to remove"), help);
                    }
                }
            }
            "frame" => change_frames(table, item, report),
            list if BY_ID.contains(&list) => match item.as_array_of_tables() {
                Some(changes) => changes.iter().for_each(|change| by_id(array(table, list), change)),
                None => report.add(item.span().unwrap_or(0..1), format!("wanted `[[variant.{variant}.{list}]]`"), None),
            },
            _ => merge(table, key, item),
        }
    }
}

/// The members of a section in place of those of the same name; a value in place of the value.
fn merge(table: &mut Table, key: &str, item: &Item) {
    match (table.get_mut(key).and_then(Item::as_table_like_mut), item.as_table_like()) {
        (Some(old), Some(new)) => {
            for (name, value) in new.iter() {
                put(old, new, name, value);
            }
        }
        _ => {
            table.insert(key, item.clone());
        }
    }
}

/// Puts a member with its place in the file, which mistakes are shown with.
fn put(old: &mut dyn TableLike, new: &dyn TableLike, name: &str, value: &Item) {
    if let Some((key, _)) = new.get_key_value(name) {
        *old.entry_format(key).or_insert(Item::None) = value.clone();
    }
}

fn array<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut ArrayOfTables> {
    table.entry(key).or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new())).as_array_of_tables_mut()
}

fn id_of(table: &Table) -> Option<&str> {
    table.get("id").and_then(Item::as_str)
}

/// The members of a table in place of those of the one with its id; a new id is added.
fn by_id(list: Option<&mut ArrayOfTables>, change: &Table) {
    let Some(list) = list else { return };
    let place = list.iter().position(|old| id_of(old) == id_of(change));
    match place.and_then(|at| list.get_mut(at)) {
        Some(old) => {
            for (name, value) in change.iter() {
                put(old, change, name, value);
            }
        }
        None => list.push(change.clone()),
    }
}

/// A frame goes to the socket that its `socket` names, or to the first.
fn change_frames(root: &mut Table, item: &Item, report: &Report) {
    let Some(frames) = item.as_array_of_tables() else {
        report.add(item.span().unwrap_or(0..1), "wanted `[[variant.NAME.frame]]`", None);
        return;
    };
    for frame in frames {
        let mut frame = frame.clone();
        let socket = frame.remove("socket");
        let wanted = socket.as_ref().and_then(Item::as_str).map(str::to_owned);
        let Some(sockets) = array(root, "socket") else { continue };
        let found = sockets.iter_mut().find(|socket| wanted.as_deref().is_none_or(|id| id_of(socket) == Some(id)));
        match found {
            Some(socket) => by_id(array(socket, "frame"), &frame),
            None => report.add(frame.span().unwrap_or(0..1), "no socket for this frame", None),
        }
    }
}

/// `frame.<id>` or `http.<id>`; whether it was there.
fn remove(root: &mut Table, id: &str) -> bool {
    let drop_from = |list: Option<&mut ArrayOfTables>, id: &str| {
        let Some(list) = list else { return false };
        let before = list.len();
        list.retain(|table| id_of(table) != Some(id));
        list.len() < before
    };
    match id.split_once('.') {
        Some(("http", id)) => drop_from(array(root, "http"), id),
        Some(("frame", id)) => {
            let sockets = array(root, "socket").into_iter().flat_map(ArrayOfTables::iter_mut);
            sockets.map(|socket| drop_from(array(socket, "frame"), id)).filter(|found| *found).count() > 0
        }
        _ => false,
    }
}
