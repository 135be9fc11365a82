//! `dragoman explain`. In: a frame and a route of the config. Out: its way: the shape that it is of and why it is none of the
//! others, the event, what the other side gets and what is lost.

use std::io::Read;

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::settings::ConfigArguments;
use super::{Console, Exit};
use crate::config::{self, Config, Heard, Route, Target, Way};
use crate::dialect::{Tried, Verdict, suggestion};

/// The longest frame that is read, in bytes.
const LONGEST: u64 = 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  echo '{\"type\":\"text\",\"conversation_id\":7,\"content\":\"hi\"}' | dragoman explain --route staff
  dragoman explain --route clinic --from upstream < frame.json
  dragoman explain --route staff --heard-by users --format json < frame.json

Nothing is sent and nothing is kept: ids and times that only a running gateway knows are examples, which are named. Exits
with 1 when the frame is refused or the other side gets nothing.")]
pub(super) struct Arguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The route on which it is said
    #[arg(long, value_name = "NAME")]
    route: String,
    /// Who says it: a client, or the upstream that the route leads to
    #[arg(long, value_enum, default_value = "client")]
    from: Speaker,
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
    let mut frame = String::new();
    if let Err(error) = std::io::stdin().take(LONGEST).read_to_string(&mut frame) {
        console.error(&format_args!("standard input: {error}"));
        return Exit::Failed;
    }
    let explained = explain(&ways, frame.trim());
    match arguments.format {
        Format::Text => console.data(&text(&explained)),
        Format::Json => console.data(&format_args!("{explained:#}\n")),
    }
    let is_heard = explained["heard"].as_array().is_some_and(|heard| heard.iter().any(|one| one["why"].is_null()));
    if is_heard { Exit::Fine } else { Exit::Failed }
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
        let way = Way::over(route, &config.upstreams, from, Some(listener))
            .ok_or_else(|| format!("`{}` leads to no upstream that could say it", route.name))?;
        if !ways.iter().any(|other| other.listener.0.name == way.listener.0.name) {
            ways.push(way);
        }
    }
    Ok(ways)
}

fn explain(ways: &[Way<'_>], frame: &str) -> Json {
    let Some(way) = ways.first() else { return Json::Null };
    let (dialect, side) = way.speaker;
    let places = dialect.places(side);
    let tried = places.iter().flat_map(|place| {
        let name = dialect.place_name(place);
        let shapes = place.try_all(frame).unwrap_or_default();
        shapes.into_iter().map(move |tried| shape(&name, &tried)).collect::<Vec<_>>()
    });
    let shapes: Vec<Json> = tried.collect();
    let mut explained = json!({ "route": *way.route.name, "dialect": *dialect.name, "shapes": shapes });
    match dialect.understand(side, frame) {
        Err(fault) => {
            explained["refused"] = json!({ "reason": fault.reason.as_str(), "words": fault.explained() });
            explained["heard"] = json!([]);
        }
        Ok(fields) => {
            explained["kind"] = json!(fields.kind().map(|kind| kind.to_string()));
            explained["event"] = config::event_json(&fields);
            explained["heard"] = ways
                .iter()
                .map(|way| match way.hear(&fields, frame) {
                    Ok(heard) => of_heard(way, &heard),
                    Err(why) => json!({ "dialect": *way.listener.0.name, "why": way.words(&why) }),
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
        Verdict::Present(path) => Some(format!("`{path}` is there")),
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
        "dialect": *way.listener.0.name,
        "why": null,
        "form": heard.form,
        "frames": frames,
        "degraded": degraded,
        "lost": paths(&heard.lost),
        "made_up": paths(&heard.made_up),
    })
}

/// The same for people.
fn text(explained: &Json) -> String {
    let word = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Json| value.as_array().into_iter().flatten().map(&word).collect::<Vec<_>>().join(", ");
    let mut out = format!("said on {}, in {}\n", word(&explained["route"]), word(&explained["dialect"]));
    for shape in explained["shapes"].as_array().into_iter().flatten() {
        let sign = if shape["is_it"] == true { "✓" } else { "·" };
        let why = shape["why"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
        out.push_str(&format!("  {sign} {} {}{why}\n", word(&shape["place"]), word(&shape["frame"])));
    }
    if let Some(refused) = explained.get("refused") {
        out.push_str(&format!("\nrefused ({}): {}\n", word(&refused["reason"]), word(&refused["words"])));
        return out;
    }
    out.push_str(&format!("\nevent {}\n  {}\n", word(&explained["kind"]), explained["event"]));
    for heard in explained["heard"].as_array().into_iter().flatten() {
        if let Some(why) = heard["why"].as_str() {
            out.push_str(&format!("\n{}: nothing: {why}\n", word(&heard["dialect"])));
            continue;
        }
        out.push_str(&format!("\n{}: {}\n", word(&heard["dialect"]), word(&heard["form"])));
        for frame in heard["frames"].as_array().into_iter().flatten() {
            out.push_str(&format!("  {frame}\n"));
        }
        for (key, title) in [("degraded", "went as text"), ("lost", "lost"), ("made_up", "examples")] {
            let names = list(&heard[key]);
            if !names.is_empty() {
                out.push_str(&format!("  {title}: {names}\n"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
