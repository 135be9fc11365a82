//! Names of uploaded files. In: what a client declared. Out: the name to show, letter by letter as given (but for letters that hide or turn it), and the name
//! to use in a path, which leads nowhere.

use super::guard::percent_decode;

/// The longest name in a path, in bytes; file systems take 255, and some of it is for what stands around it.
const LONGEST: usize = 150;
/// The longest name that is shown, in bytes.
const LONGEST_SHOWN: usize = 255;

/// Names that mean a device somewhere, whatever their extension.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3", "lpt4"];

/// The name to show: the last part of whatever path was declared, control characters left out.
pub fn shown(declared: &str) -> String {
    // Separators that were percent-encoded on the way separate all the same.
    let decoded = percent_decode(declared).filter(|decoded| decoded.contains(['/', '\\']));
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
    let stem = if stem.is_empty() || RESERVED.contains(&stem.to_lowercase().as_str()) { "file" } else { stem };
    match extension {
        "" => cut(stem, LONGEST).to_owned(),
        extension => shortened(&format!("{stem}.{extension}"), LONGEST),
    }
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
}
