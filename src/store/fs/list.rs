//! The objects of a folder, one after another. In: where to begin. Out: a stream in the order of the keys. The names of a
//! folder are held while what is below it is walked, so memory grows with the largest folders on one path.

use std::path::{Path, PathBuf};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::fs;

use super::super::{Listed, StoreError};
use super::{UNFINISHED, about, failed, path_below};

/// The objects in a folder and below, those after `after`.
pub(super) fn walk(root: &Path, folder: &str, after: Option<&str>) -> BoxStream<'static, Result<Listed, StoreError>> {
    if !folder.is_empty()
        && let Err(error) = path_below(root, folder)
    {
        return stream::once(async { Err(error) }).boxed();
    }
    let first = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let walk = Walk { root: root.to_owned(), to_do: vec![first], after: after.map(ToOwned::to_owned) };
    stream::try_unfold(walk, |mut walk| async move { Ok(walk.next().await?.map(|listed| (listed, walk))) }).boxed()
}

struct Walk {
    root: PathBuf,
    /// The next last. A folder ends with a slash, so that it sorts as the keys below it do.
    to_do: Vec<String>,
    after: Option<String>,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Listed>, StoreError> {
        while let Some(key) = self.to_do.pop() {
            if key.is_empty() || key.ends_with('/') {
                self.enter(&key).await?;
                continue;
            }
            if self.after.as_ref().is_some_and(|after| key <= *after) {
                continue;
            }
            match fs::symlink_metadata(self.root.join(&key)).await {
                Ok(metadata) => {
                    if let Some(about) = about(&metadata) {
                        return Ok(Some(Listed { key, about }));
                    }
                }
                // Removed meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(None)
    }

    /// Puts what a folder holds on top of what is to do.
    async fn enter(&mut self, folder: &str) -> Result<(), StoreError> {
        // All below it comes before `after` in the order, and `after` is not below it.
        if self.after.as_ref().is_some_and(|after| folder < after.as_str() && !after.starts_with(folder)) {
            return Ok(());
        }
        let mut entries = match fs::read_dir(self.root.join(folder)).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(&error)),
        };
        let mut keys = Vec::new();
        while let Some(entry) = entries.next_entry().await.map_err(|error| failed(&error))? {
            let kind = entry.file_type().await.map_err(|error| failed(&error))?;
            // A name that is no text was not made here; links are not ours to follow.
            let Ok(name) = entry.file_name().into_string() else { continue };
            match kind.is_dir() {
                true if folder.is_empty() && name == UNFINISHED => {}
                true => keys.push(format!("{folder}{name}/")),
                false if kind.is_file() => keys.push(format!("{folder}{name}")),
                false => {}
            }
        }
        keys.sort_unstable_by(|one, other| other.cmp(one));
        self.to_do.append(&mut keys);
        Ok(())
    }
}
