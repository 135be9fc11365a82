//! Named shapes and enum tables of a file, and the compiling of whatever uses them. In: their sections. Out: frame sets.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::event::{Field, IdForm, Resource};

use super::super::buttons::{Grid, is_grid};
use super::super::codec::Codec;
use super::super::frame::{Frame, FrameSet, Guard};
use super::super::model::{EventPattern, Ids, OptionValue};
use super::super::shape::{self, NamedText, Names, Node};
use super::super::table::{EnumTable, Scalar};
use super::super::url_end::UrlEnd;
use super::section::{Section, Text};
use super::{frames, words};

/// A named shape: one text, or the first that fits of several named ones.
struct Named {
    name: String,
    pattern: Option<EventPattern>,
    text: Option<Text>,
    one_of: Vec<Text>,
    when: Option<Guard>,
    set: Vec<(Field, Scalar)>,
    /// Whether the options want it; one that is not wanted is checked and is no part of a union.
    chosen: bool,
    offset: usize,
}

/// All names of one file.
pub struct Library {
    ids: Ids,
    options: BTreeMap<String, OptionValue>,
    enums: Vec<Arc<EnumTable>>,
    url_ends: Vec<Arc<UrlEnd>>,
    codecs: Vec<(String, Codec)>,
    named: Vec<Named>,
    texts: Vec<NamedText>,
    compiled: RefCell<HashMap<String, Option<Arc<FrameSet>>>>,
    grid: Option<Arc<Grid>>,
    /// Whether any of its shapes has a grid of buttons.
    names_grids: Cell<bool>,
}

impl Library {
    pub fn read(
        root: &Section<'_>,
        ids: Ids,
        options: &BTreeMap<String, OptionValue>,
        prefix: &str,
        grid: Option<Arc<Grid>>,
    ) -> Self {
        let enums = root.section("enums").map(|section| enums(&section)).unwrap_or_default();
        let url_ends = root.section("url_ends").map(|section| url_ends(&section, prefix)).unwrap_or_default();
        let codecs = root.section("codecs").map(|section| codecs(&section, options)).unwrap_or_default();
        let named = root.section("shapes").map(|section| named(&section, options)).unwrap_or_default();
        let texts = named
            .iter()
            .map(|named| NamedText {
                name: named.name.clone(),
                text: named.text.as_ref().map(|text| text.value.clone()),
                offset: named.text.as_ref().map_or(named.offset, |text| text.offset),
            })
            .collect();
        let options = options.clone();
        let (compiled, names_grids) = (RefCell::default(), Cell::new(false));
        Library { ids, options, enums, url_ends, codecs, named, texts, compiled, grid, names_grids }
    }

    /// What the route chose of the file's knobs.
    pub fn options(&self) -> &BTreeMap<String, OptionValue> {
        &self.options
    }

    /// Parses a shape; mistakes are noted.
    pub fn shape(&self, section: &Section<'_>, text: &Text) -> Option<Node> {
        let ids = |resource: Resource| -> IdForm { self.ids.form(resource) };
        let names = Names {
            ids: &ids,
            enums: &self.enums,
            url_ends: &self.url_ends,
            codecs: &self.codecs,
            shapes: &self.texts,
        };
        match shape::parse(&text.value, text.offset, &names) {
            Ok(node) => Some(node),
            Err(problems) => {
                section.report().extend(problems);
                None
            }
        }
    }

    pub fn has(&self, name: &str) -> bool {
        self.named.iter().any(|named| named.name == name)
    }

    /// Compiles frames that may use named shapes.
    pub fn compile(&self, section: &Section<'_>, frames: Vec<Frame>) -> FrameSet {
        match FrameSet::compile(frames, &mut |name| self.set(section, name)) {
            Ok(set) => FrameSet { grid: self.grid_of(section, &set), ..set },
            Err(problems) => {
                section.report().extend(problems);
                FrameSet::default()
            }
        }
    }

    /// How the grids of buttons of these frames read. That they have some and no section says how is noted.
    fn grid_of(&self, section: &Section<'_>, set: &FrameSet) -> Option<Arc<Grid>> {
        let mut named = Vec::new();
        for frame in &set.frames {
            frame.shape.fields(&mut named);
            frame.also.iter().for_each(|also| also.shape.fields(&mut named));
        }
        let grid = named.into_iter().find(|field| is_grid(*field))?;
        self.names_grids.set(true);
        if self.grid.is_none() {
            let help = Some("[buttons] each = \"rows.buttons\", label = \"caption\", link = \"url\"".to_owned());
            section.problem(
                section.span(),
                format!("`{}` is used, and no [buttons] says how it reads", grid.path()),
                help,
            );
        }
        self.grid.clone()
    }

    /// A file without buttons has no section about them: its clients are told them in words.
    pub fn check_buttons(&self, root: &Section<'_>) {
        if self.grid.is_some() && !self.names_grids.get() {
            root.problem(root.span_of("buttons"), "no shape here has a grid of buttons", None);
        }
    }

    /// The compiled form of a named shape; a circle gives none and is noted.
    pub fn set(&self, section: &Section<'_>, name: &str) -> Option<Arc<FrameSet>> {
        if let Some(known) = self.compiled.borrow().get(name) {
            if known.is_none() {
                section.problem(section.span(), format!("shape `{name}` uses itself"), None);
            }
            return known.clone();
        }
        self.compiled.borrow_mut().insert(name.to_owned(), None);
        let mut frames = Vec::new();
        self.collect(section, name, &mut frames, 0);
        let set = Arc::new(self.compile(section, frames));
        self.compiled.borrow_mut().insert(name.to_owned(), Some(Arc::clone(&set)));
        Some(set)
    }

    fn collect(&self, section: &Section<'_>, name: &str, frames: &mut Vec<Frame>, depth: usize) {
        let Some(named) = self.named.iter().find(|named| named.name == name) else { return };
        if let Some(text) = &named.text
            && let Some(node) = self.shape(section, text)
        {
            let (when, set) = (named.when.clone(), named.set.clone());
            frames.push(Frame { when, set, ..Frame::plain(&named.name, named.pattern, node, named.offset) });
        }
        for part in &named.one_of {
            let is_left_out = |other: &&Named| other.name == part.value && !other.chosen;
            if self.named.iter().any(|other| is_left_out(&other)) {
                continue;
            }
            if depth == 4 {
                section.problem(part.span.clone(), "named shapes are nested more than 4 deep", None);
            } else if self.has(&part.value) {
                self.collect(section, &part.value, frames, depth + 1);
            } else {
                let help =
                    super::super::problem::suggestion(&part.value, self.named.iter().map(|named| named.name.as_str()));
                section.problem(part.span.clone(), format!("no shape is called `{}`", part.value), help);
            }
        }
    }

    /// Parses every named shape once, so that mistakes in unused ones are noted too.
    pub fn check(&self, section: &Section<'_>) {
        for named in &self.named {
            // Shapes used below a prefix (`sender as user`) name fields relative to it and are checked where used.
            if !named.one_of.is_empty() || named.pattern.is_some() {
                self.set(section, &named.name);
            }
        }
    }
}

fn enums(section: &Section<'_>) -> Vec<Arc<EnumTable>> {
    let tables = section.keys().into_iter().filter_map(|(name, _)| {
        let table = section.section(name)?;
        let read = table.section("read").map(|read| pairs(&read)).unwrap_or_default();
        let enum_table = EnumTable {
            name: name.to_owned(),
            write: table.section("write").map(|write| pairs(&write)).unwrap_or_default(),
            other: table.value("other").and_then(|value| words::scalar(&table, "other", value)),
            read: read.into_iter().map(|(key, scalar)| (wire_scalar(&key), scalar.text().into_owned())).collect(),
            unknown: table.text("unknown").map(|text| text.value),
        };
        table.finish();
        Some(Arc::new(enum_table))
    });
    tables.collect()
}

/// Where the route has a prefix, its files lie below it.
fn url_ends(section: &Section<'_>, prefix: &str) -> Vec<Arc<UrlEnd>> {
    let keys = section.keys().into_iter();
    keys.filter_map(|(name, _)| {
        let text = section.text(name)?;
        if !(text.value.len() > 1 && text.value.starts_with('/') && text.value.ends_with('/')) {
            section.problem(text.span.clone(), "wanted slashes at both ends", None);
        }
        Some(Arc::new(UrlEnd { name: name.to_owned(), beginning: format!("{prefix}{}", text.value) }))
    })
    .collect()
}

/// Names for codecs, each one of two by an option.
fn codecs(section: &Section<'_>, options: &BTreeMap<String, OptionValue>) -> Vec<(String, Codec)> {
    let codecs = section.keys().into_iter().filter_map(|(name, _)| {
        let table = section.section(name)?;
        let chosen = super::is_chosen(&table, options);
        let codec = |key: &'static str| {
            let text = table.needed_text(key)?;
            let known: Vec<(&str, &str)> = Codec::names().map(|name| (name, name)).collect();
            words::one_of(&table, &text, "codec", &known).and_then(Codec::parse)
        };
        let (on, off) = (codec("on"), codec("off"));
        table.finish();
        Some((name.to_owned(), if chosen { on? } else { off? }))
    });
    codecs.collect()
}

fn pairs(section: &Section<'_>) -> Vec<(String, Scalar)> {
    let keys = section.keys().into_iter();
    keys.filter_map(|(key, _)| Some((key.to_owned(), words::scalar(section, key, section.value(key)?)?))).collect()
}

/// TOML keys are texts; `true`, `false`, `null` and digits mean the scalars.
fn wire_scalar(key: &str) -> Scalar {
    match key {
        "true" => Scalar::Boolean(true),
        "false" => Scalar::Boolean(false),
        "null" => Scalar::Null,
        _ => key.parse().map_or_else(|_| Scalar::Text(key.to_owned()), Scalar::Integer),
    }
}

fn named(section: &Section<'_>, options: &BTreeMap<String, OptionValue>) -> Vec<Named> {
    let shapes = section.keys().into_iter().filter_map(|(name, span)| {
        let offset = span.start;
        if section.is_text(name) {
            return Some(Named {
                name: name.to_owned(),
                pattern: None,
                text: section.text(name),
                one_of: Vec::new(),
                when: None,
                set: Vec::new(),
                chosen: true,
                offset,
            });
        }
        let table = section.section(name)?;
        let chosen = super::is_chosen(&table, options);
        let pattern = table.text("event").and_then(|text| pattern(&table, &text));
        let (when, set) = (frames::guard(&table), frames::set(&table));
        let (text, one_of) = (table.text("shape"), table.texts("one_of"));
        let shape = Named { name: name.to_owned(), pattern, text, one_of, when, set, chosen, offset };
        if shape.text.is_none() && shape.one_of.is_empty() {
            table.problem(span, format!("shape `{name}` has neither `shape` nor `one_of`"), None);
        }
        table.finish();
        Some(shape)
    });
    shapes.collect()
}

pub fn pattern(section: &Section<'_>, text: &Text) -> Option<EventPattern> {
    let found = EventPattern::parse(&text.value);
    if found.is_none() {
        let known: Vec<String> = crate::event::EventKind::all().map(|kind| kind.to_string()).collect();
        let names = known.iter().map(String::as_str).chain(["message/file", "message/*"]);
        let help = super::super::problem::suggestion(&text.value, names);
        section.problem(text.span.clone(), format!("no event is called `{}`", text.value), help);
    }
    found
}
