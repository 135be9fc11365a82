//! A program that judges. In: its arguments, the bytes for its standard input. Out: the verdict that its exit code says.

use std::process::Stdio;

use futures_util::TryStreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, Command};

use super::{Chunks, NoVerdict, Verdict, said};

/// Bytes of what it says that are read; what it says beyond goes nowhere.
const SAID: u64 = 4 * 1024;

pub(super) async fn judge(argv: &[String], chunks: Chunks) -> Result<Verdict, NoVerdict> {
    let failed = |what: &str, error: std::io::Error| NoVerdict(format!("{what}: {error}"));
    let Some((program, arguments)) = argv.split_first() else { return Err(NoVerdict("no program".to_owned())) };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(program, error))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let feeding = async {
        match stdin {
            Some(stdin) => feed(stdin, chunks).await,
            None => Ok(()),
        }
    };
    let hearing = async {
        let mut heard = Vec::new();
        if let Some(mut stdout) = stdout {
            let _ = (&mut stdout).take(SAID).read_to_end(&mut heard).await;
            // A program whose output nobody takes would stand still.
            let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
        }
        String::from_utf8_lossy(&heard).into_owned()
    };
    let (fed, heard) = tokio::join!(feeding, hearing);
    let status = child.wait().await.map_err(|error| failed(program, error))?;
    match (status.code(), fed) {
        // It judged a file that was cut.
        (_, Err(error)) => Err(failed("the file could not be read", error)),
        (Some(0), Ok(())) => Ok(Verdict::Clean),
        (Some(1), Ok(())) => Ok(Verdict::Infected(said(&heard))),
        (_, Ok(())) => Err(NoVerdict(format!("{program} ended with {status}: {}", said(&heard)))),
    }
}

/// Gives it the file. One that reads no further knows enough.
async fn feed(mut stdin: ChildStdin, mut chunks: Chunks) -> std::io::Result<()> {
    while let Some(chunk) = chunks.try_next().await? {
        if stdin.write_all(&chunk).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
