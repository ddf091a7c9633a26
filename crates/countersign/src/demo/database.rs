//! Which PostgreSQL stands behind the second act? One that is installed here, run in the demo's folder for as long as
//! the demo runs, and not a moment longer.

mod installed;

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use countersign_core::Entropy;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

use installed::{Installed, Owner};

/// What the second act works on.
const SHOP: &str = include_str!("shop.sql");
/// The superuser of the demo's own server.
const SUPERUSER: &str = "postgres";
/// Somebody else may take the port between its choice and its use.
const STARTS: usize = 3;
/// A server that takes no connection by then is given up; with the pause, half a minute.
const TRIES: usize = 600;
const PAUSE: Duration = Duration::from_millis(50);
/// Runs the server until its own input ends, which it also does when the demo is killed. A server that has only just
/// begun listens to the first signal alone, one that has clients to the second.
const RUN: &str = r#""$0" "$@" </dev/null & server=$!; cat >/dev/null; kill -TERM $server; kill -INT $server; wait $server"#;

/// Why there is no second act.
#[derive(Debug, thiserror::Error)]
pub(super) enum Absent {
    #[error("no PostgreSQL is installed here")]
    NotInstalled,
    #[error("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as")]
    NobodyToRunIt,
    #[error("PostgreSQL refuses to run as root, and the user `{0}` can't enter the demo's folder")]
    OutOfReach(String),
    #[error("the installed PostgreSQL does not start: {0}")]
    Broken(String),
}

impl Absent {
    /// How to get to see it.
    pub(super) fn help(&self) -> &'static str {
        match self {
            Self::NotInstalled => {
                "install it (Debian: `apt-get install postgresql`) and run the demo again to see a `DELETE` wait"
            }
            Self::NobodyToRunIt => "run the demo as another user to see it",
            Self::OutOfReach(_) => "name another, such as `--folder /tmp/countersign-demo`, to see it",
            Self::Broken(_) => "mend that and run the demo again to see it",
        }
    }
}

/// A running server with the database `shop`.
#[derive(Debug)]
pub(super) struct Database {
    installed: Installed,
    folder: PathBuf,
    port: u16,
    superuser_password: String,
    gateway_password: String,
    server: Child,
}

impl Database {
    /// Makes and starts one in `folder`, which is there.
    pub(super) async fn start(folder: &Path, entropy: &dyn Entropy) -> Result<Self, Absent> {
        let installed = Installed::find().ok_or(Absent::NotInstalled)?;
        let owner = installed::owner().await?;
        let folder = std::path::absolute(folder.join("postgres"))?;
        std::fs::create_dir(&folder)?;
        give(&folder, 0o700, owner.as_ref())?;
        let superuser_password = password(entropy);
        create(&installed, owner.as_ref(), &folder, &superuser_password).await?;
        let mut last = Absent::Broken("it takes no connection".to_owned());
        for _ in 0..STARTS {
            let port = free_port()?;
            let mut database = Self {
                server: run(&installed, owner.as_ref(), &folder, port)?,
                installed: installed.clone(),
                folder: folder.clone(),
                port,
                superuser_password: superuser_password.clone(),
                gateway_password: password(entropy),
            };
            match database.fill().await {
                Ok(()) => return Ok(database),
                Err(error) => last = error,
            }
            database.stop().await;
        }
        Err(last)
    }

    /// Where it listens, on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The password of the gateway's role `countersign`.
    pub(super) fn gateway_password(&self) -> &str {
        &self.gateway_password
    }

    /// PostgreSQL's own client.
    pub(super) fn psql(&self) -> Command {
        self.installed.command("psql")
    }

    /// How many orders and order lines there are, asked past the gateway.
    pub(super) async fn counts(&self) -> Result<(u64, u64), Absent> {
        let sql = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines)";
        let text = self.sql("shop", sql).await?;
        let counts = text
            .trim()
            .split_once('|')
            .and_then(|(orders, lines)| Some((orders.parse().ok()?, lines.parse().ok()?)));
        counts.ok_or_else(|| Absent::Broken(format!("it counts `{text}`")))
    }

    /// Ends the server and waits until it is gone.
    pub(super) async fn stop(mut self) {
        drop(self.server.stdin.take());
        let _gone = self.server.wait().await;
    }

    /// Waits until it takes connections, then makes the shop.
    async fn fill(&mut self) -> Result<(), Absent> {
        for _ in 0..TRIES {
            if self.sql(SUPERUSER, "SELECT 1").await.is_ok() {
                let script = format!("\\set password {}\n{SHOP}", self.gateway_password);
                return self.sql(SUPERUSER, &script).await.map(drop);
            }
            if !self.is_running() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        Err(Absent::Broken(log.lines().last().unwrap_or("it takes no connection").to_owned()))
    }

    /// Whether the server is still there; the shell around it stays until it is told.
    fn is_running(&self) -> bool {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid"));
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        pid.is_ok() || log.is_empty()
    }

    /// Runs a script as the superuser; gives what it prints, cells with `|` between them.
    async fn sql(&self, database: &str, script: &str) -> Result<String, Absent> {
        let mut psql = self.psql();
        psql.args([
            "-X",
            "-w",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            SUPERUSER,
        ]);
        psql.args(["-d", database, "-p"])
            .arg(self.port.to_string())
            .env("PGPASSWORD", &self.superuser_password);
        output(&mut psql, script).await
    }
}

impl From<std::io::Error> for Absent {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Hexadecimal, so that it needs no quotes anywhere.
fn password(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn give(path: &Path, mode: u32, owner: Option<&Owner>) -> std::io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    owner.map_or(Ok(()), |owner| chown(path, Some(owner.uid), Some(owner.gid)))
}

/// Makes the server's data in `folder`.
async fn create(
    installed: &Installed,
    owner: Option<&Owner>,
    folder: &Path,
    superuser_password: &str,
) -> Result<(), Absent> {
    if let Some(owner) = owner {
        let mut test = installed::as_user(Command::new("test"), Some(owner));
        let reached = test.arg("-w").arg(folder).status().await?.success();
        if !reached {
            return Err(Absent::OutOfReach(owner.name.clone()));
        }
    }
    let secret = folder.join("password");
    private(&secret, owner)?.write_all(superuser_password.as_bytes())?;
    let mut initdb = installed::as_user(installed.command("initdb"), owner);
    initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "-U", SUPERUSER]);
    initdb.arg("--pwfile").arg(&secret).arg("-D").arg(folder.join("data"));
    let made = output(&mut initdb, "").await;
    std::fs::remove_file(&secret)?;
    made.map(drop)
}

/// A new file that only the server's user may read.
fn private(path: &Path, owner: Option<&Owner>) -> Result<File, Absent> {
    let file = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    give(path, 0o600, owner)?;
    Ok(file)
}

/// Runs the server on loopback alone, and lets it write its log into `folder`.
fn run(installed: &Installed, owner: Option<&Owner>, folder: &Path, port: u16) -> Result<Child, Absent> {
    let log = private(&folder.join("log"), owner)?;
    let mut server = installed::as_user(installed.command("sh"), owner);
    server.args(["-c", RUN]).arg(installed.program("postgres")).arg("-D").arg(folder.join("data"));
    for setting in
        ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "max_connections=40"]
    {
        server.args(["-c", setting]);
    }
    server.arg("-p").arg(port.to_string());
    // In a group of its own: Ctrl-C is for the demo, which then ends the server.
    server.process_group(0).stdin(Stdio::piped());
    Ok(server.stdout(log.try_clone()?).stderr(log).spawn()?)
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Runs a program with this input to its end; gives its output, or the last line of its complaint.
async fn output(command: &mut Command, input: &str) -> Result<String, Absent> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends early says itself why.
        let _closed = stdin.write_all(input.as_bytes()).await;
    }
    let done = child.wait_with_output().await?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&done.stderr);
    Err(Absent::Broken(complaint.lines().last().unwrap_or("no reason is given").to_owned()))
}

#[cfg(test)]
mod tests;
