//! Names of files. In: the `Content-Disposition` of a part. The name in a path stays in its folder and is a name everywhere;
//! percent-encoding can be undone.

use dragoman::media::file_name;
use dragoman::percent;

pub fn of_files(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        assert_eq!(percent::decode(&percent::encode(text)).as_deref(), Some(text));
        percent::decode(text);
    }
    let Some(declared) = file_name::declared(data) else { return };
    let shown = file_name::shown(&declared);
    assert!(!shown.is_empty() && !shown.contains(char::is_control), "{shown:?}");
    let safe = file_name::safe(&shown);
    assert!(!safe.is_empty() && safe.len() <= 255, "{safe:?}");
    assert!(!safe.starts_with('.') && !safe.contains(['/', '\\', '\0', ':']), "{safe:?}");
    assert!(!safe.contains(char::is_control) && !safe.contains(['\u{202e}', '\u{2066}']), "{safe:?}");
    assert_eq!(file_name::safe(&safe), safe, "not safe yet");
}
