//! The peer: PgBouncer in session mode, the relay that everybody knows, which looks at nothing.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Child;

use crate::Failure;
use crate::door::{Door, free_port, listening};
use crate::installed::Installed;
use crate::process::Process;

/// A running PgBouncer.
#[derive(Debug)]
pub struct Pooler {
    child: Child,
    door: Door,
}

impl Pooler {
    /// Starts one in `folder` in front of `database`. With roots in it, TLS is spoken on both legs.
    pub async fn start(installed: &Installed, folder: &Path, database: &Door) -> Result<Self, Failure> {
        installed.folder(folder)?;
        let port = free_port().await?;
        let Door { user, password, .. } = database;
        installed.write(&folder.join("users"), &format!("\"{user}\" \"{password}\"\n"))?;
        installed.write(&folder.join("pgbouncer.ini"), &configuration(port, database))?;
        let log = std::fs::File::create(folder.join("log"))?;
        let child = installed
            .pgbouncer()
            .arg("pgbouncer.ini")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        listening(port, "PgBouncer").await?;
        Ok(Self { child, door: Door { port, ..database.clone() } })
    }

    pub fn door(&self) -> &Door {
        &self.door
    }

    pub fn process(&self) -> Option<Process> {
        self.child.id().map(Process)
    }

    pub async fn stop(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }
}

fn configuration(port: u16, database: &Door) -> String {
    let Door { port: upstream, user, password, database: name, roots } = database;
    let password = password.replace('\'', "''");
    let tls = roots.as_ref().map_or_else(String::new, |roots| {
        format!(
            "client_tls_sslmode = require\nclient_tls_cert_file = ../server.crt\nclient_tls_key_file = ../server.key\n\
             server_tls_sslmode = verify-full\nserver_tls_ca_file = {}\n",
            roots.display()
        )
    });
    format!(
        "[databases]\n{name} = host=127.0.0.1 port={upstream} dbname={name} user={user} password='{password}'\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = users\npool_mode = session\ndefault_pool_size = 100\n\
         max_client_conn = 500\nlog_connections = 0\nlog_disconnections = 0\nlog_stats = 0\n{tls}"
    )
}
