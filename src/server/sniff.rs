//! Whether bytes are what their name says. In: the first bytes of a file and the MIME type that its extension stands
//! for. Out: yes or no; a file that pretends is not taken.

/// How many bytes are looked at.
pub const LOOKED_AT: usize = 4096;

/// Types that always begin with their own mark.
const MARKED: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"];

/// Whether bytes that begin like this can be a file of this type.
pub fn agrees(beginning: &[u8], mime: &str) -> bool {
    let sniffed = infer::get(beginning).map(|kind| kind.mime_type());
    match sniffed {
        Some(sniffed) if sniffed == mime => true,
        Some(_) | None if MARKED.contains(&mime) => false,
        Some(sniffed) => compatible(sniffed, mime),
        // Many types have no mark; what looks like a page or a program is neither picture nor sound.
        None => !(is_picture_or_sound(mime) && looks_like_text(beginning)),
    }
}

/// The type of a file: what its name stands for; where that says nothing, what its first bytes do.
pub fn told<'a>(beginning: &[u8], mime: &'a str) -> &'a str {
    if mime != "application/octet-stream" {
        return mime;
    }
    infer::get(beginning).map_or(mime, |kind| kind.mime_type())
}

/// Containers are shared: office files are zip or OLE, `.m4a` and `.heic` are ISO base media, `.webm` is Matroska.
fn compatible(sniffed: &str, mime: &str) -> bool {
    const PROGRAMS: &[&str] = &[
        "application/vnd.microsoft.portable-executable",
        "application/x-executable",
        "application/x-mach-binary",
        "text/html",
        "text/x-shellscript",
    ];
    if PROGRAMS.contains(&sniffed) {
        return false;
    }
    let (family, sniffed_family) = (family(mime), family(sniffed));
    match family {
        "audio" | "video" => matches!(sniffed_family, "audio" | "video"),
        "image" => sniffed_family == "image" || sniffed == "video/mp4",
        // A text that begins like a picture is a picture.
        "text" => sniffed_family == "text",
        _ => sniffed_family == "application" || sniffed_family == "text",
    }
}

fn family(mime: &str) -> &str {
    mime.split('/').next().unwrap_or_default()
}

fn is_picture_or_sound(mime: &str) -> bool {
    matches!(family(mime), "image" | "audio" | "video")
}

fn looks_like_text(beginning: &[u8]) -> bool {
    !beginning.is_empty()
        && beginning.iter().take(512).all(|byte| *byte >= 0x20 || matches!(byte, b'\n' | b'\r' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::agrees;

    #[test]
    fn what_pretends_is_found() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        for (bytes, mime, expected) in [
            (png.as_slice(), "image/png", true),
            (png, "image/jpeg", false),
            (png, "application/pdf", false),
            (png, "text/plain", false),
            (b"%PDF-1.4\n", "application/pdf", true),
            (b"%PDF-1.4\n", "image/png", false),
            (b"<html><script>", "image/png", false),
            (b"<html><script>", "audio/mpeg", false),
            (b"MZ\x90\0\x03", "application/pdf", false),
            (b"MZ\x90\0\x03", "text/plain", false),
            (b"PK\x03\x04rest", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", true),
            (b"hello", "text/plain", true),
            (b"", "image/png", false),
            (b"", "text/plain", true),
            (b"ID3\x03", "audio/mpeg", true),
        ] {
            assert_eq!(agrees(bytes, mime), expected, "{mime} {bytes:?}");
        }
    }
}
