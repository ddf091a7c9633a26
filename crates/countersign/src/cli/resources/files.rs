//! Where do the written files go? Into a folder, each only where nothing is yet, or to standard output one after the
//! other.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::{policy, roles, section};
use crate::cli::Failure;

/// One suggested file.
#[derive(Debug)]
pub(super) struct Suggested {
    /// Below the folder.
    pub(super) path: String,
    pub(super) text: String,
    /// What begins a comment in it.
    pub(super) comment: &'static str,
}

/// All of them, in the order in which they are read.
pub(super) fn all(plan: &Plan) -> Vec<Suggested> {
    vec![
        Suggested { path: "countersign.toml".to_owned(), text: section::text(plan), comment: "#" },
        Suggested { path: plan.policy_file(), text: policy::text(plan), comment: "//" },
        Suggested { path: plan.role_file(), text: roles::text(plan), comment: "--" },
    ]
}

/// Every one that is there already, so that all are told at once.
pub(super) fn refuse_existing(folder: &Path, paths: &[String]) -> Result<(), Failure> {
    let taken: Vec<String> = paths
        .iter()
        .map(|path| folder.join(path))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "nothing was written, because this is there already: {}\n    \
         help: name another folder, or leave out `--out` and copy what you need from standard output",
        taken.join(", ")
    )))
}

/// Writes all files, each only if nothing has that name, also when somebody made it a moment ago.
pub(super) fn write(folder: &Path, files: &[Suggested]) -> Result<Vec<PathBuf>, Failure> {
    let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    refuse_existing(folder, &paths)?;
    let mut written = Vec::new();
    for file in files {
        let path = folder.join(&file.path);
        let failed =
            |error: std::io::Error| Failure::new(format!("can't write `{}`: {error}", path.display()));
        std::fs::create_dir_all(path.parent().unwrap_or(folder)).map_err(failed)?;
        let mut opened = OpenOptions::new().write(true).create_new(true).open(&path).map_err(failed)?;
        opened.write_all(file.text.as_bytes()).map_err(failed)?;
        written.push(path);
    }
    Ok(written)
}
