//! `dragoman explain`. In: a frame or call, and a route of the config. Out: its way: the shape that it is of and why it is
//! none of the others, the event, what the other side gets and what is lost.

mod text;

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::settings::ConfigArguments;
use super::{Console, Exit, said};
use crate::config::{self, Config, Heard, Route, Target, Way};
use crate::dialect::{self, FrameSet, Request, Tried, Verdict, suggestion};
use crate::event::Fields;
use crate::fault::Fault;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo '{\"type\":\"text\",\"conversation_id\":7,\"content\":\"hi\"}' | dragoman explain --route staff
  dragoman explain --route clinic --from upstream < frame.json
  dragoman explain --route staff --heard-by users --format json < frame.json
  dragoman explain --route market --call 'POST /v1/conversations/7/messages' < body.json

Nothing is sent and nothing is kept: ids and times that only a running gateway knows are examples, which are named.
Up to 16 MiB are read from standard input.

Exit codes: 0 somebody hears it, or the gateway answers it; 1 it is refused, or has no form on the other side; 2 wrong
usage, 78 wrong config.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The route on which it is said
    #[arg(long, value_name = "NAME")]
    route: String,
    /// Who says it: a client, or the upstream that the route leads to
    #[arg(long, value_enum, default_value = "client")]
    from: Speaker,
    /// It is an HTTP call with JSON: its method and its path below the route's prefix, without a query
    #[arg(long, value_name = "METHOD PATH", value_parser = call)]
    call: Option<Call>,
    /// On a route to the hub: the route whose clients hear it; without it each dialect once
    #[arg(long, value_name = "NAME")]
    heard_by: Option<String>,
    /// For people, or one JSON object
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Speaker {
    Client,
    Upstream,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// How a call begins.
#[derive(Debug, Clone)]
struct Call {
    method: String,
    path: String,
}

fn call(text: &str) -> Result<Call, String> {
    match text.split_once(' ').map(|(method, path)| (method.to_ascii_uppercase(), path.trim())) {
        Some((method, path)) if path.starts_with('/') && !path.contains(['?', ' ']) => {
            Ok(Call { method, path: path.to_owned() })
        }
        _ => Err("wanted a method and a path, as in `POST /chat/send`".to_owned()),
    }
}

/// What is said, and how.
#[derive(Clone, Copy)]
struct Said<'a> {
    text: &'a str,
    /// Absent: a frame.
    call: Option<&'a Call>,
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let loaded = match arguments.config.load(&[], console) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let ways = match ways(arguments, &loaded.config) {
        Ok(ways) => ways,
        Err(message) => {
            console.error(&message);
            return Exit::Usage;
        }
    };
    let call = arguments.call.as_ref();
    let text = match said::read(if call.is_some() { "the body of a call" } else { "a frame" }, console) {
        Ok(text) => text,
        Err(why) => {
            console.error(&why);
            return Exit::Failed;
        }
    };
    let explained = explain(&ways, Said { text: &text, call });
    match arguments.format {
        Format::Text => console.data(&text::of(&explained)),
        Format::Json => console.data(&format_args!("{explained:#}\n")),
    }
    let is_heard = explained["heard"].as_array().is_some_and(|heard| heard.iter().any(|one| one["why"].is_null()));
    if is_heard || explained.get("asks").is_some() { Exit::Fine } else { Exit::Failed }
}

/// One way; or one to each dialect that is spoken on the hub.
fn ways<'a>(arguments: &Arguments, config: &'a Config) -> Result<Vec<Way<'a>>, String> {
    let find = |name: &str| {
        config.routes.iter().find(|route| *route.name == *name).ok_or_else(|| {
            let known = suggestion(name, config.routes.iter().map(|route| &*route.name)).unwrap_or_default();
            format!("there is no route `{name}`; {known}")
        })
    };
    let route = find(&arguments.route)?;
    if arguments.call.is_some() && arguments.from == Speaker::Upstream {
        return Err("an upstream says frames; `--call` is what a client does".to_owned());
    }
    let from = match arguments.from {
        Speaker::Client => config::SaidBy::Client,
        Speaker::Upstream => config::SaidBy::Upstream,
    };
    let mut listeners: Vec<&Route> = match &arguments.heard_by {
        Some(name) if route.target == Target::Hub => vec![find(name)?],
        Some(_) => return Err(format!("`{}` leads to an upstream, which hears it", route.name)),
        None if route.target == Target::Hub => config.routes.iter().collect(),
        None => vec![route],
    };
    listeners.retain(|other| other.target == route.target);
    let mut ways: Vec<Way<'_>> = Vec::new();
    for listener in listeners {
        let way = Way::over(route, config::Known::of(config), from, Some(listener))
            .ok_or_else(|| format!("`{}` leads to no upstream that could say it", route.name))?;
        if !ways.iter().any(|other| other.listener.dialect.name == way.listener.dialect.name) {
            ways.push(way);
        }
    }
    Ok(ways)
}

impl<'a> Said<'a> {
    fn called(self, way: &'a Way<'_>) -> Option<&'a dialect::Call> {
        let call = self.call?;
        way.speaker.dialect.call_at(&call.method, &call.path)
    }

    /// Where it could be understood.
    fn places(self, way: &'a Way<'_>) -> Vec<&'a FrameSet> {
        let config::End { dialect, side, .. } = way.speaker;
        match self.call {
            Some(_) => match self.called(way).map(|call| &call.request) {
                Some(Request::Json(set)) => vec![set],
                Some(Request::Empty | Request::Multipart { .. }) | None => Vec::new(),
            },
            None => dialect.places(side),
        }
    }

    fn understood(self, way: &'a Way<'_>) -> Result<Fields<'a>, Fault> {
        let config::End { dialect, side, .. } = way.speaker;
        match self.call {
            Some(call) => dialect.understand_call(&call.method, &call.path, self.text),
            None => dialect.understand(side, self.text),
        }
    }
}

fn explain(ways: &[Way<'_>], said: Said<'_>) -> Json {
    let Some(way) = ways.first() else { return Json::Null };
    let dialect = way.speaker.dialect;
    let tried = said.places(way).into_iter().flat_map(|place| {
        let name = dialect.place_name(place);
        let shapes = place.try_all(said.text).unwrap_or_default();
        shapes.into_iter().map(move |tried| shape(&name, &tried)).collect::<Vec<_>>()
    });
    let shapes: Vec<Json> = tried.collect();
    let mut explained = json!({ "route": *way.route.name, "dialect": *dialect.name, "shapes": shapes });
    match said.understood(way) {
        Err(fault) => {
            explained["refused"] = json!({ "reason": fault.reason.as_str(), "words": fault.explained() });
            explained["heard"] = json!([]);
        }
        Ok(fields) if fields.kind().is_none() => {
            explained["asks"] = json!(said.called(way).map(|call| call.op.as_str()));
            explained["heard"] = json!([]);
        }
        Ok(mut fields) => {
            let room = way.room(&mut fields);
            explained["kind"] = json!(fields.kind().map(|kind| kind.to_string()));
            explained["event"] = config::event_json(&fields);
            explained["heard"] = ways
                .iter()
                .map(|way| match way.hear(&fields, room, said.text) {
                    Ok(heard) => of_heard(way, &heard),
                    Err(why) => json!({ "dialect": *way.listener.dialect.name, "why": way.words(&why) }),
                })
                .collect();
        }
    }
    explained
}

fn shape(place: &str, tried: &Tried) -> Json {
    let why = match &tried.verdict {
        Verdict::Read => None,
        Verdict::Later => Some("it fits too, and another comes first".to_owned()),
        Verdict::Constant { path, wanted } => Some(format!("`{path}` is not {wanted}")),
        Verdict::Present(path) => Some(format!("`{path}` is there, and must not be")),
        Verdict::Fault(fault) => Some(fault.explained()),
    };
    json!({ "place": place, "frame": tried.frame, "is_it": tried.verdict == Verdict::Read, "why": why })
}

fn of_heard(way: &Way<'_>, heard: &Heard) -> Json {
    let paths = |fields: &[crate::event::Field]| -> Vec<String> {
        fields.iter().map(|field| field.path().into_owned()).collect()
    };
    let frames: Vec<Json> =
        heard.frames.iter().map(|frame| serde_json::from_str(frame).unwrap_or_else(|_| json!(frame))).collect();
    let degraded: Vec<&str> = heard.degraded.iter().map(|why| why.as_str()).collect();
    json!({
        "dialect": *way.listener.dialect.name,
        "why": null,
        "form": heard.form,
        "frames": frames,
        "degraded": degraded,
        "lost": paths(&heard.lost),
        "made_up": paths(&heard.made_up),
    })
}

#[cfg(test)]
mod tests;
