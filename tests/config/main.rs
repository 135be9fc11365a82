//! Broken and doubtful configs, broken dialect files, and all that is said about them, compared whole. In:
//! `broken/<case>.toml`, `doubtful/<case>.toml`, `broken-dialects/<case>.toml`. Out: `<case>.txt` beside each; set
//! `UPDATE_EXPECTED` to write these, and read the difference before committing it.

use std::path::{Path, PathBuf};

use dragoman::config::{self, Inputs, Loaded, Problems};
use dragoman::dialect::Dialect;
use dragoman::dialect::builtin::BUILTIN;

mod buckets;
mod codes;
mod layers;
mod proved;
mod redis;
mod schemas;
mod shipped;
mod upstreams;

/// A folder of cases.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

/// The environment of every case; the real one is not looked at.
fn inputs() -> Inputs {
    let environment = [("LISTEN", "127.0.0.1:0"), ("COUNT", "twelve")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Inputs { environment, ..Inputs::default() }
}

fn cases(folder_name: &str) -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder(folder_name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    cases.sort();
    cases
}

fn check(path: &Path) -> Result<Loaded, Problems> {
    let text = std::fs::read_to_string(path).unwrap();
    config::check(name_of(path), &text, path.parent().unwrap(), &inputs(), BUILTIN)
}

fn name_of(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// What is said of a config that cannot be used.
fn problems(path: &Path) -> Problems {
    match check(path) {
        Ok(loaded) => panic!("{} is fine: {:?}", path.display(), loaded.config),
        Err(problems) => problems,
    }
}

/// What is said of a config that can be used, and perhaps should not.
fn warnings(path: &Path) -> Problems {
    let warnings = check(path).unwrap_or_else(|problems| panic!("{problems}")).warnings;
    assert!(!warnings.is_empty(), "nothing is said of {}", path.display());
    warnings
}

fn of_dialect(path: &Path) -> Problems {
    let text = std::fs::read_to_string(path).unwrap();
    match Dialect::parse_with_variants(name_of(path), &text) {
        Ok(_) => panic!("{} is fine", path.display()),
        Err(problems) => Problems::from(problems),
    }
}

/// Compares what is said of each case with what is committed beside it.
#[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
fn compare(folder: &str, at_least: usize, said_of: fn(&Path) -> Problems) {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let cases = cases(folder);
    assert!(cases.len() >= at_least, "only {} cases in {folder}", cases.len());
    let mut different = Vec::new();
    for path in cases {
        let said = said_of(&path).render(false);
        let expected = path.with_extension("txt");
        if update {
            std::fs::write(&expected, &said).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            different.push(format!("{}\n{said}", expected.display()));
        }
    }
    assert!(different.is_empty(), "not as committed (UPDATE_EXPECTED=1 writes them):\n{}", different.join("\n"));
}

#[test]
fn every_problem_is_said_with_its_place() {
    compare("broken", 50, problems);
}

#[test]
fn every_doubt_is_said_with_its_place() {
    compare("doubtful", 8, warnings);
}

#[test]
fn every_problem_of_a_dialect_file_is_said_with_its_place() {
    compare("broken-dialects", 20, of_dialect);
}

#[test]
fn no_secret_is_shown() {
    let secrets = [
        "correct horse battery staple",
        "0123456789abcdef0123456789abcdef",
        "invented too",
        "invented as well",
        "also invented",
        "AKIAINVENTED",
        "AKIA INVENTED",
        "invented-too",
        "a token of sixteen letters",
        "\"short\"",
        "invented-password",
        "a-key-of-the-app",
        "one-account-for-all",
        "api_key=invented",
        "ann:invented",
    ];
    let mut seen = 0;
    for path in cases("broken") {
        let text = std::fs::read_to_string(&path).unwrap();
        let problems = problems(&path);
        for colour in [false, true] {
            let said = problems.render(colour) + &format!("{problems:?}");
            for secret in secrets {
                seen += usize::from(text.contains(secret));
                assert!(!said.contains(secret), "{} shows {secret}", path.display());
            }
        }
    }
    assert!(seen >= 2 * secrets.len(), "the cases hold too few of the secrets");
}

#[test]
fn colours_change_no_word() {
    let problems = problems(&folder("broken").join("unknown-keys.toml"));
    let coloured = problems.render(true);
    assert!(coloured.contains('\u{1b}'));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, text)| text);
    }
    assert_eq!(plain + rest, problems.render(false));
}
