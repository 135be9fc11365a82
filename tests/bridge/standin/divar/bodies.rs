//! What divar's calls may hold. In: the JSON of a send. Out: the words and the media token, or the refusal with its code;
//! what no document has is complained about.

use serde_json::{Map, Value, json};

/// A call that is refused: HTTP status, gRPC code, words.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    code: u8,
    message: String,
}

impl Refused {
    pub fn new(status: u16, code: u8, message: impl Into<String>) -> Self {
        Refused { status, code, message: message.into() }
    }

    pub fn no_credential(what: &str) -> Self {
        Refused::new(401, 16, format!("{what} is missing or not valid"))
    }

    fn invalid(message: impl Into<String>) -> Self {
        Refused::new(400, 3, message)
    }

    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "details": [] })
    }
}

/// The two shapes of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// To a conversation of users, in their name.
    Users,
    /// By the bot.
    Bot,
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Shape::Users => "message",
            Shape::Bot => "text_message",
        }
    }

    fn grids(self) -> &'static [&'static str] {
        match self {
            Shape::Users => &["sender_buttons", "receiver_buttons"],
            Shape::Bot => &["buttons"],
        }
    }

    /// What may be there too, always text.
    fn more(self) -> &'static [&'static str] {
        match self {
            Shape::Users => &["media_token", "type"],
            Shape::Bot => &["media_token", "type", "conversation_id", "user_id"],
        }
    }
}

/// What a send says: words, or a media token, or both where that is allowed.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub words: String,
    pub media_token: Option<String>,
}

/// Reads the body of a send. `words_beside_media` allows both, which the schema does not.
pub fn read(
    shape: Shape,
    body: &[u8],
    words_beside_media: bool,
    complain: &mut dyn FnMut(String),
) -> Result<Said, Refused> {
    let Ok(Value::Object(body)) = serde_json::from_slice(body) else {
        complain("a send whose body is no JSON object".to_owned());
        return Err(Refused::invalid("the body is not an object"));
    };
    for key in body.keys() {
        let key = key.as_str();
        if key != shape.words() && !shape.grids().contains(&key) && !shape.more().contains(&key) {
            complain(format!("a send with the unknown key `{key}`"));
        }
    }
    if body.get("type").is_some_and(|kind| kind != "TEXT") {
        complain(format!("a send of the type {}", body["type"]));
    }
    for grid in shape.grids().iter().filter_map(|name| body.get(*name)) {
        self::grid(grid, complain)?;
    }
    let words = match body.get(shape.words()) {
        Some(Value::String(words)) => words.clone(),
        // The schema requires it, also beside a media token.
        _ => return Err(Refused::invalid(format!("`{}` is required", shape.words()))),
    };
    let media_token = text(&body, "media_token")?.filter(|token| !token.is_empty());
    match (words.is_empty(), &media_token) {
        (true, None) => Err(Refused::invalid("neither words nor a media token")),
        (false, Some(_)) if !words_beside_media => Err(Refused::invalid("words and a media token")),
        _ => Ok(Said { words, media_token }),
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refused::invalid(format!("`{name}` is no text"))),
    }
}

/// At most three rows of three buttons, each with one action.
fn grid(grid: &Value, complain: &mut dyn FnMut(String)) -> Result<(), Refused> {
    const ACTIONS: [&str; 5] =
        ["open_direct_link", "open_server_link", "get_dynamic_action", "open_post_page", "open_post_manage_page"];
    let rows = grid["rows"].as_array().ok_or_else(|| Refused::invalid("a grid without rows"))?;
    if rows.len() > 3 {
        return Err(Refused::invalid("more than three rows"));
    }
    for row in rows {
        let buttons = row["buttons"].as_array().ok_or_else(|| Refused::invalid("a row without buttons"))?;
        if buttons.len() > 3 {
            return Err(Refused::invalid("more than three buttons in a row"));
        }
        for button in buttons {
            let Some(button) = button.as_object() else { return Err(Refused::invalid("a button that is no object")) };
            for key in button.keys().filter(|key| !["action", "icon", "icon_name", "caption"].contains(&key.as_str())) {
                complain(format!("a button with the unknown key `{key}`"));
            }
            let action = button.get("action").and_then(Value::as_object);
            let is_one = action
                .is_some_and(|action| action.len() == 1 && action.keys().all(|name| ACTIONS.contains(&name.as_str())));
            if !is_one {
                return Err(Refused::invalid("a button without one known action"));
            }
            if !button.get("caption").is_some_and(Value::is_string) {
                return Err(Refused::invalid("a button without a caption"));
            }
        }
    }
    Ok(())
}
