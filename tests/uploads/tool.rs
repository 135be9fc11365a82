//! `dragoman uploads` as an operator runs it. In: arguments. Out: exit code, records, talk.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use super::harness::Gateway;

#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    /// Lines of standard output.
    pub lines: Vec<String>,
    pub talk: String,
}

impl Outcome {
    /// What it told with `--format json`.
    pub fn records(&self) -> Vec<Value> {
        self.lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

/// Asks a gateway that runs.
pub async fn uploads(gateway: &Gateway, arguments: &[&str]) -> Outcome {
    let admin = gateway.admin.to_string();
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--admin", &admin]).collect();
    run(gateway.folder(), &arguments).await
}

/// With the config of a folder.
pub async fn run(folder: &Path, arguments: &[&str]) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_dragoman"))
        .args(["uploads", "--config"])
        .arg(folder.join("routes.toml"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Outcome {
        code: output.status.code().unwrap_or(-1),
        lines: text(&output.stdout).lines().map(str::to_owned).collect(),
        talk: text(&output.stderr),
    }
}
