//! Broken configs and all that is said about them, compared whole. In: `broken/<case>.toml`. Out: `broken/<case>.txt`;
//! set `UPDATE_EXPECTED` to write these, and read the difference before committing it.

use std::path::{Path, PathBuf};

use dragoman::config::{self, Inputs, Problems};
use dragoman::dialect::builtin::BUILTIN;

mod buckets;
mod layers;
mod redis;
mod shipped;
mod upstreams;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/broken")
}

/// The environment of every case; the real one is not looked at.
fn inputs() -> Inputs {
    let environment = [("LISTEN", "127.0.0.1:0"), ("COUNT", "twelve")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Inputs { environment, ..Inputs::default() }
}

fn cases() -> Vec<PathBuf> {
    let mut cases: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    cases.sort();
    cases
}

fn problems(path: &Path) -> Problems {
    let text = std::fs::read_to_string(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    match config::check(name, &text, &folder(), &inputs(), BUILTIN) {
        Ok(loaded) => panic!("{name} is fine: {:?}", loaded.config),
        Err(problems) => problems,
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a switch of this test, no setting")]
fn every_problem_is_said_with_its_place() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let cases = cases();
    assert!(cases.len() >= 34, "only {} cases found", cases.len());
    let mut different = Vec::new();
    for path in cases {
        let said = problems(&path).render(false);
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
    ];
    let mut seen = 0;
    for path in cases() {
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
    let problems = problems(&folder().join("unknown-keys.toml"));
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
