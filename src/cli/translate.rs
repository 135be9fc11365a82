//! `dragoman translate`. In: one frame (or body) of a dialect. Out: the same in another; what was lost on the side.

use std::sync::Arc;

use clap::{Args, ValueEnum};

use super::{Console, Exit, chosen, said};
use crate::dialect::{Audience, Degradation, Dialect, Unwritable, translation};

#[derive(Debug, Args)]
#[command(after_help = "Examples (`dragoman dialects` lists the names):
  echo '{\"type\":\"text\",\"conversation_id\":7,\"content\":\"hi\"}' | dragoman translate --from ONE --to OTHER
  dragoman translate --from ONE --to OTHER --side server < frame.json

What clients send becomes what clients send, what servers send becomes what servers send. Data is on
standard output, a line a frame; what was lost is on standard error. Exits with 1 when the frame is
refused or cannot be said at all.")]
pub(super) struct Arguments {
    /// The dialect of the frame: a name, or a file of your own; either with `@variant`
    #[arg(long, value_name = "DIALECT")]
    from: String,
    /// The dialect to say it in
    #[arg(long, value_name = "DIALECT")]
    to: String,
    /// Who says it
    #[arg(long, value_enum, default_value = "client")]
    side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    Client,
    Server,
}

impl From<Side> for translation::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Client => translation::Side::Client,
            Side::Server => translation::Side::Server,
        }
    }
}

pub(super) fn run(arguments: &Arguments, console: &mut Console) -> Exit {
    let (from, to) = match (chosen::dialect(&arguments.from, console), chosen::dialect(&arguments.to, console)) {
        (Ok(from), Ok(to)) => (from, to),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let frame = match said::read("a frame", console) {
        Ok(frame) => frame,
        Err(why) => {
            console.error(&why);
            return Exit::Failed;
        }
    };
    translate(&from, &to, arguments.side, &frame, console)
}

fn translate(from: &Arc<Dialect>, to: &Arc<Dialect>, side: Side, frame: &str, console: &mut Console) -> Exit {
    let side = side.into();
    let fields = match from.understand(side, frame) {
        Ok(fields) => fields,
        Err(fault) => {
            console.error(&format_args!("{} refuses this: {}", from.name, fault.explained()));
            return Exit::Failed;
        }
    };
    let kind = fields.kind().map_or_else(|| "no event".to_owned(), |kind| kind.to_string());
    match to.carry(&to.places(side), &fields, Audience::Receiver) {
        Ok(carried) => {
            console.data(&format_args!("{}\n", carried.frames.join("\n")));
            for why in carried.degraded {
                console.talk(&match why {
                    Degradation::Buttons => format!("{kind} went with its buttons as text\n"),
                    Degradation::Kind | Degradation::Type | Degradation::Size => {
                        format!("{kind} went as text ({})\n", why.as_str())
                    }
                });
            }
            let lost: Vec<String> = carried.lost.iter().map(|field| field.path().into_owned()).collect();
            if !lost.is_empty() {
                console.talk(&format_args!("lost: {}\n", lost.join(", ")));
            }
            Exit::Fine
        }
        Err(Unwritable::Needs(field)) => {
            console.error(&format_args!("{} needs `{}`, which {} does not say", to.name, field.path(), from.name));
            Exit::Failed
        }
        Err(Unwritable::NoShape) => {
            console.error(&format_args!("{} has no form for `{kind}`", to.name));
            Exit::Failed
        }
    }
}
