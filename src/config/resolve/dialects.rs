//! `dialect = "name"`, `"name@variant"` or `"./file.toml"` → the dialect with a route's options. In: the built-in texts
//! and files. Out: dialects, each read once; their mistakes become problems that point into their own file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::super::problem::{Code, Problem, Report};
use super::super::section::{Spanned, cause};
use crate::dialect::{Choice, Dialect, OptionValue, builtin, family, suggestion};

/// Name and text of a dialect that is compiled in.
pub type Builtin = (&'static str, &'static str);

/// The largest dialect file, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

type Key = (String, Option<String>, Vec<(String, String)>, Option<u64>, String);

pub(super) struct Dialects<'a> {
    builtin: &'a [Builtin],
    folder: &'a Path,
    report: &'a Report,
    read: BTreeMap<Key, Option<Arc<Dialect>>>,
}

/// What a route says about its dialect.
pub(super) struct Wanted<'a> {
    pub dialect: &'a Spanned<String>,
    pub variant: Option<&'a Spanned<String>>,
    pub options: &'a BTreeMap<String, OptionValue>,
    /// Bytes of an upload, where the route says so. What its clients may send they may also be sent.
    pub largest_file: Option<u64>,
    /// Of the route's paths; empty for none.
    pub prefix: &'a str,
    /// Whether it is only spoken outwards: then those are known too that nobody connects in.
    pub is_outward: bool,
}

impl<'a> Dialects<'a> {
    pub fn new(builtin: &'a [Builtin], folder: &'a Path, report: &'a Report) -> Self {
        Dialects { builtin, folder, report, read: BTreeMap::new() }
    }

    /// The dialect, without `@variant`, of every route so far and of every built-in.
    pub fn names(&self) -> Vec<String> {
        let used = self.used().map(|dialect| family(&dialect.name).to_owned());
        let mut names: Vec<String> = self.builtin.iter().map(|(name, _)| (*name).to_owned()).chain(used).collect();
        names.sort();
        names.dedup();
        names
    }

    /// The dialects that routes use.
    pub fn used(&self) -> impl Iterator<Item = &Arc<Dialect>> {
        self.read.values().flatten()
    }

    pub fn find(&mut self, wanted: &Wanted<'_>) -> Option<Arc<Dialect>> {
        let (source, variant) = self.split(wanted)?;
        let options = wanted.options.iter().map(|(name, value)| (name.clone(), format!("{value:?}"))).collect();
        let key = (source.clone(), variant.clone(), options, wanted.largest_file, wanted.prefix.to_owned());
        if let Some(known) = self.read.get(&key) {
            return known.clone();
        }
        let prefix = wanted.prefix.to_owned();
        let choice = Choice { variant, options: wanted.options.clone(), largest_file: wanted.largest_file, prefix };
        let dialect = self.text(&source, wanted).and_then(|(name, text)| {
            Dialect::parse(&name, &text, &choice).map_err(|problems| self.pass_on(problems, wanted)).ok()
        });
        let dialect = dialect.map(Arc::new);
        self.read.insert(key, dialect.clone());
        dialect
    }

    /// The file or name, and the variant, which may be written in either of two places but not in both.
    fn split(&self, wanted: &Wanted<'_>) -> Option<(String, Option<String>)> {
        let written = &wanted.dialect.value;
        let variant = wanted.variant.map(|variant| variant.value.clone());
        let (source, inline) = match written.rsplit_once('@') {
            Some((source, inline)) if !is_file(written) || source.ends_with(".toml") => {
                (source, Some(inline.to_owned()))
            }
            Some(_) | None => (written.as_str(), None),
        };
        if let (Some(_), Some(variant)) = (&inline, wanted.variant) {
            let help = Some("keep one of `dialect = \"name@variant\"` and `variant = \"…\"`".to_owned());
            self.report.error(Code::Conflict, &variant.place, "the variant is written twice", help);
            return None;
        }
        Some((source.to_owned(), inline.or(variant)))
    }

    fn text(&self, source: &str, wanted: &Wanted<'_>) -> Option<(String, String)> {
        let place = &wanted.dialect.place;
        if !is_file(source) {
            let outward = if wanted.is_outward { builtin::OUTWARD } else { &[] };
            let known = self.builtin.iter().chain(outward);
            if let Some((name, text)) = known.clone().find(|(name, _)| *name == source) {
                return Some((format!("dialects/{name}.toml"), (*text).to_owned()));
            }
            let help = suggestion(source, known.map(|(name, _)| *name));
            let help = help.unwrap_or_default() + " (a file of your own: `\"./name.toml\"`)";
            self.report.error(Code::Reference, place, format!("there is no dialect `{source}`"), Some(help));
            return None;
        }
        let path = self.folder.join(source);
        self.report.reads(&path);
        let problem = |message: String| {
            self.report.error(Code::File, place, message, None);
            None
        };
        if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LARGEST_FILE) {
            return problem(format!("`{source}` is larger than 1 MiB"));
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => Some((source.to_owned(), text)),
            Err(error) => problem(format!("`{source}` cannot be read: {}", cause(&error))),
        }
    }

    /// Mistakes of a dialect file, told with their place there.
    fn pass_on(&self, problems: crate::dialect::Problems, wanted: &Wanted<'_>) {
        let text: Arc<str> = problems.text.into();
        for problem in problems.list {
            // What has no place in its file is about the choice of a variant or an option: that is here.
            let is_choice = problem.span.end <= 1;
            self.report.add(Problem {
                code: Code::Dialect,
                place: wanted.dialect.place.clone(),
                message: problem.message,
                help: problem.help,
                warning: false,
                elsewhere: (!is_choice).then(|| (problems.source.clone(), text.clone(), problem.span)),
            });
        }
    }
}

fn is_file(text: &str) -> bool {
    text.contains('/') || text.ends_with(".toml")
}
