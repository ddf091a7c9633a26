//! The gateway under measurement: the real binary in its own process, on free ports, with a store on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::Failure;
use crate::certificates::Certificates;
use crate::door::{Door, done, free_port, listening};
use crate::process::Process;
use crate::rules::rules;

const AGENT: &str = "bench-agent";
const RULES: usize = 1_000;

/// How the gateway treats what passes: a resource of its own each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Through {
    /// Judged and recorded, as everything is.
    Plain,
    /// With an obligation to keep results besides.
    Recorded,
    /// With a column masked.
    Columns,
    /// With every value searched for what looks personal or secret.
    Content,
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: PathBuf,
    port: u16,
    token: String,
    roots: PathBuf,
}

impl Gateway {
    /// Starts `binary` in `folder`, which must not exist, in front of `database`, with one agent.
    pub async fn start(
        binary: &Path,
        folder: &Path,
        database: &Door,
        certificates: &Certificates,
    ) -> Result<Self, Failure> {
        fs::create_dir_all(folder.join("state"))?;
        let port = free_port().await?;
        fs::write(folder.join("policy.cedar"), rules(RULES))?;
        fs::write(folder.join("server.crt"), &certificates.certificate)?;
        fs::write(folder.join("server.key"), &certificates.key)?;
        let roots = folder.join("roots.pem");
        fs::write(&roots, &certificates.authority)?;
        fs::write(folder.join("password"), &database.password)?;
        let (agents, people) = (free_port().await?, free_port().await?);
        fs::write(folder.join("countersign.toml"), configuration([agents, people, port], database))?;
        let log = fs::File::create(folder.join("log"))?;
        let mut serve = Command::new(binary);
        serve.args(["serve", "--config", "countersign.toml"]).current_dir(folder).kill_on_drop(true);
        let child = serve.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut gateway = Self { child, folder: folder.to_owned(), port, token: String::new(), roots };
        if let Err(error) = listening(port, "the gateway").await {
            return Err(format!("{error}\n{}", gateway.log()).into());
        }
        gateway.command(binary, &["people", "invite", "olga"]).await?;
        let added = ["agents", "add", AGENT, "--owner", "olga", "--team", "bench"];
        gateway.token = gateway.command(binary, &added).await?;
        Ok(gateway)
    }

    pub fn door(&self, through: Through, tls: bool) -> Door {
        let database = match (through, tls) {
            (Through::Plain, false) => "plain",
            (Through::Plain, true) => "sealed",
            (Through::Recorded, _) => "recorded",
            (Through::Columns, _) => "columns",
            (Through::Content, _) => "content",
        };
        Door {
            port: self.port,
            user: AGENT.to_owned(),
            password: self.token.clone(),
            database: database.to_owned(),
            roots: tls.then(|| self.roots.clone()),
        }
    }

    pub fn process(&self) -> Option<Process> {
        self.child.id().map(Process)
    }

    /// How large its store has become. Bytes.
    pub fn stored(&self) -> Result<u64, Failure> {
        let mut bytes = 0;
        for entry in fs::read_dir(self.folder.join("state"))? {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// What it complained about last.
    pub fn log(&self) -> String {
        let text = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }

    /// Ends it and removes its folder.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.child.kill().await?;
        Ok(fs::remove_dir_all(&self.folder)?)
    }

    async fn command(&self, binary: &Path, words: &[&str]) -> Result<String, Failure> {
        let mut command = Command::new(binary);
        command.args(words).args(["--config", "countersign.toml"]).current_dir(&self.folder);
        Ok(done(command).await?.trim().to_owned())
    }
}

fn configuration([agents, people, port]: [u16; 3], database: &Door) -> String {
    let mut text = format!(
        r#"state = "state"
[agents]
listen = "127.0.0.1:{agents}"
[people]
listen = "127.0.0.1:{people}"
public_url = "http://localhost:{people}"
[policy]
files = ["policy.cedar"]
[postgres]
listen = "127.0.0.1:{port}"
certificate = "server.crt"
key = "server.key"
plain_passwords = true
"#
    );
    let upstream = format!(
        r#"host = "127.0.0.1", port = {}, database = "{}", user = "{}", password = "file:password""#,
        database.port, database.database, database.user
    );
    for name in crate::rules::RESOURCES {
        let tls = if name == "sealed" {
            r#"tls = "verify-full", roots = "roots.pem""#
        } else {
            r#"tls = "disable""#
        };
        text.push_str(&format!(
            r#"[[resources]]
name = "{name}"
protocol = "postgres"
labels = {{ env = "prod" }}
connections_per_agent = 200
upstream = {{ {upstream}, {tls} }}
"#
        ));
    }
    text
}
