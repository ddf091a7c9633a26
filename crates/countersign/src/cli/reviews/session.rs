//! Who is at this terminal? A session of the review API, kept in a file that only its owner can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Failure, call};
use crate::client::Client;
use crate::out;

/// Where the API is and how it knows us.
#[derive(Serialize, Deserialize)]
pub(super) struct Session {
    pub(super) url: String,
    pub(super) token: String,
}

impl Session {
    pub(super) fn load() -> Result<Self, Failure> {
        let path = path()?;
        let hint =
            "sign in with `countersign reviews sign-in LINK`; `countersign people invite NAME` makes a link";
        let text = std::fs::read_to_string(&path)
            .map_err(|_cause| Failure::new(format!("this terminal is not signed in\n    help: {hint}")))?;
        serde_json::from_str(&text)
            .map_err(|_cause| Failure::new(format!("`{}` is damaged\n    help: {hint}", path.display())))
    }

    fn save(&self) -> Result<PathBuf, Failure> {
        let path = path()?;
        let failed =
            |error: std::io::Error| Failure::new(format!("can't write `{}`: {error}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.create(true).write(true).truncate(true).mode(0o600).open(&path).map_err(failed)?;
        file.write_all(json!(self).to_string().as_bytes()).map_err(failed)?;
        Ok(path)
    }
}

pub(super) async fn sign_in(link: &str) -> Result<(), Failure> {
    let (url, token) = link.split_once("/enter/").ok_or_else(|| {
        Failure::new("a sign-in link looks like `https://countersign.example.com/enter/csi_…`")
    })?;
    let token = token.split(['?', '#']).next().unwrap_or_default();
    let endpoint = format!("{url}/api/v1/session");
    let answer = Client::new(None)
        .json(Method::POST, &endpoint, Some(&json!({ "invitation": token })))
        .await
        .map_err(|error| Failure::new(out::chain(&error)))?;
    let Some(token) = answer.body.get("token").and_then(serde_json::Value::as_str) else {
        return Err(Failure::new("the link was used before or has ended; ask for a new one"));
    };
    let session = Session { url: url.to_owned(), token: token.to_owned() };
    let path = session.save()?;
    out::line(format_args!("signed in; the session is in `{}`", path.display()));
    Ok(())
}

pub(super) async fn sign_out() -> Result<(), Failure> {
    let session = Session::load()?;
    call(&session, Method::DELETE, "/session", None).await?;
    let path = path()?;
    std::fs::remove_file(&path)
        .map_err(|error| Failure::new(format!("can't remove `{}`: {error}", path.display())))?;
    out::line("signed out");
    Ok(())
}

fn path() -> Result<PathBuf, Failure> {
    #[expect(clippy::disallowed_methods, reason = "where a session file lies is configuration")]
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = variable("COUNTERSIGN_SESSION") {
        return Ok(file);
    }
    variable("XDG_CONFIG_HOME")
        .or_else(|| variable("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("countersign/session.json"))
        .ok_or_else(|| Failure::new("no home folder is known; set `COUNTERSIGN_SESSION` to a file"))
}
