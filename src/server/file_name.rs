//! Names of uploaded files. In: what a client declared. Out: the name to show, letter by letter as given, and the name
//! to use in a path, which leads nowhere.

/// The longest name in a path, in bytes; file systems take 255, and some of it is for what stands around it.
const LONGEST: usize = 150;

/// Names that mean a device somewhere, whatever their extension.
const RESERVED: &[&str] = &["con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "lpt1", "lpt2", "lpt3", "lpt4"];

/// The name to show: the last part of whatever path was declared, control characters left out.
pub fn shown(declared: &str) -> String {
    let last = declared.rsplit(['/', '\\']).next().unwrap_or(declared);
    let name: String = last.chars().filter(|letter| !letter.is_control()).take(255).collect();
    if name.trim_matches(['.', ' ']).is_empty() { "file".to_owned() } else { name }
}

/// The name in a path: no separators, no letters that turn the direction of writing, nothing hidden or reserved.
pub fn safe(shown: &str) -> String {
    let cleaned: String = shown
        .chars()
        .filter(|letter| !is_turning(*letter))
        .map(|letter| if "/\\:*?\"<>|".contains(letter) { '_' } else { letter })
        .collect();
    let cleaned = cleaned.trim_matches([' ', '.']);
    let (stem, extension) = split(cleaned);
    let stem = if stem.is_empty() || RESERVED.contains(&stem.to_lowercase().as_str()) { "file" } else { stem };
    let room = LONGEST.saturating_sub(extension.len() + 1).max(1);
    match extension {
        "" => cut(stem, LONGEST).to_owned(),
        extension => format!("{}.{}", cut(stem, room), cut(extension, 20)),
    }
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
            ("evil\u{202e}gpj.exe", "evil\u{202e}gpj.exe", "evilgpj.exe"),
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
