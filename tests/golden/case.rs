//! One case as it lies in its folder. In: `case.toml` and the JSON files beside it. Out: the same, typed; a mistake in
//! them ends the test with the file's name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dragoman::dialect::{Audience, Choice, Dialect, OptionValue, builtin};
use serde::Deserialize;
use serde_json::Value as Json;

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The section of the document that shows it.
    #[expect(dead_code, reason = "for readers")]
    source: String,
    #[serde(rename = "where")]
    pub place: String,
    pub frame: Option<String>,
    audience: Option<String>,
    pub call: Option<String>,
    pub status: Option<u16>,
    pub close: Option<u16>,
    #[serde(default)]
    options: BTreeMap<String, bool>,
    /// Of a refusal: what refuses.
    pub of: Option<String>,
    pub reason: Option<String>,
    pub field: Option<String>,
    /// Bytes that an upload may have, where its refusal says them.
    pub limit: Option<u64>,
    /// Sent once when the socket opens.
    #[serde(default)]
    pub greeting: bool,
    /// Understood, and never written by itself.
    #[serde(default)]
    pub only_read: bool,
    /// Tells the socket that said something, which is no message, that it was taken.
    #[serde(default)]
    pub answer: bool,
    /// `out.json` is a list of frames.
    #[serde(default)]
    several: bool,
    /// Why `out.json` differs from `in.json`.
    why: Option<String>,
}

pub struct Case {
    pub dialect: String,
    pub name: String,
    pub head: Head,
    pub input: Option<Json>,
    pub event: Option<Json>,
    pub output: Option<Json>,
    pub refusal: Option<Json>,
}

/// Where a payload stands.
pub enum Place {
    Client(String),
    Server(String),
    Request(String),
    Answer(String),
    Webhook(String),
    Refusal,
}

/// Every case of every dialect.
pub fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let dialects = folders(&root);
    dialects.iter().flat_map(|dialect| folders(dialect)).map(|folder| Case::read(&folder)).collect()
}

/// The file of a dialect that is not built in.
fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).with_extension("toml")
}

/// Every dialect that is not built in and has a file.
pub fn examples() -> Vec<Arc<Dialect>> {
    let entries = std::fs::read_dir(example("x").with_file_name("")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        Arc::new(
            Dialect::parse(&name(&path), &text, &Choice::default()).unwrap_or_else(|problems| panic!("{problems}")),
        )
    };
    files.map(read).collect()
}

fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

impl Case {
    fn read(folder: &Path) -> Self {
        let head = std::fs::read_to_string(folder.join("case.toml")).unwrap();
        let head: Head = toml_edit::de::from_str(&head).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let json = |file: &str| {
            let path = folder.join(file);
            let text = path.exists().then(|| std::fs::read_to_string(&path).unwrap())?;
            Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        };
        let case = Case {
            dialect: name(folder.parent().unwrap()),
            name: name(folder),
            head,
            input: json("in.json"),
            event: json("event.json"),
            output: json("out.json"),
            refusal: json("refusal.json"),
        };
        assert_eq!(
            case.output.is_some(),
            case.head.why.is_some(),
            "{}: out.json and why go together",
            folder.display()
        );
        case
    }

    /// The dialect with the options of the case.
    pub fn dialect(&self) -> Result<Arc<Dialect>, String> {
        let text = match builtin::text(self.family()) {
            Some(text) => text.to_owned(),
            None => std::fs::read_to_string(example(self.family())).map_err(|error| error.to_string())?,
        };
        if self.head.options.is_empty()
            && let Some(built_in) = builtin::find(&self.dialect)
        {
            return Ok(built_in);
        }
        let variant = self.dialect.split_once('@').map(|(_, variant)| variant.to_owned());
        let options = self.head.options.iter().map(|(name, flag)| (name.clone(), OptionValue::Flag(*flag)));
        let choice = Choice { variant, options: options.collect(), ..Choice::default() };
        Dialect::parse(&self.dialect, &text, &choice).map(Arc::new).map_err(|problems| problems.to_string())
    }

    /// The dialect without its variant.
    pub fn family(&self) -> &str {
        self.dialect.split('@').next().unwrap_or_default()
    }

    pub fn place(&self) -> Result<Place, String> {
        match self.head.place.split('.').collect::<Vec<_>>()[..] {
            ["socket", id, "client"] => Ok(Place::Client(id.to_owned())),
            ["socket", id, "server"] => Ok(Place::Server(id.to_owned())),
            ["http", id, "request"] => Ok(Place::Request(id.to_owned())),
            ["http", id, "answer"] => Ok(Place::Answer(id.to_owned())),
            ["webhook", id] => Ok(Place::Webhook(id.to_owned())),
            ["refusal"] => Ok(Place::Refusal),
            _ => Err(format!("`where = {:?}` is no place", self.head.place)),
        }
    }

    pub fn audience(&self) -> Result<Audience, String> {
        match self.head.audience.as_deref() {
            None | Some("receiver") => Ok(Audience::Receiver),
            Some("sender") => Ok(Audience::Sender),
            Some("origin") => Ok(Audience::Origin),
            Some(other) => Err(format!("`audience = {other:?}` is nobody")),
        }
    }

    /// What the event must be written as.
    pub fn expected(&self) -> Result<Vec<Json>, String> {
        let output = self.output.as_ref().or(self.input.as_ref()).ok_or("neither in.json nor out.json")?;
        match output {
            Json::Array(frames) if self.head.several => Ok(frames.clone()),
            one => Ok(vec![one.clone()]),
        }
    }
}
