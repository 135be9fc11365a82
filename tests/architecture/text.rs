//! Rust source as far as the checks need it. In: a file. Out: its code without comments and the insides of texts; or all
//! of it without its test modules.

/// The code, with comments, texts and letters blanked out. Line breaks stay.
pub fn code(source: &str) -> String {
    let letters: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < letters.len() {
        let end = skipped(&letters, at);
        if end == at {
            out.push(letters[at]);
            at += 1;
        } else {
            out.extend(letters[at..end].iter().map(|letter| if *letter == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where a comment, text or letter that starts here ends; `at` itself when none does.
fn skipped(letters: &[char], at: usize) -> usize {
    let follows = |text: &str| text.chars().enumerate().all(|(place, letter)| letters.get(at + place) == Some(&letter));
    let before = at.checked_sub(1).and_then(|before| letters.get(before));
    let in_word = before.is_some_and(|letter| letter.is_alphanumeric() || *letter == '_');
    if follows("//") {
        return find(letters, at, |rest| rest[0] == '\n');
    }
    if follows("/*") {
        return block_comment(letters, at);
    }
    if !in_word
        && (follows("r\"") || follows("r#") || follows("br"))
        && let Some(end) = raw_text(letters, at)
    {
        return end;
    }
    if follows("\"") {
        return text(letters, at);
    }
    if follows("'") && !in_word {
        return letter(letters, at);
    }
    at
}

fn find(letters: &[char], from: usize, is: impl Fn(&[char]) -> bool) -> usize {
    (from..letters.len()).find(|at| is(&letters[*at..])).unwrap_or(letters.len())
}

fn block_comment(letters: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < letters.len() {
        match (letters[at], letters.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    letters.len()
}

/// `r"…"`, `r#"…"#` and the like; not `r#name`.
fn raw_text(letters: &[char], start: usize) -> Option<usize> {
    let after = start + if letters[start] == 'b' { 2 } else { 1 };
    let hashes = letters[after..].iter().take_while(|letter| **letter == '#').count();
    if letters.get(after + hashes) != Some(&'"') {
        return None;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let end = find(letters, after + hashes + 1, |rest| rest.starts_with(&close));
    Some((end + close.len()).min(letters.len()))
}

fn text(letters: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < letters.len() {
        match letters[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    letters.len()
}

/// `'x'` and `'\n'`; a lifetime is left alone.
fn letter(letters: &[char], start: usize) -> usize {
    match (letters.get(start + 1), letters.get(start + 2)) {
        (Some('\\'), _) => (find(letters, start + 3, |rest| rest[0] == '\'') + 1).min(letters.len()),
        (Some(_), Some('\'')) => start + 3,
        _ => start,
    }
}

/// The source without `#[cfg(test)] mod … { … }`. Line breaks stay, so that lines keep their numbers.
pub fn without_tests(source: &str) -> String {
    let code: Vec<char> = code(source).chars().collect();
    let letters: Vec<char> = source.chars().collect();
    let mark: Vec<char> = "#[cfg(test)]".chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < letters.len() {
        let end = if code[at..].starts_with(&mark) { module_end(&code, at + mark.len()) } else { None };
        match end {
            Some(end) => {
                out.extend(letters[at..end].iter().filter(|letter| **letter == '\n'));
                at = end;
            }
            None => {
                out.push(letters[at]);
                at += 1;
            }
        }
    }
    out
}

/// The end of the item that follows, if it has a body.
fn module_end(code: &[char], from: usize) -> Option<usize> {
    let open = find(code, from, |rest| matches!(rest[0], '{' | ';'));
    if code.get(open) != Some(&'{') {
        return None;
    }
    let mut depth = 0;
    for (at, letter) in code.iter().enumerate().skip(open) {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}
