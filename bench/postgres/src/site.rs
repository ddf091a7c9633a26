//! Everything that takes part, in one folder: the database, the poolers, the gateway.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::certificates::Certificates;
use crate::database::Database;
use crate::door::{Door, done};
use crate::gateway::{Gateway, Through};
use crate::installed::Installed;
use crate::pooler::Pooler;
use crate::process::Process;

/// The gateway begins anew with an empty store when its store is larger: records of a long run would fill the disk.
const STORE_MAX: u64 = 1 << 30;

/// Who stands between the client and the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Direct,
    PgBouncer,
    Countersign,
}

impl Peer {
    pub const ALL: [Self; 3] = [Self::Direct, Self::PgBouncer, Self::Countersign];
}

/// What runs, or will.
#[derive(Debug)]
pub struct Site {
    pub installed: Installed,
    binary: PathBuf,
    folder: PathBuf,
    certificates: Certificates,
    gateways: usize,
    running: Running,
}

#[derive(Debug, Default)]
struct Running {
    database: Option<Database>,
    plain: Option<Pooler>,
    sealed: Option<Pooler>,
    gateway: Option<Gateway>,
}

const NOT_RUNNING: &str = "nothing was started";

impl Site {
    /// Nothing runs yet.
    pub fn new(binary: &Path) -> Result<Self, Failure> {
        let installed = Installed::find()?;
        let folder = std::env::temp_dir().join(format!("countersign-bench-postgres-{}", std::process::id()));
        let certificates = Certificates::make()?;
        let binary = binary.to_owned();
        Ok(Self { installed, binary, folder, certificates, gateways: 0, running: Running::default() })
    }

    /// Starts everything, and keeps what was started even when the rest fails.
    pub async fn start(&mut self, scale: u16) -> Result<(), Failure> {
        self.installed.folder(&self.folder)?;
        self.installed.write(&self.folder.join("server.crt"), &self.certificates.certificate)?;
        self.installed.write(&self.folder.join("server.key"), &self.certificates.key)?;
        fs::write(self.roots(), &self.certificates.authority)?;
        let database = Database::start(&self.installed, &self.folder, &self.certificates, scale).await?;
        let door = database.door().clone();
        self.running.database = Some(database);
        let plain = Pooler::start(&self.installed, &self.folder.join("plain"), &door).await?;
        self.running.plain = Some(plain);
        let sealed = Door { roots: Some(self.roots()), ..door };
        let sealed = Pooler::start(&self.installed, &self.folder.join("sealed"), &sealed).await?;
        self.running.sealed = Some(sealed);
        self.renew_gateway(true).await
    }

    /// A new gateway with an empty store, unless the one there is has room and need not be fresh.
    pub async fn renew_gateway(&mut self, fresh: bool) -> Result<(), Failure> {
        if let Some(gateway) = self.running.gateway.take() {
            if !fresh && gateway.stored()? < STORE_MAX {
                self.running.gateway = Some(gateway);
                return Ok(());
            }
            gateway.stop().await?;
        }
        self.gateways += 1;
        let folder = self.folder.join(format!("gateway-{}", self.gateways));
        let database = self.running.database.as_ref().ok_or(NOT_RUNNING)?;
        let gateway = Gateway::start(&self.binary, &folder, database.door(), &self.certificates).await?;
        self.running.gateway = Some(gateway);
        Ok(())
    }

    /// Where files of this run are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where clients connect.
    pub fn door(&self, peer: Peer, through: Through, tls: bool) -> Result<Door, Failure> {
        match peer {
            Peer::Direct => {
                let door = self.running.database.as_ref().ok_or(NOT_RUNNING)?.door();
                Ok(Door { roots: tls.then(|| self.roots()), ..door.clone() })
            }
            Peer::PgBouncer => Ok(self.pooler(tls).ok_or(NOT_RUNNING)?.door().clone()),
            Peer::Countersign => Ok(self.running.gateway.as_ref().ok_or(NOT_RUNNING)?.door(through, tls)),
        }
    }

    /// The process in the middle, where there is one.
    pub fn process(&self, peer: Peer, tls: bool) -> Option<Process> {
        match peer {
            Peer::Direct => None,
            Peer::PgBouncer => self.pooler(tls)?.process(),
            Peer::Countersign => self.running.gateway.as_ref()?.process(),
        }
    }

    /// On what was measured.
    pub async fn describe(&self) -> Result<String, Failure> {
        let mut version = self.installed.client("pgbench");
        version.arg("--version");
        let pgbench = done(version).await?;
        let mut version = self.installed.pgbouncer();
        version.arg("--version");
        let pgbouncer = done(version).await?;
        let cores = std::thread::available_parallelism()?;
        let load = fs::read_to_string("/proc/loadavg")?;
        let load = load.split(' ').next().unwrap_or_default();
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        Ok(format!(
            "{}; {}; {cores} cores for all; load {load} at the start",
            first(&pgbench),
            first(&pgbouncer)
        ))
    }

    /// What the servers complained about last.
    pub fn logs(&self) -> String {
        self.running
            .gateway
            .as_ref()
            .map(|gateway| format!("the gateway's log:\n{}", gateway.log()))
            .unwrap_or_default()
    }

    /// Ends everything and removes the folder.
    pub async fn stop(self) -> Result<(), Failure> {
        let Running { database, plain, sealed, gateway } = self.running;
        if let Some(gateway) = gateway {
            gateway.stop().await?;
        }
        for pooler in [plain, sealed].into_iter().flatten() {
            pooler.stop().await?;
        }
        if let Some(database) = database {
            database.stop(&self.installed).await?;
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        Ok(())
    }

    fn pooler(&self, tls: bool) -> Option<&Pooler> {
        if tls { self.running.sealed.as_ref() } else { self.running.plain.as_ref() }
    }

    fn roots(&self) -> PathBuf {
        self.folder.join("roots.pem")
    }
}
