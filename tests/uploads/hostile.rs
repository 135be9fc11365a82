//! Files that want more than to be kept: empty, two things at once, with names that nobody should write. Each is taken as
//! its dialect has it, and harmless, or refused in the dialect's words; nothing is left of what is refused.

use super::harness::http;
use super::harness::{DIALECTS, Gateway};
use super::scene::{CONVERSATIONS, PNG, Upload, files, is_refusal};
use super::tool::uploads;

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// And shown by a browser as this type, which cannot run.
    Shown(&'static str),
    /// And a download of no type.
    Download,
    Refused,
}

use Fate::{Download, Refused, Shown};

struct Case {
    what: &'static str,
    name: String,
    content: Vec<u8>,
    /// In order of `DIALECTS`: frontdesk, andromedia, licomed, divar (images), luxmart.
    fates: [(&'static str, Fate); 5],
}

fn fates(frontdesk: Fate, andromedia: Fate, licomed: Fate, divar: Fate, luxmart: Fate) -> [(&'static str, Fate); 5] {
    [("frontdesk", frontdesk), ("andromedia", andromedia), ("licomed", licomed), ("divar", divar), ("luxmart", luxmart)]
}

fn everywhere(fate: Fate) -> [(&'static str, Fate); 5] {
    fates(fate, fate, fate, fate, fate)
}

fn cases() -> Vec<Case> {
    const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>";
    const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let case = |what, name: &str, content: &[u8], fates| Case {
        what,
        name: name.to_owned(),
        content: content.to_vec(),
        fates,
    };
    let png = Shown("image/png");
    vec![
        case("an empty image", "empty.png", b"", everywhere(Refused)),
        case("an empty PDF", "empty.pdf", b"", everywhere(Refused)),
        case("an empty text", "empty.txt", b"", fates(Download, Download, Download, Refused, Refused)),
        case("an image with a script behind it", "view.png", &[PNG, HTML].concat(), everywhere(png)),
        case(
            "an image that is a script too",
            "view.gif",
            b"GIF89a=1;/*\0\0\0*/alert(1)",
            fates(Shown("image/gif"), Shown("image/gif"), Shown("image/gif"), Refused, Shown("image/gif")),
        ),
        case(
            "a PDF with a page in it",
            "page.pdf",
            &[b"%PDF-1.4\n".as_slice(), HTML].concat(),
            fates(
                Shown("application/pdf"),
                Shown("application/pdf"),
                Shown("application/pdf"),
                Refused,
                Shown("application/pdf"),
            ),
        ),
        case("an SVG", "drawing.svg", SVG, everywhere(Refused)),
        case("an SVG that says it is an image", "drawing.png", SVG, everywhere(Refused)),
        case("a page", "page.html", HTML, everywhere(Refused)),
        case("a page that says it is an image", "page.png", HTML, everywhere(Refused)),
        case("a page with two endings", "page.html.png", HTML, everywhere(Refused)),
        case("an image with two endings", "view.html.png", PNG, everywhere(png)),
        case(
            "HEIC",
            "view.heic",
            HEIC,
            fates(Refused, Shown("image/heic"), Shown("image/heic"), Refused, Shown("image/heic")),
        ),
        case("a name of 300 bytes", &format!("{}.png", "n".repeat(296)), PNG, everywhere(png)),
        case("a name of 300 bytes in another script", &format!("{}.png", "ض".repeat(148)), PNG, everywhere(png)),
        case("a name that turns round", "a\u{202e}gnp.exe.png", PNG, everywhere(png)),
        case("a name with isolates", "\u{2066}view\u{2069}\u{200f}.png", PNG, everywhere(png)),
        case("a name in two directions", "گزارش view.png", PNG, everywhere(png)),
        case("a NUL in the name", "view\0.html\0.png", PNG, everywhere(Refused)),
        case("a NUL before another ending", "view.png\0.html", PNG, everywhere(Refused)),
        case("control characters in the name", "a\u{1}\u{7f}\u{9b}b.png", PNG, everywhere(Refused)),
        case("a name with a dot at its end", "view.png.", PNG, everywhere(Refused)),
        case("upper case", "VIEW.PNG", PNG, everywhere(png)),
    ]
}

#[tokio::test]
async fn hostile_files_are_harmless_or_refused() {
    let mut gateway = Gateway::start(CONVERSATIONS).await;
    let mut wrong = Vec::new();
    for (at, dialect) in DIALECTS.into_iter().enumerate() {
        let upload = Upload::of(&gateway, dialect).await;
        for case in cases() {
            let Some((_, fate)) = case.fates.iter().find(|(name, _)| *name == dialect) else { panic!("{at}") };
            let before = files(&gateway.uploads());
            let answer = upload.send(&gateway, &case.name, "image/png", &case.content).await;
            let new: Vec<_> = files(&gateway.uploads()).into_iter().filter(|file| !before.contains(file)).collect();
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            let mut complain = |words: String| wrong.push(format!("{dialect}: {}: {words}", case.what));
            if *fate == Refused {
                if !(400..500).contains(&answer.status) || !is_refusal(dialect, &answer.json()) || !new.is_empty() {
                    complain(format!("not refused: {} {text} {new:?}", answer.status));
                }
                continue;
            }
            if !(200..300).contains(&answer.status) || new.len() != 1 {
                complain(format!("not taken: {} {text} {new:?}", answer.status));
                continue;
            }
            let name = new[0].file_name().unwrap().to_str().unwrap().to_owned();
            let is_bad =
                |letter: char| letter.is_control() || "\u{202a}\u{202e}\u{2066}\u{2069}\u{200f}".contains(letter);
            if name.len() > 255 || name.contains(is_bad) || text.contains(is_bad) {
                complain(format!("kept as {name:?}, told as {text:?}"));
            }
            let key = new[0].strip_prefix(gateway.uploads()).unwrap().to_str().unwrap();
            let public = match dialect {
                "divar" => "/chat-media/",
                "luxmart" => "/uploads/",
                _ => "/media/",
            };
            let path: String = format!("{public}{key}").bytes().map(escaped).collect();
            let served = http::get(gateway.address, &path, &[]).await;
            let header = |name| served.header(name).unwrap_or_default().to_owned();
            let (mime, disposition) = match fate {
                Shown(mime) => (*mime, "inline;"),
                _ => ("application/octet-stream", "attachment;"),
            };
            let is_inert = header("x-content-type-options") == "nosniff"
                && header("content-security-policy") == "default-src 'none'; sandbox"
                && header("content-type") == mime
                && header("content-disposition").starts_with(disposition);
            if served.status != 200 || served.body != case.content || !is_inert {
                complain(format!("served as {} {:?}", served.status, served.headers));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let verified = uploads(&gateway, &["verify", "--content"]).await;
    assert_eq!(verified.code, 0, "{verified:?}");
    let left: Vec<_> =
        files(&gateway.uploads()).into_iter().filter(|file| file.to_string_lossy().contains(".unfinished")).collect();
    assert!(left.is_empty() && gateway.is_alive(), "{left:?}");
}

fn escaped(byte: u8) -> String {
    match byte {
        b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}
