//! The database under load: a PostgreSQL of its own, with everything that the scenarios read.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::Child;

use crate::Failure;
use crate::certificates::Certificates;
use crate::door::{Door, done, free_port, listening};
use crate::installed::Installed;

const NAME: &str = "bench";
const PASSWORD: &str = "bench's own";

/// Durability is off and everything fits memory: the database's disk is not what is measured.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
shared_buffers = '1536MB'
max_wal_size = '8GB'
fsync = off
synchronous_commit = off
autovacuum = off
jit = off
ssl = on
";

/// `plain` rows are what applications have; the others are what makes looking for secrets and names costly.
const TABLES: &str = "\
CREATE TABLE rows_plain AS
    SELECT id, 'Customer ' || id AS name, 'customer' || id || '@example.org' AS email,
           md5(id::text) AS note, id * 37 % 1000 AS amount
    FROM generate_series(1, 5000) AS id;
CREATE TABLE rows_base64 AS
    SELECT id, translate(encode(sha256((id || 'a')::bytea) || sha256((id || 'b')::bytea)
           || sha256((id || 'c')::bytea) || sha256((id || 'd')::bytea), 'base64'), E'\\n', '') AS body
    FROM generate_series(1, 5000) AS id;
CREATE TABLE rows_digits AS
    SELECT id, (SELECT string_agg((hashint4(id * 20 + part)::bigint + 2147483648)::text, '') FROM generate_series(1, 16) AS part) AS body
    FROM generate_series(1, 5000) AS id;
CREATE TABLE rows_non_ascii AS
    SELECT id, (SELECT string_agg('Größe ' || chr(1040 + (id + part) % 64) || chr(19968 + (id * part) % 5000)
           || '–', ' ') FROM generate_series(1, 16) AS part) AS body
    FROM generate_series(1, 5000) AS id;
CREATE TABLE wide AS SELECT id, repeat(md5(id::text), 32) AS body FROM generate_series(1, 1024) AS id;
VACUUM ANALYZE;
";

/// A running server.
#[derive(Debug)]
pub struct Database {
    server: Child,
    data: PathBuf,
    door: Door,
}

impl Database {
    /// Starts one in `folder` and fills it; `scale` is pgbench's, 16 MB each.
    pub async fn start(
        installed: &Installed,
        folder: &Path,
        certificates: &Certificates,
        scale: u16,
    ) -> Result<Self, Failure> {
        let data = folder.join("data");
        let password = folder.join("password");
        installed.write(&password, PASSWORD)?;
        let mut initdb = installed.server("initdb");
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "-U", "postgres"]);
        initdb.arg("--pwfile").arg(&password).arg("-D").arg(&data).current_dir(folder);
        done(initdb).await?;
        installed.write(&data.join("postgresql.auto.conf"), SETTINGS)?;
        installed.write(&data.join("server.crt"), &certificates.certificate)?;
        installed.write(&data.join("server.key"), &certificates.key)?;
        installed.write(&data.join("pg_hba.conf"), "host all all 127.0.0.0/8 scram-sha-256\n")?;
        let port = free_port().await?;
        let log = std::fs::File::create(folder.join("database.log"))?;
        let mut server = installed.server("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]).current_dir(folder);
        let server = server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        listening(port, "PostgreSQL").await?;
        let door = Door {
            port,
            user: NAME.to_owned(),
            password: PASSWORD.to_owned(),
            database: NAME.to_owned(),
            roots: None,
        };
        let database = Self { server, data, door };
        database.fill(installed, scale).await?;
        Ok(database)
    }

    /// As the owner of the tables, without TLS.
    pub fn door(&self) -> &Door {
        &self.door
    }

    pub async fn stop(mut self, installed: &Installed) -> Result<(), Failure> {
        let mut stop = installed.server("pg_ctl");
        stop.args(["-m", "immediate", "-w", "-D"]).arg(&self.data).arg("stop").current_dir("/");
        done(stop).await?;
        self.server.wait().await?;
        Ok(())
    }

    async fn fill(&self, installed: &Installed, scale: u16) -> Result<(), Failure> {
        let superuser =
            Door { user: "postgres".to_owned(), database: "postgres".to_owned(), ..self.door.clone() };
        let quoted = PASSWORD.replace('\'', "''");
        accepting(installed, &superuser).await?;
        sql(installed, &superuser, &format!("CREATE ROLE {NAME} LOGIN PASSWORD '{quoted}'")).await?;
        sql(installed, &superuser, &format!("CREATE DATABASE {NAME} OWNER {NAME}")).await?;
        let mut pgbench = installed.client("pgbench");
        self.door.tell(&mut pgbench);
        pgbench.args(["-i", "-q", "-s", &scale.to_string()]);
        done(pgbench).await?;
        for statement in TABLES.split_inclusive(";\n") {
            sql(installed, &self.door, statement).await?;
        }
        Ok(())
    }
}

/// The port listens a moment before the server accepts anybody.
async fn accepting(installed: &Installed, door: &Door) -> Result<(), Failure> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let mut ready = installed.client("pg_isready");
        door.tell(&mut ready);
        ready.arg("-q");
        match done(ready).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn sql(installed: &Installed, door: &Door, text: &str) -> Result<String, Failure> {
    let mut psql = installed.client("psql");
    door.tell(&mut psql);
    psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text]);
    done(psql).await
}
