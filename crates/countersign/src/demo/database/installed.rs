//! Where are PostgreSQL's programs, and as whom may they run?

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Absent;

/// Debian keeps each version's programs apart here.
const VERSIONS: &str = "/usr/lib/postgresql";
/// All that the demo runs.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "psql"];
/// What the programs find their own tools with.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// PostgreSQL's programs, all in one folder.
#[derive(Debug, Clone)]
pub(super) struct Installed(PathBuf);

impl Installed {
    /// The newest in Debian's folders, or else what the path leads to.
    pub(super) fn find() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "where programs are is a question to the environment")]
        let path = std::env::var("PATH").unwrap_or_default();
        Self::among(Path::new(VERSIONS), std::env::split_paths(&path))
    }

    pub(super) fn among(versions: &Path, path: impl Iterator<Item = PathBuf>) -> Option<Self> {
        let complete = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
        let versions = std::fs::read_dir(versions).into_iter().flatten().filter_map(|version| {
            let version = version.ok()?.path();
            let number: u32 = version.file_name()?.to_str()?.parse().ok()?;
            Some((number, version.join("bin"))).filter(|(_, folder)| complete(folder))
        });
        let newest = versions.max().map(|(_, folder)| folder);
        // The path may hold links; the programs expect their neighbours where they are themselves.
        let mut linked =
            path.filter_map(|folder| Some(folder.join("initdb").canonicalize().ok()?.parent()?.to_owned()));
        newest.or_else(|| linked.find(complete)).map(Self)
    }

    /// The path of one of them.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// One of them, or a tool, ready to run with nothing of the caller's environment: its variables (`PGOPTIONS`,
    /// `PGSERVICE`, a language) would change what happens.
    pub(super) fn command(&self, name: &str) -> Command {
        let own = self.program(name);
        let mut command = Command::new(if own.is_file() { own } else { PathBuf::from(name) });
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8").current_dir("/");
        command
    }
}

/// A user that the server runs as.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// `None` for whoever runs the demo; another user when that is root, as whom PostgreSQL refuses to run.
pub(super) async fn owner() -> Result<Option<Owner>, Absent> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Some(uid), Some(gid)) = (id("-u", name).await, id("-g", name).await) {
            return Ok(Some(Owner { name: name.to_owned(), uid, gid }));
        }
    }
    Err(Absent::NobodyToRunIt)
}

async fn id(flag: &str, name: &str) -> Option<u32> {
    let told = Command::new("id").args([flag, name]).output().await.ok()?;
    String::from_utf8(told.stdout).ok()?.trim().parse().ok()
}

/// The same program as another user.
pub(super) fn as_user(mut command: Command, owner: Option<&Owner>) -> Command {
    if let Some(owner) = owner {
        command.uid(owner.uid).gid(owner.gid);
    }
    command
}
