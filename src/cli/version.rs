//! What this program is. Out: version, commit and the dialects that are built in, for `--version`.

use std::sync::LazyLock;

use crate::dialect::builtin;

/// The version, and the commit it was built from; `unknown` for a build from no checkout, and for one not meant for release.
pub(super) const SHORT: &str = concat!(env!("CARGO_PKG_VERSION"), " (commit ", env!("DRAGOMAN_COMMIT"), ")");

static LONG: LazyLock<String> = LazyLock::new(|| {
    let names = builtin::names().flat_map(|name| {
        let variants = builtin::text(name).map(crate::dialect::Dialect::variants).unwrap_or_default();
        std::iter::once(name.to_owned()).chain(variants.into_iter().map(move |variant| format!("{name}@{variant}")))
    });
    format!("{SHORT}\ndialects: {}", names.collect::<Vec<_>>().join(", "))
});

/// The same, and the dialects.
pub(super) fn long() -> &'static str {
    &LONG
}
