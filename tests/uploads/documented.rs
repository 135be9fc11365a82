//! The types and sizes that the five documents name, each at, below and above: as their tables have them.

use std::time::Duration;

use super::harness::http::{self, Answer};
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, files, is_refusal};
use super::tool::uploads;

const MEBIBYTE: usize = 1024 * 1024;
/// A debug build hashes slowly.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a file of this extension begins with.
fn beginning(extension: &str) -> &'static [u8] {
    match extension {
        "png" => PNG,
        "jpg" | "jpeg" => b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        "gif" => b"GIF89a\x01\0\x01\0",
        "heic" => b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "heif" => b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic",
        "pdf" => b"%PDF-1.4\n",
        "txt" => b"words",
        "doc" | "xls" | "ppt" => b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "docx" | "xlsx" | "pptx" | "zip" => b"PK\x03\x04\x14\0\x06\0",
        "mp4" => b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        "mov" => b"\0\0\0\x14ftypqt  \0\0\0\0qt  ",
        "avi" => b"RIFF\x24\0\0\0AVI LIST",
        "mp3" => b"ID3\x03\0\0\0\0\0\0",
        "wav" => b"RIFF\x24\0\0\0WAVEfmt ",
        "mpeg" => b"\xff\xfb\x90\x64\0\0\0\0",
        "m4a" => b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42",
        "3gp" => b"\0\0\0\x14ftyp3gp4\0\0\0\x003gp4",
        "exe" | "scr" | "com" => b"MZ\x90\0\x03\0\0\0",
        "msi" => b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "jar" => b"PK\x03\x04\x14\0\x06\0",
        "bat" | "cmd" | "ps1" | "sh" | "js" | "vbs" => b"echo words",
        "svg" => b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>",
        "html" | "htm" | "xhtml" => b"<!DOCTYPE html><script>alert(1)</script>",
        other => unreachable!("no beginning of {other}"),
    }
}

/// What a browser declares.
fn declared(extension: &str) -> String {
    mime_guess::from_ext(extension).first_or_octet_stream().to_string()
}

pub fn content(extension: &str, size: usize) -> Vec<u8> {
    let mut content = beginning(extension).to_vec();
    content.resize(size, b'\n');
    content
}

/// A row of a document: where it goes, its extensions, the most that such a file may have.
pub struct Row {
    pub path: Option<&'static str>,
    pub taken: &'static [&'static str],
    refused: &'static [&'static str],
    pub most: usize,
}

pub fn rows(dialect: &str) -> Vec<Row> {
    let row = |path, taken, refused, most| Row { path, taken, refused, most };
    match dialect {
        // "Supported File Types", "Maximum file size: 10MB".
        "frontdesk" => vec![
            row(None, &["jpg", "jpeg", "png", "gif"], &["heic", "heif", "svg"], 10 * MEBIBYTE),
            row(None, &["pdf", "txt", "doc", "docx"], &["xls", "pptx", "zip", "exe", "html"], 10 * MEBIBYTE),
            row(None, &["mp4", "avi", "mov"], &["3gp"], 10 * MEBIBYTE),
            row(None, &["mp3", "wav", "mpeg"], &["m4a"], 10 * MEBIBYTE),
        ],
        // No table: nothing that runs.
        "andromedia" | "licomed" => vec![row(
            None,
            &["png", "jpg", "gif", "heic", "pdf", "docx", "xls", "txt", "zip", "mp4", "mp3"],
            &["exe", "bat", "cmd", "com", "msi", "scr", "ps1", "sh", "jar", "js", "vbs", "html", "htm", "svg", "xhtml"],
            25 * MEBIBYTE,
        )],
        // "Allowed formats and sizes", by the kind in the path.
        "divar" => vec![
            row(Some("/upload/image"), &["png", "jpeg", "jpg"], &["gif", "heic", "pdf", "svg"], 5 * MEBIBYTE),
            row(
                Some("/upload/file"),
                &["pdf", "doc", "docx", "xlsx", "xls", "pptx", "ppt"],
                &["txt", "png", "zip", "html"],
                5 * MEBIBYTE,
            ),
            row(Some("/upload/voice"), &["m4a", "3gp"], &["mp3", "mp4"], 3 * MEBIBYTE / 2),
            row(Some("/upload/video"), &["mp4"], &["mov", "avi", "m4a"], 50 * MEBIBYTE),
        ],
        // "Supported File Types"; the size is the server's.
        "luxmart" => vec![
            row(None, &["jpg", "jpeg", "png", "gif", "heic", "heif"], &["svg", "mp4", "mp3"], 10 * MEBIBYTE),
            row(None, &["pdf", "doc", "docx", "xls", "xlsx"], &["txt", "ppt", "zip", "exe", "html"], 10 * MEBIBYTE),
        ],
        other => unreachable!("no dialect {other}"),
    }
}

async fn send(gateway: &Gateway, upload: &Upload, row: &Row, extension: &str, size: usize) -> Answer {
    send_as(gateway, upload, row, (extension, extension), size).await
}

/// A file that is what its extension says, under a name that ends otherwise.
async fn send_as(
    gateway: &Gateway,
    upload: &Upload,
    row: &Row,
    (extension, ending): (&str, &str),
    size: usize,
) -> Answer {
    let parts = upload.parts(&format!("a.{ending}"), &declared(extension), &content(extension, size));
    let kind = format!("multipart/form-data; boundary={}", http::BOUNDARY);
    let headers = [(upload.header.0, upload.header.1.as_str()), ("Content-Type", &kind)];
    let path = row.path.unwrap_or(upload.path);
    http::send_within(gateway.address, &http::request("POST", path, &headers, &http::form(&parts)), PATIENCE).await
}

#[tokio::test]
async fn documented_types_are_taken_and_no_others() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        for row in rows(dialect) {
            for extension in row.taken {
                let answer = send(&gateway, &upload, &row, extension, 500).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                assert!((200..300).contains(&answer.status), "{dialect}: {extension}: {} {text}", answer.status);
                // Extensions are compared without regard to case.
                let upper = extension.to_ascii_uppercase();
                let answer = send_as(&gateway, &upload, &row, (extension, &upper), 501).await;
                assert!((200..300).contains(&answer.status), "{dialect}: {upper}: {answer:?}");
            }
            for extension in row.refused {
                for ending in [(*extension).to_owned(), extension.to_ascii_uppercase()] {
                    let before = files(&gateway.uploads()).len();
                    let answer = send_as(&gateway, &upload, &row, (extension, &ending), 500).await;
                    let text = String::from_utf8_lossy(&answer.body).into_owned();
                    assert_eq!(answer.status, 400, "{dialect}: {ending}: {text}");
                    assert!(is_refusal(dialect, &answer.json()), "{dialect}: {ending}: {text}");
                    assert_eq!(files(&gateway.uploads()).len(), before, "{dialect}: {ending} left a file");
                }
            }
        }
    }
    assert_eq!(uploads(&gateway, &["verify"]).await.code, 0);
    assert!(gateway.is_alive());
}

#[tokio::test]
async fn documented_sizes_are_exact() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    for dialect in DIALECTS {
        let upload = Upload::of(&gateway, dialect).await;
        for row in rows(dialect) {
            let extension = row.taken[0];
            for (size, fits) in [(row.most - 1, true), (row.most, true), (row.most + 1, false)] {
                let before = files(&gateway.uploads());
                let answer = send(&gateway, &upload, &row, extension, size).await;
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let new: Vec<_> = files(&gateway.uploads()).into_iter().filter(|file| !before.contains(file)).collect();
                if fits {
                    assert!((200..300).contains(&answer.status), "{dialect}: {size}: {} {text}", answer.status);
                    let stored = std::fs::metadata(&new[0]).unwrap().len();
                    assert_eq!((new.len(), stored), (1, size as u64), "{dialect}: {extension}");
                    // As large as it is, it is in nobody's way.
                    std::fs::write(&new[0], b"").unwrap();
                } else {
                    let expected = if dialect == "frontdesk" { 400 } else { 413 };
                    assert_eq!(answer.status, expected, "{dialect}: {extension} of {size} bytes: {text}");
                    assert!(is_refusal(dialect, &answer.json()), "{dialect}: {text}");
                    assert!(new.is_empty(), "{dialect}: {extension} of {size} bytes left {new:?}");
                }
            }
        }
        if dialect == "frontdesk" {
            let row = &rows(dialect)[0];
            let answer = send(&gateway, &upload, row, "png", row.most + 1).await;
            assert_eq!(answer.json()["error"], "File size exceeds 10MB limit");
        }
    }
    assert!(gateway.is_alive());
}
