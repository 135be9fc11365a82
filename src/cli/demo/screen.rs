//! What the demo prints while it runs: who, whether said or heard, and the JSON on one line. In: texts. Out: lines.

use std::cell::RefCell;
use std::io::IsTerminal;

use crate::cli::Console;
use crate::config;

/// Longer lines are cut here, in characters.
const LONGEST_LINE: usize = 200;

/// Colours of the clients, by their place: red is for faults.
const COLOURS: [&str; 5] = ["36", "33", "35", "32", "34"];

pub struct Screen<'c> {
    /// Everybody prints to it, one at a time: the demo runs on one thread.
    console: RefCell<&'c mut Console>,
    names: Vec<String>,
    colours: bool,
    width: usize,
}

impl<'c> Screen<'c> {
    /// A screen for these speakers; colours only where somebody looks.
    pub fn new(names: Vec<String>, console: &'c mut Console) -> Self {
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let colours = std::io::stdout().is_terminal() && config::wants_colour();
        Screen { console: RefCell::new(console), names, colours, width }
    }

    pub fn line(&self, text: &str) {
        self.console.borrow_mut().data(&format_args!("{text}\n"));
    }

    pub fn heading(&self, text: &str) {
        self.line("");
        self.line(&self.paint("1", text));
    }

    /// Something that a client sends.
    pub fn out(&self, who: &str, text: &str) {
        self.said(who, "→", text);
    }

    /// Something that a client receives.
    pub fn heard(&self, who: &str, text: &str) {
        self.said(who, "←", text);
    }

    fn said(&self, who: &str, arrow: &str, text: &str) {
        let name = format!("{who:width$}", width = self.width);
        let place = self.names.iter().position(|name| name == who).unwrap_or(0);
        let name = self.paint(COLOURS[place % COLOURS.len()], &name);
        self.line(&format!("  {name} {arrow} {}", one_line(text)));
    }

    /// A text in a colour, an SGR code.
    pub fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Without line breaks and other controls, and not too long: a frame could hold anything.
fn one_line(text: &str) -> String {
    let mut line: String =
        text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(LONGEST_LINE).collect();
    if text.chars().nth(LONGEST_LINE).is_some() {
        line.push('…');
    }
    line
}
