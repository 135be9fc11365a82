//! What the demo's clients say, as data: literal frames and calls, with `{name}` where a token or a link goes in. In:
//! `demo/script.toml`. Out: the script. It is written from the dialects' documents and passes through no encoder of ours.

use std::collections::BTreeMap;

use serde::Deserialize;

const SCRIPT: &str = include_str!("../../../demo/script.toml");

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    pub clients: Vec<ClientScript>,
}

/// One client of one dialect.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientScript {
    pub dialect: String,
    /// Who that is, for people.
    pub who: String,
    /// What its token says; absent where the route's config holds the tokens.
    pub token: Option<Token>,
    /// Calls before it can listen.
    #[serde(default)]
    pub open: Vec<Step>,
    pub listen: Listen,
    /// The words it says; nobody else says them.
    pub words: String,
    /// How it says `{words}`.
    pub say: Vec<Step>,
    pub file: File,
    /// How it sends its file.
    pub send: Vec<Step>,
    /// How it knows words from a file in what it is told: this place holds this value.
    pub text: Place,
}

/// What its token says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub sub: String,
    pub role: String,
    pub name: Option<String>,
    pub department: Option<String>,
    pub business: Option<String>,
}

/// Where it hears.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Listen {
    /// On a WebSocket.
    Socket {
        path: String,
        /// The value of `Sec-WebSocket-Protocol`.
        protocol: Option<String>,
    },
    /// The gateway calls it.
    Webhook { path: String },
}

/// One thing that a client does.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Step {
    /// A text frame on its socket.
    Frame(String),
    /// An HTTP call.
    Call(Call),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    #[serde(default)]
    pub body: Body,
    /// What to keep of the answer: a name, and the JSON pointer of its value.
    #[serde(default)]
    pub keep: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum Body {
    #[default]
    Empty,
    Json(String),
    /// Fields as written, then the file under this name.
    Form {
        #[serde(default)]
        fields: Vec<(String, String)>,
        file: String,
    },
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its stem occurs in nothing else that anybody sends.
    pub name: String,
    pub mime: String,
    /// The canonical kind, by which losses are declared.
    pub kind: String,
    /// The bytes, hexadecimal: enough for the file to be what its name says.
    pub bytes: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    pub pointer: String,
    pub value: String,
}

impl Script {
    pub fn read() -> Result<Self, toml_edit::de::Error> {
        toml_edit::de::from_str(SCRIPT)
    }
}

impl File {
    /// The part of the name that stays in links and names, whatever a dialect does to it.
    pub fn stem(&self) -> &str {
        self.name.rsplit_once('.').map_or(&*self.name, |(stem, _)| stem)
    }

    pub fn content(&self) -> Vec<u8> {
        let digits: Vec<u32> = self.bytes.chars().filter_map(|digit| digit.to_digit(16)).collect();
        // Two digits are at most 255.
        digits.chunks_exact(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
    }
}

impl Place {
    /// Whether this message, as JSON, is words.
    pub fn holds(&self, message: &serde_json::Value) -> bool {
        message.pointer(&self.pointer).and_then(serde_json::Value::as_str) == Some(&self.value)
    }
}

/// Replaces every `{name}` that is known; all other braces stay, for they are JSON.
pub fn fill(template: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}
