//! Which keys there can be, the same for every store. In: a key. Out: whether it is a relative path of plain names.

use super::StoreError;

/// The longest name between slashes, in bytes: as long as file systems take.
const LONGEST_NAME: usize = 255;

/// Names below this one are the store's own: what is not finished lies there.
pub(super) const UNFINISHED: &str = ".unfinished";

/// Refuses what could leave the store, hide in it, or be another key elsewhere. `longest`: of the whole key, in bytes.
pub(super) fn check(key: &str, longest: usize) -> Result<(), StoreError> {
    let plain = |name: &str| {
        !matches!(name, "" | "." | "..")
            && name.len() <= LONGEST_NAME
            && !name.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control())
    };
    if key.len() > longest || !key.split('/').all(plain) || key.split('/').next() == Some(UNFINISHED) {
        return Err(StoreError::Key);
    }
    Ok(())
}
