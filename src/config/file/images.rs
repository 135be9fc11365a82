//! `images` of a route: what is done to images that are uploaded there.

use super::super::node::Value;
use super::super::section::{Section, Spanned};
use crate::images::{How, ImageSettings, Otherwise};

/// What can be done; nothing is the default.
pub(super) const WORDS: &[(&str, Option<How>)] =
    &[("keep", None), ("strip", Some(How::Strip)), ("reencode", Some(How::Reencode))];

/// What becomes of an image for which it cannot be done.
pub(super) const OTHERWISE: &[(&str, Otherwise)] = &[("refuse", Otherwise::Refuse), ("keep", Otherwise::Keep)];

/// `images = "strip"`, or a table whose `how` says it.
pub(super) fn read(route: &Section<'_>) -> Option<Spanned<ImageSettings>> {
    let section = match &route.node("images")?.value {
        Value::Table(_) => Some(route.section("images")?),
        _ => None,
    };
    let how = match &section {
        Some(section) => {
            if !section.has("how") {
                section.missing("how", "`how = \"strip\"` takes metadata out, `how = \"reencode\"` writes images anew");
            }
            section.word("how", WORDS)
        }
        None => route.word("images", WORDS),
    };
    let bounds = bounds(section.as_ref());
    if let Some(section) = section {
        section.finish();
    }
    let how = how?;
    Some(Spanned { value: ImageSettings { how: how.value?, ..bounds }, place: how.place })
}

/// All but what is done.
fn bounds(written: Option<&Section<'_>>) -> ImageSettings {
    let size = written.and_then(|section| section.size("up_to"));
    let number = |key| written.and_then(|section| section.integer(key));
    let (megapixels, at_once, quality) = (number("megapixels"), number("at_once"), number("quality"));
    let otherwise = written.and_then(|section| section.word("otherwise", OTHERWISE));
    ImageSettings {
        how: How::Strip,
        up_to: size.unwrap_or(16 << 20),
        pixels: megapixels.and_then(|count| u64::try_from(count).ok()).unwrap_or(40) * 1_000_000,
        at_once: at_once.and_then(|count| usize::try_from(count).ok()).unwrap_or(2),
        quality: quality.and_then(|quality| u8::try_from(quality).ok()).unwrap_or(90),
        otherwise: otherwise.map(|word| word.value).unwrap_or_default(),
    }
}
