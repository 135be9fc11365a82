//! Configs. In: a text. `check` takes it or says why it does not; the layout of a text means the same and is its own layout.

use std::path::Path;

use dragoman::config::{self, Inputs, Unformattable};
use dragoman::dialect::builtin;

pub fn routes(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A folder that is not there: what a text names cannot be read.
    let checked = config::check("routes.toml", text, Path::new("nowhere"), &Inputs::default(), builtin::BUILTIN);
    if let Err(problems) = checked {
        assert!(problems.errors() > 0, "refused, and nothing is said");
        assert_eq!(problems.text.len(), text.len(), "what is shown has other places");
        problems.render(false);
    }
}

pub fn layout(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match config::format(text) {
        Ok(once) => assert_eq!(config::format(&once), Ok(once), "a layout has another layout"),
        Err(Unformattable::Meaning) => panic!("the layout would mean something else"),
        Err(Unformattable::Syntax { at, .. }) => assert!(at <= text.len()),
    }
}
