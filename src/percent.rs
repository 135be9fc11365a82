//! Percent-encoding (RFC 3986 §2.1). In: text. Out: text that may stand in a path, or what it stood for.

/// Decodes `%XX`; `None` for what is no encoding or no UTF-8.
pub fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

/// Encodes all but what a path segment may hold as it is.
pub fn encode(text: &str) -> String {
    use std::fmt::Write;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        for text in ["plain", "a b", "100%", "ن", "a/b", "%2f"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(encode("a b%ن"), "a%20b%25%D9%86");
    }

    #[test]
    fn what_is_no_encoding_is_not_guessed() {
        for text in ["%", "%4", "%zz", "%+1", "%FF"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
