//! A folder that is gone when the demo ends, however it ends.

use std::path::{Path, PathBuf};

pub struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    pub fn new() -> std::io::Result<Self> {
        let folder = std::env::temp_dir().join(format!("dragoman-demo-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder)?;
        Ok(TemporaryFolder(folder))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // Nobody is left to tell.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
