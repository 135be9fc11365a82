//! A store that cannot take more: full, read-only, not permitted. Real file systems, mounted where the test may mount; where
//! it may not it says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, files, is_refusal};
use super::tool::uploads;

/// A file system in memory over a folder, gone when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn over(folder: &Path, size: &str) -> Option<Self> {
        let done = mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], folder);
        if !done {
            eprintln!("SKIPPED: this user may not mount a file system, so none can be full or read-only here");
            return None;
        }
        // What the store had made at its start.
        std::fs::create_dir(folder.join(".unfinished")).unwrap();
        Some(Mounted(folder.to_owned()))
    }

    fn remount(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], &self.0), "remounted {option}");
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], folder: &Path) -> bool {
    let output = Command::new("mount").args(arguments).arg(folder).output();
    output.is_ok_and(|output| output.status.success())
}

async fn is_refused(gateway: &Gateway, upload: &Upload, content: &[u8], statuses: &[u16]) {
    let dialect = upload.dialect;
    let before = files(&gateway.uploads());
    let answer = upload.send(gateway, "view.png", "image/png", content).await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(statuses.contains(&answer.status), "{dialect}: {} {text}", answer.status);
    assert!(is_refusal(dialect, &answer.json()), "{dialect}: {text}");
    // Whose fault it is is told, not where the files are.
    assert!(!text.contains("uploads/") && !text.contains("os error"), "{dialect}: {text}");
    assert_eq!(files(&gateway.uploads()), before, "{dialect}: something is left");
}

#[tokio::test]
async fn a_full_disk_refuses_and_keeps_nothing() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let Some(mounted) = Mounted::over(&gateway.uploads(), "512k") else { return };
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        let large = [PNG, &vec![7; 700 * 1024]].concat();
        is_refused(&gateway, &upload, &large, &[507]).await;
        // What it had taken is free again.
        upload.stored(&gateway, "view.png", "image/png", &[PNG, &vec![7; 60 * 1024]].concat()).await;
    }
    // Full to the last byte: not even a small one.
    let _ = std::fs::write(gateway.uploads().join("ballast"), vec![0; 512 * 1024]);
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        is_refused(&gateway, &upload, &[PNG, &vec![7; 8 * 1024]].concat(), &[507]).await;
    }
    std::fs::remove_file(gateway.uploads().join("ballast")).unwrap();
    for dialect in DIALECTS {
        Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
    }
    let verified = uploads(&gateway, &["verify", "--content"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(gateway.is_alive());
    drop(mounted);
}

#[tokio::test]
async fn a_read_only_folder_refuses_and_still_serves() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let Some(mounted) = Mounted::over(&gateway.uploads(), "4m") else { return };
    let mut stored = Vec::new();
    for dialect in DIALECTS {
        stored.push(Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await);
    }
    mounted.remount("ro");
    for dialect in DIALECTS {
        is_refused(&gateway, &Upload::of(&gateway, dialect).await, PNG, &[503]).await;
    }
    for path in &stored {
        let answer = super::harness::http::get(gateway.address, path, &[]).await;
        assert_eq!((answer.status, answer.body.as_slice()), (200, PNG), "{path}");
    }
    assert!(gateway.log().contains("not permitted"), "the operator is told: {}", gateway.log());
    mounted.remount("rw");
    for dialect in DIALECTS {
        Upload::of(&gateway, dialect).await.stored(&gateway, "view.png", "image/png", PNG).await;
    }
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn a_folder_without_permission_refuses() {
    use std::os::unix::fs::PermissionsExt;

    let gateway = Gateway::start(CONVERSATIONS).await;
    let unfinished = gateway.uploads().join(".unfinished");
    std::fs::set_permissions(&unfinished, std::fs::Permissions::from_mode(0o500)).unwrap();
    if std::fs::write(unfinished.join("probe"), b"").is_ok() {
        std::fs::remove_file(unfinished.join("probe")).unwrap();
        eprintln!("SKIPPED: this user may write wherever it likes, so nothing is forbidden to it");
        return;
    }
    for dialect in DIALECTS {
        is_refused(&gateway, &Upload::of(&gateway, dialect).await, PNG, &[503]).await;
    }
}
