//! How is a batch appended to a file so that it stays there? Written whole, synced, and into the file that has the name at
//! that moment: whoever rotates the file moves it away, and the next batch makes a new one.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::SendError;

pub(super) struct Appender {
    path: PathBuf,
    /// `None` before the first batch, and after one that failed.
    open: Option<File>,
}

impl Appender {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None }
    }

    /// Appends lines; they are on disk when this returns.
    pub(super) async fn append(&mut self, lines: Vec<u8>) -> Result<(), SendError> {
        let (path, open) = (self.path.clone(), self.open.take());
        let appended = tokio::task::spawn_blocking(move || append(&path, open, &lines)).await;
        let appended = appended.unwrap_or_else(|error| Err(std::io::Error::other(error)));
        let failed = |source| SendError::File { path: self.path.display().to_string(), source };
        self.open = Some(appended.map_err(failed)?);
        Ok(())
    }
}

fn append(path: &Path, open: Option<File>, lines: &[u8]) -> std::io::Result<File> {
    let mut file = match open {
        Some(file) if has_name(&file, path)? => file,
        _ => opened(path)?,
    };
    file.write_all(lines)?;
    file.sync_data()?;
    Ok(file)
}

/// Whether the open file is the one of that name.
fn has_name(file: &File, path: &Path) -> std::io::Result<bool> {
    let open = file.metadata()?;
    match std::fs::metadata(path) {
        Ok(named) => Ok(named.dev() == open.dev() && named.ino() == open.ino()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The file at its end. A line that an earlier stop has broken off is ended first, so that it spoils no other.
fn opened(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() == 0 {
        // It may be new, and then its name must be on disk as well.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        return Ok(file);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests;
