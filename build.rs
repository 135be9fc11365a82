//! What a build says of itself. In: `DRAGOMAN_COMMIT`, or the checkout of a release build. Out: the commit, for `--version`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=DRAGOMAN_COMMIT");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=DRAGOMAN_COMMIT={}", commit().unwrap_or_else(|| "unknown".to_owned()));
}

/// A build that is not for release does not look: it would be made anew after every commit.
#[expect(clippy::disallowed_methods, reason = "a build script has no config: Cargo speaks to it by the environment")]
fn commit() -> Option<String> {
    if let Some(given) = std::env::var("DRAGOMAN_COMMIT").ok().filter(|given| !given.is_empty()) {
        return Some(given);
    }
    if std::env::var("PROFILE").ok()? != "release" {
        return None;
    }
    let head = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    println!("cargo:rerun-if-changed={head}");
    git(&["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let said = Command::new("git").args(arguments).output().ok().filter(|said| said.status.success())?;
    let text = String::from_utf8(said.stdout).ok()?.trim().to_owned();
    (!text.is_empty()).then_some(text)
}
