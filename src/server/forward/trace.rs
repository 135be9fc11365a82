//! Trace context (W3C Trace Context, level 1). In: what a client sent as `traceparent`. Out: whether it can go on; a new one.

use uuid::Uuid;

/// Whether the value is well-formed: version, trace, parent and flags in small hexadecimal digits; neither id all zeros,
/// the version not `ff`. Later versions may have more after these.
pub fn is_parent(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let id = |part: &str, length: usize| hex(part, length) && part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    let mut next = || parts.next().unwrap_or_default();
    let (version, trace, parent, flags) = (next(), next(), next(), next());
    let more = parts.next().is_some();
    hex(version, 2) && version != "ff" && id(trace, 32) && id(parent, 16) && hex(flags, 2) && (version != "00" || !more)
}

/// A trace that begins here, not sampled: whether it is recorded is for those to say who record.
pub fn begin() -> String {
    let parent = Uuid::new_v4().simple().to_string();
    format!("00-{}-{}-00", Uuid::new_v4().simple(), &parent[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_formed_ones_are_told_from_others() {
        for (value, expected) in [
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
            ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
            ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
            ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
            ("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false),
            ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", false),
            ("", false),
        ] {
            assert_eq!(is_parent(value.as_bytes()), expected, "{value}");
        }
        assert!(!is_parent(&[0xff]));
    }

    #[test]
    fn what_begins_here_is_well_formed_and_new() {
        let (one, other) = (begin(), begin());
        assert!(is_parent(one.as_bytes()), "{one}");
        assert_ne!(one, other);
    }
}
