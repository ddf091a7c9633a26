//! A real PostgreSQL in a folder that goes away, reached by its socket.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A running server with the fixture's database.
pub(crate) struct Server {
    folder: PathBuf,
    binaries: PathBuf,
}

/// What psql printed.
pub(crate) struct Printed {
    pub(crate) out: String,
    pub(crate) errors: String,
}

impl Server {
    /// Starts one; `None`, loudly, when no PostgreSQL is installed.
    pub(crate) fn start(name: &str) -> Option<Self> {
        let Some(binaries) = binaries() else {
            println!("NOT TESTED: no PostgreSQL is installed, so nothing was compared with a real server");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("countersign-sql-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        own(&folder);
        let server = Self { folder, binaries };
        let data = server.folder.join("data");
        run(server
            .command("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "-A", "trust", "-U", "postgres", "-D"])
            .arg(&data));
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", server.folder.display());
        run(server
            .command("pg_ctl")
            .arg("-D")
            .arg(&data)
            .args(["-w", "-o", &options, "-l"])
            .arg(server.folder.join("log"))
            .arg("start")
            .stdout(Stdio::null()));
        server.psql("postgres", "CREATE DATABASE fix;\n");
        let printed = server.psql("fix", include_str!("../../tests/schema.sql"));
        assert!(!printed.errors.contains("ERROR"), "{}", printed.errors);
        Some(server)
    }

    /// The answer to the catalog query, as a proxy loads it.
    pub(crate) fn catalog_json(&self) -> String {
        let printed =
            self.psql("fix", &format!("SET search_path = pg_catalog;\n{};\n", crate::CATALOG_QUERY));
        assert!(printed.errors.is_empty(), "{}", printed.errors);
        printed.out
    }

    /// Runs a script; errors come as their code, after the last mark that `\warn` wrote.
    pub(crate) fn psql(&self, database: &str, script: &str) -> Printed {
        let mut child = Command::new(self.binaries.join("psql"))
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-U",
                "postgres",
                "-v",
                "VERBOSITY=sqlstate",
                "-d",
                database,
                "-h",
            ])
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let script = script.to_owned();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Printed {
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    fn command(&self, program: &str) -> Command {
        let program = self.binaries.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        stop.args(["-m", "immediate", "-w", "-D"]).arg(self.folder.join("data")).arg("stop");
        let stopped = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        // A panic here, while another one unwinds, would end the whole run.
        drop(stopped);
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The server refuses to run as root, and wants to own its folder.
fn own(path: &Path) {
    if is_root() {
        let id = |flag| {
            let output = Command::new("id").args([flag, "postgres"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
        };
        chown(path, Some(id("-u")), Some(id("-g"))).unwrap();
    }
}

/// Debian keeps each version's programs apart; the newest counts. Elsewhere `pg_config` knows.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let newest = versions
        .filter_map(|version| {
            let path = version.ok()?.path();
            let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
            path.join("bin/initdb").exists().then(|| (number, path.join("bin")))
        })
        .max()
        .map(|(_, path)| path);
    newest.or_else(|| {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        path.join("initdb").exists().then_some(path)
    })
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
}
