//! Where does a client connect, as whom, and with TLS or without?

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use crate::Failure;

/// One way in.
#[derive(Debug, Clone)]
pub struct Door {
    pub port: u16,
    pub user: String,
    pub password: String,
    pub database: String,
    /// The authority's certificate, when TLS is spoken.
    pub roots: Option<PathBuf>,
}

impl Door {
    /// Tells a client of PostgreSQL how to get in.
    pub fn tell(&self, command: &mut Command) {
        command
            .env("PGHOST", "localhost")
            .env("PGHOSTADDR", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", &self.database)
            .env("PGGSSENCMODE", "disable")
            .env("PGSSLMODE", if self.roots.is_some() { "verify-full" } else { "disable" });
        if let Some(roots) = &self.roots {
            command.env("PGSSLROOTCERT", roots);
        }
    }

    /// The same for our own client, which speaks no TLS.
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(self.port).dbname(&self.database);
        config.user(&self.user).password(&self.password);
        config
    }
}

/// A port that is free now.
pub async fn free_port() -> Result<u16, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?.local_addr()?.port())
}

/// Waits until somebody listens there.
pub async fn listening(port: u16, what: &str) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        if TcpStream::connect(address).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("{what} does not listen on {address}").into())
}

/// Runs a program to its end and gives what it printed.
pub async fn done(mut command: Command) -> Result<String, Failure> {
    let output = command.stdin(std::process::Stdio::null()).output().await?;
    if !output.status.success() {
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("`{program}` failed ({}): {said}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
