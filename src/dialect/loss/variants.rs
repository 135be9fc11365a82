//! What variants lose otherwise than the dialects that they are of. In: dialects and variants. Out: only the lines that differ,
//! so that the page stays one of dialects.

use std::fmt::Write;

use super::super::model::{Dialect, family};
use super::between;

/// Each pair of a variant and a dialect of another family, in both directions, as Markdown. Pairs that lose what those of the
/// variant's base lose are left out; variants that differ in the same stand together.
pub fn of_variants(dialects: &[&Dialect], variants: &[&Dialect]) -> String {
    let mut sections: Vec<(Vec<String>, String)> = Vec::new();
    let mut add = |pair: String, lines: String| match sections.iter_mut().find(|(_, known)| *known == lines) {
        _ if lines.is_empty() => {}
        Some((pairs, _)) => pairs.push(pair),
        None => sections.push((vec![pair], lines)),
    };
    for variant in variants {
        let Some(base) = dialects.iter().find(|dialect| *dialect.name == *family(&variant.name)) else { continue };
        for other in dialects.iter().filter(|other| other.name != base.name) {
            let pair = |from: &Dialect, to: &Dialect| format!("{} to {}", from.name, to.name);
            add(pair(variant, other), differing(&lines(variant, other), &lines(base, other)));
            add(pair(other, variant), differing(&lines(other, variant), &lines(other, base)));
        }
    }
    sections.into_iter().fold(String::new(), |mut out, (pairs, lines)| {
        // Writing into a text cannot fail.
        let _ = write!(out, "\n### {}\n\n{lines}", pairs.join(", "));
        out
    })
}

/// What is said of, and what becomes of it.
fn lines(from: &Dialect, to: &Dialect) -> Vec<(String, String)> {
    let described = between(from, to).describe();
    let split = |line: &str| {
        let (said, becomes) = line.split_once(": ")?;
        Some((said.to_owned(), becomes.to_owned()))
    };
    described.lines().filter_map(split).collect()
}

/// The lines that are others, and those that are not there any more.
fn differing(lines: &[(String, String)], of_base: &[(String, String)]) -> String {
    let changed = lines.iter().filter(|line| !of_base.contains(line));
    let gone = of_base.iter().filter(|(said, _)| !lines.iter().any(|(other, _)| other == said));
    let mut out = String::new();
    for (said, becomes) in changed {
        let _ = writeln!(out, "{said}: {becomes}");
    }
    for (said, _) in gone {
        let _ = writeln!(out, "{said}: {}", if said == "- not told" { "nothing" } else { "not said" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(said: &str, becomes: &str) -> (String, String) {
        (said.to_owned(), becomes.to_owned())
    }

    #[test]
    fn only_what_differs_is_listed() {
        let base = [line("- text", "kept"), line("- image", "as text"), line("- not told", "typing")];
        assert_eq!(differing(&base, &base), "");
        let variant = [line("- text", "kept"), line("- image", "kept")];
        assert_eq!(differing(&variant, &base), "- image: kept\n- not told: nothing\n");
        assert_eq!(differing(&variant[..1], &base[..2]), "- image: not said\n");
    }
}
