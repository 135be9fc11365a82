//! Names of files. In: what a client or a host declared. Out: the name to show, letter by letter as given (but for those
//! that hide or turn it), and the name to use in a path, which leads nowhere.

use crate::percent;

/// The longest name in a path, in bytes; file systems take 255, and some of it is for what stands around it.
const LONGEST: usize = 150;
/// The longest name that is shown, in bytes.
const LONGEST_SHOWN: usize = 255;

/// Names that mean a device somewhere, whatever their extension.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3", "lpt4"];

/// The name that a part's `Content-Disposition` declares: raw UTF-8 as browsers send it (RFC 7578 §4.2), with `\"` and
/// `\\` undone, or `filename*` (RFC 8187) where there is one. `None`: the part is no file.
pub fn declared(disposition: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(disposition).ok()?;
    let (mut plain, mut extended) = (None, None);
    let mut rest = text.split_once(';')?.1;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = value(after.trim_start());
        match name.trim().to_ascii_lowercase().as_str() {
            "filename" if plain.is_none() => plain = Some(value),
            "filename*" if extended.is_none() => extended = decoded(&value),
            _ => {}
        }
        rest = after.trim_start().trim_start_matches(';');
    }
    extended.or(plain)
}

/// A parameter's value and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(';').unwrap_or(text.len());
        return (text[..end].trim_end().to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut letters = quoted.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &quoted[at + 1..]),
            // Browsers escape neither; other clients escape both. A backslash before anything else is itself.
            '\\' => {
                let escaped = letters.next_if(|(_, next)| matches!(next, '"' | '\\'));
                value.push(escaped.map_or('\\', |(_, next)| next));
            }
            letter => value.push(letter),
        }
    }
    (value, "")
}

/// `UTF-8''%D9%86.png`; other charsets are passed over.
fn decoded(text: &str) -> Option<String> {
    let (charset, rest) = text.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    charset.eq_ignore_ascii_case("utf-8").then(|| percent::decode(encoded)).flatten()
}

/// The name to show: the last part of whatever path was declared, control characters left out.
pub fn shown(declared: &str) -> String {
    // Separators that were percent-encoded on the way separate all the same.
    let decoded = percent::decode(declared).filter(|decoded| decoded.contains(['/', '\\']));
    let whole = decoded.as_deref().unwrap_or(declared);
    let last = whole.rsplit(['/', '\\']).next().unwrap_or(whole);
    let name: String = last.chars().filter(|letter| !letter.is_control() && !is_turning(*letter)).collect();
    if name.trim_matches(['.', ' ']).is_empty() { "file".to_owned() } else { shortened(&name, LONGEST_SHOWN) }
}

/// The name in a path: no separators, no letters that turn the direction of writing, nothing hidden or reserved.
pub fn safe(shown: &str) -> String {
    let cleaned: String =
        shown.chars().map(|letter| if "/\\:*?\"<>|".contains(letter) { '_' } else { letter }).collect();
    let cleaned = cleaned.trim_matches([' ', '.']);
    let (stem, extension) = split(cleaned);
    // What is reserved stays so with any extension, and with several.
    let first = stem.split('.').next().unwrap_or(stem).trim_end().to_lowercase();
    let stem = if stem.is_empty() || RESERVED.contains(&first.as_str()) { "file" } else { stem };
    let name = match extension {
        "" => cut(stem, LONGEST).to_owned(),
        extension => shortened(&format!("{stem}.{extension}"), LONGEST),
    };
    // Some systems cut blanks and dots at the end; a cut in the middle leaves them there.
    name.trim_end_matches([' ', '.']).to_owned()
}

/// At most so many bytes, the extension kept.
fn shortened(name: &str, longest: usize) -> String {
    if name.len() <= longest {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    let extension = cut(extension, 20);
    format!("{}.{extension}", cut(stem, longest - extension.len() - 1))
}

/// Name and extension; a name that begins with its only dot has none.
pub fn split(name: &str) -> (&str, &str) {
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    }
}

/// Marks, overrides and isolates of bidirectional text (Unicode Annex 9), and invisible joiners' kin that hide.
fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{200b}')
}

fn cut(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_as_given_and_safe_in_paths() {
        for (declared, expected_shown, expected_safe) in [
            ("menu.pdf", "menu.pdf", "menu.pdf"),
            ("../../etc/passwd", "passwd", "passwd"),
            ("C:\\temp\\a b.txt", "a b.txt", "a b.txt"),
            ("گزارش نهایی.pdf", "گزارش نهایی.pdf", "گزارش نهایی.pdf"),
            ("it's \"x\".png", "it's \"x\".png", "it's _x_.png"),
            ("evil\u{202e}gpj.exe", "evilgpj.exe", "evilgpj.exe"),
            ("..%2f..%2fa.png", "a.png", "a.png"),
            ("100%25.png", "100%25.png", "100%25.png"),
            ("..", "file", "file"),
            ("con.tar.gz", "con.tar.gz", "file.gz"),
            ("Aux .txt", "Aux .txt", "file.txt"),
            ("", "file", "file"),
            ("a\0b.txt", "ab.txt", "ab.txt"),
            ("NUL.txt", "NUL.txt", "file.txt"),
            (".bashrc", ".bashrc", "bashrc"),
        ] {
            assert_eq!(shown(declared), expected_shown, "{declared:?}");
            assert_eq!(safe(&shown(declared)), expected_safe, "{declared:?}");
        }
        let long = format!("{}.pdf", "ض".repeat(300));
        let name = safe(&shown(&long));
        assert!(name.len() <= LONGEST && name.ends_with(".pdf"), "{name}");
    }

    #[test]
    fn declared_names_come_out_as_they_were() {
        for (disposition, expected) in [
            (r#"form-data; name="file"; filename="menu.pdf""#, Some("menu.pdf")),
            (r#"form-data; filename="گزارش «نهایی».pdf"; name="file""#, Some("گزارش «نهایی».pdf")),
            (r#"form-data; name=file; filename="a \"b\"; c=\\d.txt""#, Some(r#"a "b"; c=\d.txt"#)),
            (r#"form-data; name="file"; filename="C:\temp\x.txt""#, Some(r"C:\temp\x.txt")),
            (r#"form-data; name="f"; filename="x.png"; filename*=UTF-8''%D9%86.png"#, Some("ن.png")),
            (r#"form-data; name="f"; filename="x.png"; filename*=latin1''%E9.png"#, Some("x.png")),
            (r"form-data; name=f; filename=plain.txt ; x=1", Some("plain.txt")),
            (r#"form-data; name="filename=no""#, None),
            (r#"form-data; name="file"; filename="""#, Some("")),
            (r#"form-data; name="file"; filename="cut"#, Some("cut")),
            ("form-data", None),
        ] {
            assert_eq!(declared(disposition.as_bytes()).as_deref(), expected, "{disposition}");
        }
    }
}
