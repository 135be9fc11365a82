//! A dialect that is named on the command line. In: `NAME`, `NAME@VARIANT`, or the path of a file, with or without a
//! variant. Out: the dialect, or what is wrong with its file, at once and with every place.

use std::sync::Arc;

use super::{Console, Exit};
use crate::dialect::{Choice, Dialect, builtin, suggestion};

/// The longest dialect file, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The dialect of this name or file.
pub(super) fn dialect(name: &str, console: &mut Console) -> Result<Arc<Dialect>, Exit> {
    let (source, variant) = match name.rsplit_once('@') {
        Some((source, variant)) if !is_file(name) || is_file(source) => (source, Some(variant.to_owned())),
        Some(_) | None => (name, None),
    };
    let text = match is_file(source) {
        true => file(source, console)?,
        false => builtin::text(source).map(str::to_owned).ok_or_else(|| unknown(source, console))?,
    };
    let choice = Choice { variant, ..Choice::default() };
    Dialect::parse(source, &text, &choice).map(Arc::new).map_err(|problems| {
        console.talk(&format_args!("{problems}\n"));
        Exit::Config
    })
}

fn is_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".toml")
}

fn file(path: &str, console: &mut Console) -> Result<String, Exit> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LONGEST) {
        console.error(&format_args!("{path}: larger than 1 MiB"));
        return Err(Exit::Usage);
    }
    std::fs::read_to_string(path).map_err(|error| {
        console.error(&format_args!("{path}: {error}"));
        Exit::Usage
    })
}

/// A name that is no built-in dialect.
pub(super) fn unknown(name: &str, console: &mut Console) -> Exit {
    let help = suggestion(name, builtin::names()).map(|help| format!("; {help}")).unwrap_or_default();
    console.error(&format_args!("no dialect is called `{name}`{help}"));
    Exit::Usage
}
