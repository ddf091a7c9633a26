//! The gateway under measurement: the real binary in its own process, on free ports, with a store on disk.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::Failure;
use crate::client::{Door, People};

const POLICY: &str = r#"
@id("all")
permit (principal, action, resource);

@id("removals-need-people") @review("reviewers") @expires("1h")
forbid (principal, action == Action::"delete", resource);
"#;

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: PathBuf,
    agents: Door,
    people: Door,
}

impl Gateway {
    /// Starts `binary` in front of `upstream`, with one agent and one reviewer.
    pub async fn start(binary: &Path, upstream: SocketAddr) -> Result<Self, Failure> {
        let binary = binary.canonicalize()?;
        let folder = std::env::temp_dir().join(format!("countersign-bench-{}", std::process::id()));
        fs::create_dir_all(folder.join("state"))?;
        let (agents, people) = (free_address().await?, free_address().await?);
        fs::write(folder.join("policy.cedar"), POLICY)?;
        fs::write(folder.join("countersign.toml"), configuration(agents, people, upstream))?;
        let log = fs::File::create(folder.join("log"))?;
        let child = Command::new(&binary)
            .args(["serve", "--config", "countersign.toml"])
            .current_dir(&folder)
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        listening(agents, &folder).await?;
        listening(people, &folder).await?;
        command(&binary, &folder, &["people", "invite", "olga"]).await?;
        let token = command(&binary, &folder, &["agents", "add", "bench", "--owner", "olga"]).await?;
        let link = command(&binary, &folder, &["people", "invite", "rita", "--group", "reviewers"]).await?;
        let (_, invitation) = link.split_once("/enter/").ok_or("no link was printed")?;
        let mut people = Door {
            address: people,
            host: format!("localhost:{}", people.port()),
            path: "/api/v1".to_owned(),
            token: None,
        };
        let session = People::open(&people)
            .await?
            .ask(Method::POST, "/api/v1/session", Some(&json!({ "invitation": invitation })))
            .await?;
        people.token = session.get("token").and_then(|token| token.as_str()).map(str::to_owned);
        let agents = Door {
            address: agents,
            host: agents.to_string(),
            path: "/mcp/bench".to_owned(),
            token: Some(token),
        };
        Ok(Self { child, folder, agents, people })
    }

    /// Where agents call tools.
    pub fn agents(&self) -> &Door {
        &self.agents
    }

    /// Where the reviewer votes.
    pub fn people(&self) -> &Door {
        &self.people
    }

    /// Resident memory in MiB, as the kernel counts it.
    pub fn resident_mib(&self) -> Result<f64, Failure> {
        let id = self.child.id().ok_or("the gateway has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
        Ok(kib / 1024.0)
    }

    /// Ends it and removes its folder.
    pub async fn stop(mut self) -> Result<(), Failure> {
        self.child.kill().await?;
        fs::remove_dir_all(&self.folder)?;
        Ok(())
    }
}

fn configuration(agents: SocketAddr, people: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        r#"state = "state"
[agents]
listen = "{agents}"
[people]
listen = "{people}"
public_url = "http://localhost:{}"
[policy]
files = ["policy.cedar"]
[limits]
pending_per_agent = 100000
[[resources]]
name = "bench"
protocol = "mcp"
labels = {{ env = "prod" }}
hold_seconds = 900
sessions_per_agent = 20000
upstream = {{ url = "http://{upstream}/mcp" }}
[[resources.tools]]
match = "lookup"
effects = [{{ verb = "read", object = "{{key}}" }}]
[[resources.tools]]
match = "remove"
effects = [{{ verb = "delete", object = "{{key}}" }}]
"#,
        people.port()
    )
}

async fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?)
}

async fn listening(address: SocketAddr, folder: &Path) -> Result<(), Failure> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("the gateway does not listen on {address}:\n{}", fs::read_to_string(folder.join("log"))?)
        .into())
}

async fn command(binary: &Path, folder: &Path, words: &[&str]) -> Result<String, Failure> {
    let done = Command::new(binary)
        .args(words)
        .args(["--config", "countersign.toml"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .await?;
    if !done.status.success() {
        return Err(format!("{words:?} failed: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}
