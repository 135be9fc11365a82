//! Lines → the text of a file: blocks of settings with their `=` in one column, comments where they stood.

use super::line::Line;

/// Lines as text, blocks aligned.
pub(super) fn laid_out(mut lines: Vec<Line>) -> String {
    continue_comments(&mut lines);
    align(&mut lines);
    let mut out = String::new();
    for line in lines {
        if line.is_blank() {
            if !out.is_empty() && !out.ends_with("\n\n") {
                out.push('\n');
            }
            continue;
        }
        let code = match &line.key {
            Some(key) => format!("{key} = {}", line.code),
            None => line.code.clone(),
        };
        out.push_str(&code);
        if let Some(comment) = &line.comment {
            // Where it stood, if what is before it leaves the room.
            let last = code.rsplit('\n').next().unwrap_or_default().chars().count();
            let gap = match (code.is_empty(), code.contains('\n')) {
                (true, _) => line.indent,
                (false, true) => line.gap.max(1),
                (false, false) => line.column.saturating_sub(last).max(1),
            };
            out.push_str(&" ".repeat(gap));
            out.push_str(comment);
        }
        out.push('\n');
    }
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// A comment alone on its line begins at its beginning, but where it goes on with one beside a setting above it.
fn continue_comments(lines: &mut [Line]) {
    let mut goes_on = false;
    for line in lines {
        if line.is_comment() {
            goes_on &= line.indent > 0;
            line.indent = if goes_on { line.indent } else { 0 };
        } else {
            goes_on = line.comment.is_some();
        }
    }
}

/// Puts the `=` of neighbours into one column. A comment between two is about one of them, and parts none.
fn align(lines: &mut [Line]) {
    let mut start = 0;
    while start < lines.len() {
        let belongs = |line: &&Line| line.is_aligned() || line.is_comment();
        let length = lines[start..].iter().take_while(belongs).count();
        let block = &mut lines[start..start + length];
        let key_width = |line: &Line| line.key.as_ref().map_or(0, |key| key.chars().count());
        let width = block.iter().map(key_width).max().unwrap_or(0);
        for line in block {
            line.key = line.key.take().map(|key| format!("{key:width$}"));
        }
        start += length.max(1);
    }
}
