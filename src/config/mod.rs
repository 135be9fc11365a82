//! routes.toml: file as written → checked [`Config`]. In: the file, the environment, flags, the built-in dialects. Out: a
//! config that can be run; or every problem at once, each with its place and what would do.

mod admin_place;
mod code;
mod expand;
mod expected;
mod file;
mod format;
mod layer;
mod mask;
mod node;
mod problem;
mod record;
mod resolve;
mod schema;
mod section;
mod settings;
mod unit;
mod way;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use admin_place::{AdminPlace, admin_place};
pub use format::{Unformattable, format};
pub use node::Place;
pub use problem::{Code, Problem, Problems};
pub use record::{Record, Severity};
pub use resolve::{Builtin, event_json};
pub use schema::schema;
pub use settings::{
    Config, DeliveryPlan, JournalSettings, Limits, RelaySettings, Route, ServerSettings, StoreSettings, Target, Uploads,
};
pub use unit::{Rate, duration};
pub use way::{End, Heard, Known, SaidBy, Unheard, Way};

use problem::Report;

/// The commented default: all five dialects on one port, with nothing else installed.
pub const DEFAULT_TEXT: &str = include_str!("../../routes.toml");
/// What the default is called in messages.
const DEFAULT_NAME: &str = "routes.toml (built in)";
/// The file that is looked for when none is named.
pub const DEFAULT_FILE: &str = "routes.toml";
/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Everything that a config is made of.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// The file that was asked for; absent: `routes.toml` if it is there, else the built-in default.
    pub file: Option<PathBuf>,
    /// All of the environment: settings are `DRAGOMAN_<SECTION>__<KEY>`, and `${NAME}` may name any.
    pub environment: Vec<(String, String)>,
    /// Settings of the command line, as `server.listen` and its value.
    pub flags: Vec<(String, String)>,
}

impl Inputs {
    /// The inputs of this process. Variables that are no Unicode are left out.
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn of_process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Inputs { file, environment, flags: Vec::new() }
    }
}

/// Whether colours are welcome where there is a terminal: not with `NO_COLOR` (no-color.org).
#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn wants_colour() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// A config and what there is to say about it.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    /// Only warnings.
    pub warnings: Problems,
    /// How many tests of its own it has, which all hold.
    pub tests: usize,
    /// Whether no file was there and the built-in default was taken.
    pub is_default: bool,
    /// The files that it was read from: the config itself, dialects, secrets.
    pub files: BTreeSet<PathBuf>,
}

/// Reads, layers and checks a config.
pub fn load(inputs: &Inputs, builtin: &[Builtin]) -> Result<Loaded, Problems> {
    let Source { name, text, path } = source(inputs)?;
    let folder = path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let mut loaded = check(&name, &text, folder, inputs, builtin)?;
    loaded.is_default = path.is_none();
    loaded.files.extend(path);
    Ok(loaded)
}

/// A config as it is written.
struct Source {
    /// What it is called in messages.
    name: String,
    text: Cow<'static, str>,
    /// Absent: it is built in.
    path: Option<PathBuf>,
}

fn source(inputs: &Inputs) -> Result<Source, Problems> {
    let path = match &inputs.file {
        Some(path) => path.clone(),
        None if Path::new(DEFAULT_FILE).exists() => PathBuf::from(DEFAULT_FILE),
        None => return Ok(Source { name: DEFAULT_NAME.to_owned(), text: DEFAULT_TEXT.into(), path: None }),
    };
    let name = path.display().to_string();
    let text = read(&path).map_err(|message| unreadable(&name, message))?;
    Ok(Source { name, text: text.into(), path: Some(path) })
}

fn read(path: &Path) -> Result<String, String> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err("this is a folder, not a file".to_owned()),
        Ok(metadata) if metadata.len() > LARGEST_FILE => return Err("this file is larger than 4 MiB".to_owned()),
        Ok(_) => {}
        Err(error) => return Err(section::cause(&error)),
    }
    std::fs::read_to_string(path).map_err(|error| section::cause(&error))
}

fn unreadable(name: &str, message: String) -> Problems {
    let report = Report::default();
    let help = Some("name another with `--config`".to_owned());
    report.error(Code::File, &Place::Default, format!("{name}: {message}"), help);
    Problems { name: name.to_owned(), text: Arc::from(""), list: report.into_list() }
}

fn unparsed(name: &str, text: &str, error: &toml_edit::TomlError) -> Problems {
    let report = Report::default();
    report.error(Code::Syntax, &Place::at(error.span().unwrap_or(0..0)), error.message(), None);
    Problems { name: name.to_owned(), text: Arc::from(mask::mask_unparsed(text)), list: report.into_list() }
}

/// Checks a text as if it were the file `name` in `folder`.
pub fn check(name: &str, text: &str, folder: &Path, inputs: &Inputs, builtin: &[Builtin]) -> Result<Loaded, Problems> {
    let report = Report::default();
    let document = match toml_edit::Document::parse(text) {
        Ok(document) => document,
        Err(error) => return Err(unparsed(name, text, &error)),
    };
    let mut allowed = Vec::new();
    let mut tests = 0;
    let config = match layer::merge(&document, &inputs.environment, &inputs.flags) {
        Ok(mut tree) => {
            expand::expand(&mut tree, &inputs.environment, &report);
            file::read(&tree, &report, folder).and_then(|file| {
                allowed.clone_from(&file.allowed);
                tests = file.tests.len();
                resolve::resolve(file, builtin, folder, &report)
            })
        }
        Err(message) => {
            report.error(Code::Syntax, &Place::Default, message, None);
            None
        }
    };
    let files = report.files();
    let masked = Arc::from(mask::mask(text, document.as_table()));
    let mut list = report.into_list();
    list.retain(|problem| !(problem.warning && allowed.contains(&problem.code)));
    let problems = Problems { name: name.to_owned(), text: masked, list };
    match config {
        Some(config) if problems.errors() == 0 => {
            Ok(Loaded { config, warnings: problems, tests, is_default: false, files })
        }
        Some(_) | None => Err(problems),
    }
}
