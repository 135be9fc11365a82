//! Where a command writes. In: what it has to say. Out: data on one stream, talk on the other, colours only for a
//! terminal. A reader that went away is no failure.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use crate::config;

/// The two streams of a command.
pub struct Console {
    data: Box<dyn Write>,
    talk: Box<dyn Write>,
    colour: bool,
}

impl Console {
    /// Standard output and standard error.
    pub fn of_process() -> Self {
        let colour = std::io::stderr().is_terminal() && config::wants_colour();
        Console { data: Box::new(std::io::stdout()), talk: Box::new(std::io::stderr()), colour }
    }

    /// Any two streams, without colours.
    pub fn of(data: Box<dyn Write>, talk: Box<dyn Write>) -> Self {
        Console { data, talk, colour: false }
    }

    /// Whether talk may have colours.
    pub fn colour(&self) -> bool {
        self.colour
    }

    /// What was asked for, as it is.
    pub fn data(&mut self, text: &dyn Display) {
        let _ = write!(self.data, "{text}");
        let _ = self.data.flush();
    }

    /// What there is to say besides.
    pub fn talk(&mut self, text: &dyn Display) {
        let _ = write!(self.talk, "{text}");
        let _ = self.talk.flush();
    }

    /// Why a command failed.
    pub fn error(&mut self, text: &dyn Display) {
        self.talk(&format_args!("dragoman: {text}\n"));
    }
}
