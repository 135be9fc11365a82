//! Temporary files without a name, for what does not fit into memory. In: a folder. Out: a file that is gone when it is
//! closed, also by a crash.

use std::path::Path;

use tokio::fs::File;
use uuid::Uuid;

pub async fn nameless(folder: &Path) -> std::io::Result<File> {
    let path = folder.join(format!(".dragoman-{}", Uuid::new_v4().simple()));
    let opened = tokio::task::spawn_blocking(move || {
        let file = std::fs::OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    });
    opened.await.map_err(std::io::Error::other)?.map(File::from_std)
}
