//! What a command is to translate or explain. In: standard input. Out: its text, or why there is none to take.

use std::io::{IsTerminal, Read};

use super::Console;

/// The longest that is read, in MiB: as much as `limits.frame` of a route can allow.
const LONGEST: u64 = 16;

/// Reads to the end, blanks around it left out. A person at a terminal is told what is waited for.
pub(super) fn read(what: &str, console: &mut Console) -> Result<String, String> {
    let input = std::io::stdin();
    if input.is_terminal() {
        console.talk(&format_args!("{what}, and Ctrl-D on a line of its own:\n"));
    }
    of(input, what)
}

fn of(input: impl Read, what: &str) -> Result<String, String> {
    let (mut bytes, longest) = (Vec::new(), LONGEST << 20);
    input.take(longest + 1).read_to_end(&mut bytes).map_err(|error| format!("standard input: {error}"))?;
    if bytes.len() as u64 > longest {
        return Err(format!("{what} on standard input has more than {LONGEST} MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{what} on standard input is not UTF-8"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut_off_silently() {
        let longest = vec![b'a'; (LONGEST << 20) as usize];
        assert_eq!(of(&longest[..], "a frame").unwrap().len(), longest.len());
        // A letter that the bound cuts in two is too much, not a wrong letter.
        for more in ["b", "\u{e9}"] {
            let longer = [longest.as_slice(), more.as_bytes()].concat();
            assert_eq!(of(&longer[..], "a frame").unwrap_err(), "a frame on standard input has more than 16 MiB");
        }
    }

    #[test]
    fn what_is_no_text_is_said() {
        assert_eq!(of(&b"{\"a\":\"\xff\"}"[..], "a frame").unwrap_err(), "a frame on standard input is not UTF-8");
        assert_eq!(of(&b" {} \n"[..], "a frame").unwrap(), "{}");
    }
}
