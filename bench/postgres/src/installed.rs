//! Where are PostgreSQL and PgBouncer on this machine, and as whom do they run? Neither accepts to be run as root.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::Failure;

const MISSING: &str = "PostgreSQL 15 or newer with pgbench, and PgBouncer, must be installed; \
    on Debian: apt-get install postgresql-15 pgbouncer";

/// The programs, and the user for those that must not be root.
#[derive(Debug)]
pub struct Installed {
    binaries: PathBuf,
    pgbouncer: PathBuf,
    /// User and group, when this process is root.
    unprivileged: Option<(u32, u32)>,
}

impl Installed {
    pub fn find() -> Result<Self, Failure> {
        let binaries = newest().or_else(|| on_path("initdb")).ok_or(MISSING)?;
        let pgbouncer =
            ["/usr/sbin", "/usr/bin", "/usr/local/bin"].map(|folder| Path::new(folder).join("pgbouncer"));
        let pgbouncer = pgbouncer.into_iter().find(|path| path.exists()).ok_or(MISSING)?;
        if !binaries.join("pgbench").exists() {
            return Err(MISSING.into());
        }
        let root = fs::metadata("/proc/self")?.uid() == 0;
        let unprivileged = if root { Some(user("postgres")?) } else { None };
        Ok(Self { binaries, pgbouncer, unprivileged })
    }

    /// A program of PostgreSQL for whoever runs the measurement.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        // Nobody's `PG…` variables or password files take part.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").kill_on_drop(true);
        command
    }

    /// A program of PostgreSQL that refuses to be root.
    pub fn server(&self, program: &str) -> Command {
        let mut command = self.client(program);
        self.step_down(&mut command);
        command
    }

    pub fn pgbouncer(&self) -> Command {
        let mut command = Command::new(&self.pgbouncer);
        command.env_clear().kill_on_drop(true);
        self.step_down(&mut command);
        command
    }

    /// Writes a file that only the servers' user may read.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), Failure> {
        fs::write(path, text)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
        self.own(path)
    }

    /// Makes a folder for the servers' user.
    pub fn folder(&self, path: &Path) -> Result<(), Failure> {
        fs::create_dir_all(path)?;
        self.own(path)
    }

    fn own(&self, path: &Path) -> Result<(), Failure> {
        if let Some((user, group)) = self.unprivileged {
            chown(path, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// The same as `runuser -u postgres`, without a process in between that would have to be told apart.
    fn step_down(&self, command: &mut Command) {
        if let Some((user, group)) = self.unprivileged {
            command.uid(user).gid(group);
        }
    }
}

/// Debian keeps each version's programs apart; the newest counts.
fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let versions = versions.filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        path.join("bin/initdb").exists().then(|| (number, path.join("bin")))
    });
    versions.max().map(|(_, path)| path)
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| folder.join(program).exists())
}

fn user(name: &str) -> Result<(u32, u32), Failure> {
    let users = fs::read_to_string("/etc/passwd")?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name));
    let mut fields = line.ok_or_else(|| format!("there is no user `{name}`: {MISSING}"))?.split(':').skip(2);
    let mut number =
        || -> Result<u32, Failure> { Ok(fields.next().ok_or("a short line of /etc/passwd")?.parse()?) };
    Ok((number()?, number()?))
}
