//! What is shipped for operators of several replicas: the config, the script that starts them, and what the documents name.

#[path = "../harness/mod.rs"]
mod harness;

mod documents;
mod script;

use std::path::Path;
use std::process::{Command, Output};

/// The binary, from the repository's folder, with secrets of this test.
fn dragoman(secrets: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(arguments)
        .args(["--config", "deploy/routes.toml"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("SECRETS", secrets)
        .output()
        .expect("it runs")
}

fn make_secrets(folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/secrets.sh");
    let made = Command::new(script).arg(folder).output().expect("it runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn the_config_of_replicas_is_fine() {
    let folder = tempfile::tempdir().unwrap();
    make_secrets(folder.path());
    let kept = std::fs::read(folder.path().join("jwt_secret")).unwrap();
    make_secrets(folder.path());
    assert_eq!(std::fs::read(folder.path().join("jwt_secret")).unwrap(), kept, "what is there is not made anew");
    let said = dragoman(folder.path(), &["check"]);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && !words.contains("warning") && !words.contains("config::"), "{words}");
    std::fs::remove_file(folder.path().join("visitor_secret")).unwrap();
    assert_eq!(dragoman(folder.path(), &["check"]).status.code(), Some(78), "a secret that is missing is noticed");
}
