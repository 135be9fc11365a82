//! Keys that belong to this installation. In: where they are kept. Out: the key, made once.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::auth::{Secret, Visitors};

use super::StartError;

/// The key of visitors' tokens: made once, beside the journal and never in it, so that tokens outlive a restart.
pub fn visitors(path: &Path) -> Result<Secret, StartError> {
    match std::fs::read_to_string(path) {
        Ok(key) if key.trim().len() >= 32 => return Ok(Secret::new(key.trim().to_owned())),
        Ok(_) => return Err(format!("{} holds no key; remove it to have a new one made", path.display()).into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(format!("{}: {error}", path.display()).into()),
    }
    let key = Visitors::random_key();
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(key.expose().as_bytes())?;
    file.sync_all()?;
    Ok(key)
}
