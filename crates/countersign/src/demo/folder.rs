//! Where does the demo live? In one folder that it may empty, because it made it.

use std::path::{Path, PathBuf};

use crate::cli::Failure;

pub(super) const RESOURCE: &str = "orders";
const MARKER: &str = "made-by-countersign-demo";
const POLICY: &str = include_str!("../../../../examples/policies/demo.cedar");
const CONFIG: &str = include_str!("../../../../examples/demo.toml");
/// Tried first, so that links look the same each time.
const PORTS: (u16, u16) = (8810, 8811);

/// The demo's files.
pub(super) struct Folder {
    pub(super) config: PathBuf,
    pub(super) database: PathBuf,
}

/// Empties the folder and writes the configuration. A folder that the demo did not make is left alone.
pub(super) fn prepare(path: &Path) -> Result<Folder, Failure> {
    let failed =
        |error: std::io::Error| Failure::new(format!("can't use the folder `{}`: {error}", path.display()));
    if path.exists() {
        let empty = std::fs::read_dir(path).map_err(failed)?.next().is_none();
        if !empty && !path.join(MARKER).exists() {
            let text =
                format!("`{}` holds files that are not the demo's; name another `--folder`", path.display());
            return Err(Failure::new(text));
        }
        std::fs::remove_dir_all(path).map_err(failed)?;
    }
    std::fs::create_dir_all(path).map_err(failed)?;
    std::fs::write(path.join(MARKER), "").map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let database = std::path::absolute(path.join("orders.sqlite3")).map_err(failed)?;
    let (agents, people) = ports().map_err(failed)?;
    let config = CONFIG
        .replace("8810", &agents.to_string())
        .replace("8811", &people.to_string())
        .replace("\"countersign\"", &quoted(&program))
        .replace("\"orders.sqlite3\"", &quoted(&database));
    std::fs::write(path.join("countersign.toml"), config).map_err(failed)?;
    std::fs::write(path.join("policy.cedar"), POLICY).map_err(failed)?;
    Ok(Folder { config: path.join("countersign.toml"), database })
}

fn quoted(path: &Path) -> String {
    // JSON's escapes are TOML's as well.
    serde_json::Value::from(path.display().to_string()).to_string()
}

/// The usual ports, or free ones when somebody uses them.
fn ports() -> std::io::Result<(u16, u16)> {
    let free = |port| std::net::TcpListener::bind(("127.0.0.1", port));
    if let (Ok(_), Ok(_)) = (free(PORTS.0), free(PORTS.1)) {
        return Ok(PORTS);
    }
    let (agents, people) = (free(0)?, free(0)?);
    Ok((agents.local_addr()?.port(), people.local_addr()?.port()))
}
