//! Where does the demo live? In one folder that it may empty, because it made it.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::database::Database;
use crate::cli::Failure;

pub(super) const RESOURCE: &str = "orders";
pub(super) const SHOP: &str = "shop";
const MARKER: &str = "made-by-countersign-demo";
const POLICY: &str = include_str!("../../../../examples/policies/demo.cedar");
const CONFIG: &str = include_str!("../../../../examples/demo.toml");
const SHOP_POLICY: &str = include_str!("../../../../examples/policies/demo-shop.cedar");
const SHOP_CONFIG: &str = include_str!("../../../../examples/demo-shop.toml");
/// For agents, people and databases. Tried first, so that links look the same each time.
const PORTS: [u16; 3] = [8810, 8811, 8812];

/// The demo's files.
pub(super) struct Folder {
    path: PathBuf,
    /// Where the gateway's configuration will be.
    pub(super) config: PathBuf,
    pub(super) database: PathBuf,
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Failure + '_ {
    move |error| Failure::new(format!("can't use the folder `{}`: {error}", path.display()))
}

/// Empties the folder. A folder that the demo did not make is left alone.
pub(super) fn empty(path: &Path) -> Result<Folder, Failure> {
    let failed = failed(path);
    if path.exists() {
        let empty = std::fs::read_dir(path).map_err(&failed)?.next().is_none();
        if !empty && !path.join(MARKER).exists() {
            let text =
                format!("`{}` holds files that are not the demo's; name another `--folder`", path.display());
            return Err(Failure::new(text));
        }
        std::fs::remove_dir_all(path).map_err(&failed)?;
    }
    std::fs::create_dir_all(path).map_err(&failed)?;
    std::fs::write(path.join(MARKER), "").map_err(&failed)?;
    let database = std::path::absolute(path.join("orders.sqlite3")).map_err(&failed)?;
    Ok(Folder { path: path.to_owned(), config: path.join("countersign.toml"), database })
}

impl Folder {
    /// Writes configuration and policies, with those of the second act when there is a database for it.
    pub(super) fn configure(&self, shop: Option<&Database>) -> Result<(), Failure> {
        let path = &self.path;
        let failed = failed(path);
        let program = std::env::current_exe().map_err(&failed)?;
        let mut config = CONFIG
            .replace("\"countersign\"", &quoted(&program))
            .replace("\"orders.sqlite3\"", &quoted(&self.database));
        if let Some(shop) = shop {
            let private = std::fs::File::options()
                .create(true)
                .write(true)
                .truncate(true)
                .mode(0o600)
                .open(path.join("shop.password"));
            private
                .and_then(|mut file| file.write_all(shop.gateway_password().as_bytes()))
                .map_err(&failed)?;
            std::fs::write(path.join("shop.cedar"), SHOP_POLICY).map_err(&failed)?;
            config = config.replace("\"policy.cedar\"", "\"policy.cedar\", \"shop.cedar\"");
            config.push_str(&SHOP_CONFIG.replace("port = 5432", &format!("port = {}", shop.port())));
        }
        for (usual, port) in PORTS.iter().zip(ports().map_err(&failed)?) {
            config = config.replace(&format!(":{usual}"), &format!(":{port}"));
        }
        std::fs::write(&self.config, config).map_err(&failed)?;
        std::fs::write(path.join("policy.cedar"), POLICY).map_err(&failed)
    }
}

fn quoted(path: &Path) -> String {
    // JSON's escapes are TOML's as well.
    serde_json::Value::from(path.display().to_string()).to_string()
}

/// The usual ports, or free ones when somebody uses one of them.
fn ports() -> std::io::Result<[u16; 3]> {
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port));
    if PORTS.map(bind).iter().all(Result::is_ok) {
        return Ok(PORTS);
    }
    let free = (bind(0)?, bind(0)?, bind(0)?);
    Ok([free.0.local_addr()?.port(), free.1.local_addr()?.port(), free.2.local_addr()?.port()])
}
