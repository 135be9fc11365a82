//! What is said between a client and a backend: words both ways, a file both ways, history, a refusal, an end. In: a
//! scene. Out: what became of each, in words for the table; panics where something that must arrive does not.

use crate::client::{Heard, Outcome};
use crate::media::{File, Format};
use crate::standin::Failing;

use super::scene::{Scene, Staging};

/// What became of each.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Told {
    pub words: String,
    pub file_out: String,
    pub file_in: String,
    pub history: String,
    pub refusal: String,
    pub end: String,
}

/// Plays it all once.
pub async fn play(from: &'static str, to: &'static str) -> Told {
    let staging = Staging { route: within(from, to, "1500ms"), ..Staging::default() };
    let mut scene = Scene::set_as(from, to, &staging).await;
    let mut told = Told { words: words(&mut scene).await, ..Told::default() };
    told.file_out = file_out(&mut scene).await;
    told.file_in = file_in(&mut scene).await;
    told.history = history(&mut scene).await;
    told.refusal = refusal(&mut scene).await;
    told.end = end(&mut scene).await;
    assert_eq!(scene.backend.complaints(), Vec::<String>::new(), "{from} → {to}: sent what no client of {to} sends");
    if let Some(events) = &scene.events {
        assert_eq!(events.complaints(), Vec::<String>::new(), "{from} → {to}");
    }
    told
}

/// A route that passes on as it is confirms nothing.
fn within(from: &str, to: &str, time: &str) -> String {
    if from == to { String::new() } else { format!("confirm_within = \"{time}\"") }
}

async fn words(scene: &mut Scene) -> String {
    for text in ["good evening", "is anybody there? \"yes\" – \u{1f600}"] {
        scene.client.say(text).await;
        let taken = scene.backend.taken().await;
        assert_eq!((taken.kind.as_str(), taken.body.as_str()), ("text", text), "{} → {}", scene.from, scene.to);
    }
    scene.backend.say("how can I help?").await;
    assert_eq!(scene.client.hears().await, Heard::Text("how can I help?".to_owned()));
    "both ways".to_owned()
}

/// A picture with words beside it, from the client.
async fn file_out(scene: &mut Scene) -> String {
    let file = File::new(Format::Png, 40_000, 7);
    let (name, bytes) = (file.name(), file.bytes());
    let sent = scene.client.say_file(&name, "image/png", &bytes, "look at this").await;
    sent.unwrap_or_else(|why| panic!("{} → {}: {why:?}\n{}", scene.from, scene.to, scene.gateway.log()));
    let taken = scene.backend.taken().await;
    let words = (&taken.kind, &taken.body, &taken.name);
    assert!(taken.file.as_deref() == Some(bytes.as_slice()), "{} → {}: {words:?}", scene.from, scene.to);
    if taken.body == "look at this" {
        return "with its caption".to_owned();
    }
    // Where a file has no place for words, they follow.
    let caption = scene.backend.taken().await;
    assert_eq!((caption.kind.as_str(), caption.body.as_str()), ("text", "look at this"));
    "the caption follows".to_owned()
}

/// A document from the backend.
async fn file_in(scene: &mut Scene) -> String {
    let file = File::new(Format::Pdf, 30_000, 11);
    let (name, bytes) = (file.name(), file.bytes());
    scene.backend.say_file(&name, "application/pdf", &bytes, "the bill").await;
    let url = match scene.client.hears().await {
        Heard::File { url, caption, .. } => {
            if caption != "the bill" {
                assert_eq!(scene.client.hears().await, Heard::Text("the bill".to_owned()));
            }
            url
        }
        Heard::Text(text) => panic!("{} → {}: the file came as words: {text}", scene.from, scene.to),
    };
    if url.is_empty() {
        return "its URL in the history".to_owned();
    }
    let (status, fetched) = scene.client.fetch(&url).await;
    assert_eq!((status, fetched.len()), (200, bytes.len()), "{} → {}: {url}", scene.from, scene.to);
    assert!(fetched == bytes, "{} → {}: other bytes", scene.from, scene.to);
    "fetched from the gateway".to_owned()
}

async fn history(scene: &mut Scene) -> String {
    let Some(bodies) = scene.client.history().await else { return "none".to_owned() };
    for text in ["good evening", "how can I help?"] {
        assert!(bodies.iter().any(|body| body == text), "{} → {}: {text:?} is not in {bodies:?}", scene.from, scene.to);
    }
    "there".to_owned()
}

/// A message that the backend takes and does not keep.
async fn refusal(scene: &mut Scene) -> String {
    if scene.from == scene.to {
        return "as the backend says it".to_owned();
    }
    scene.backend.fail(Failing::DropNext);
    scene.client.send_text("into the void").await;
    let outcome = scene.client.outcome().await;
    let Outcome::Error { text } = outcome else { panic!("{} → {}: {outcome:?}", scene.from, scene.to) };
    scene.client.say("and again").await;
    assert_eq!(scene.backend.taken().await.body, "and again");
    format!("\"{text}\"")
}

async fn end(scene: &mut Scene) -> String {
    if !scene.backend.end().await {
        return "the backend has none".to_owned();
    }
    if scene.client.ended().await { "told".to_owned() } else { "the client's dialect has none".to_owned() }
}
