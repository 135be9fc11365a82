//! A dialect that is named on the command line. In: `NAME`, `NAME@VARIANT`, or the path of a file, with or without a
//! variant. Out: the dialect, or what is wrong with its file, at once and with every place.

use std::sync::Arc;

use super::{Console, Exit};
use crate::config::Problems;
use crate::dialect::{self, Choice, Dialect, builtin, suggestion};

/// The longest dialect file, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The dialect of this name or file.
pub(super) fn dialect(name: &str, console: &mut Console) -> Result<Arc<Dialect>, Exit> {
    read(name, console, |source, text, variant| Dialect::parse(source, text, &Choice { variant, ..Choice::default() }))
}

/// The same; where no variant is named, the mistakes of all variants too.
pub(super) fn proved(name: &str, console: &mut Console) -> Result<Arc<Dialect>, Exit> {
    read(name, console, |source, text, variant| match variant {
        Some(_) => Dialect::parse(source, text, &Choice { variant, ..Choice::default() }),
        None => Dialect::parse_with_variants(source, text),
    })
}

fn read(
    name: &str,
    console: &mut Console,
    parse: impl Fn(&str, &str, Option<String>) -> Result<Dialect, dialect::Problems>,
) -> Result<Arc<Dialect>, Exit> {
    let (source, variant) = match name.rsplit_once('@') {
        Some((source, variant)) if !is_file(name) || is_file(source) => (source, Some(variant.to_owned())),
        Some(_) | None => (name, None),
    };
    let text = match is_file(source) {
        true => file(source, console)?,
        false => builtin::text(source).map(str::to_owned).ok_or_else(|| unknown(source, console))?,
    };
    parse(source, &text, variant).map(Arc::new).map_err(|problems| {
        console.talk(&Problems::from(problems).render(console.colour()));
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
