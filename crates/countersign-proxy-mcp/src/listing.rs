//! Which tools does the agent see? What the upstream lists, without what can never run or was not accepted, plus ours.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::Principal;
use serde_json::json;

use crate::catalog::{self, Tool};
use crate::codec::{Answer, Malformed, Message, View, error, reframe, scan, splice};
use crate::decode::bare_call;
use crate::definitions::Standing;
use crate::explain::UPSTREAM;
use crate::pins::PinError;
use crate::session::{Era, Session};
use crate::tasks::tool_as_shown;
use crate::tools;
use crate::upstream::{Route, UpstreamError};

const PAGES_MAX: usize = 200;
const TOOLS_MAX: usize = 10_000;
const TIMEOUT: Duration = Duration::from_secs(60);
/// Not every upstream says that its list changed, so it is read again after so long.
const AGE_MAX: Duration = Duration::from_secs(60);
const METHOD_NOT_FOUND: i64 = -32601;

/// Why the tools' definitions are not known. No tool is called then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("the upstream's list of tools can't be read: {0}")]
    Malformed(#[from] Malformed),
    #[error("the upstream's list of tools has another form than MCP's")]
    Form,
    #[error("the upstream refused to list its tools")]
    Refused,
    #[error("the upstream lists more tools or pages than are read")]
    TooLong,
    #[error(transparent)]
    Pins(#[from] PinError),
}

impl ListingError {
    pub(crate) fn explain(&self, id: &str) -> String {
        let code = match self {
            Self::Upstream(failure) => failure.word(),
            Self::Malformed(_) | Self::Form | Self::Refused | Self::TooLong => "upstream_garbage",
            Self::Pins(_) => "store_unavailable",
        };
        let message = format!("not executed: the tools' definitions are not known: {self}");
        error(id, UPSTREAM, &message, Some(json!({ "code": code })))
    }
}

/// Lists the tools again as soon as the upstream says that they changed: calls that wait for people depend on it.
pub(crate) fn again(session: Arc<Session>) {
    session.catalog.forget();
    tokio::spawn(async move {
        if let Err(error) = ensure(&session, &session.principal()).await {
            tracing::warn!(%error, "changed tools could not be listed; calls are refused until they are");
        }
    });
}

/// Lists the upstream's tools unless they are known, accepts a first listing and asks about changes.
pub(crate) async fn ensure(session: &Arc<Session>, principal: &Principal) -> Result<(), ListingError> {
    if is_fresh(session) {
        return Ok(());
    }
    let _one_at_a_time = session.catalog.listing.lock().await;
    if is_fresh(session) {
        return Ok(());
    }
    let served = &session.served;
    let (asked_at, changes) = (served.now(), session.catalog.changes());
    let tools = list(session, principal).await?;
    served.definitions.observe(&tools, &served.gate, principal).await?;
    session.catalog.replace(tools, asked_at, changes);
    Ok(())
}

fn is_fresh(session: &Session) -> bool {
    session.catalog.listed_at().is_some_and(|at| session.served.now().since(at) < AGE_MAX)
}

async fn list(session: &Session, principal: &Principal) -> Result<Vec<Tool>, ListingError> {
    let mut tools = Vec::new();
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let answer = page(session, principal, cursor.as_deref()).await?;
        if answer.code() == Some(METHOD_NOT_FOUND) {
            return Ok(tools);
        }
        if answer.is_error() {
            return Err(ListingError::Refused);
        }
        let nodes = scan(answer.body())?;
        let listing = catalog::read(View::root(answer.body(), &nodes)).ok_or(ListingError::Form)?;
        tools.extend(listing.tools.into_iter().map(|(tool, _)| tool));
        if tools.len() > TOOLS_MAX {
            return Err(ListingError::TooLong);
        }
        match listing.next {
            Some(next) => cursor = Some(next),
            None => return Ok(tools),
        }
    }
    Err(ListingError::TooLong)
}

async fn page(
    session: &Session,
    principal: &Principal,
    cursor: Option<&str>,
) -> Result<Answer, ListingError> {
    let mut params = serde_json::Map::new();
    if let Some(cursor) = cursor {
        params.insert("cursor".to_owned(), cursor.into());
    }
    if session.era == Era::Stateless {
        params.insert("_meta".to_owned(), own_meta(&json!({})));
    }
    let request = json!({ "jsonrpc": "2.0", "id": 0, "method": "tools/list", "params": params });
    let message = Message::parse(request.to_string().into_bytes())?;
    let link = session.link()?;
    let route = Route { id: link.next_id(), timeout: Some(TIMEOUT), ..Route::default() };
    Ok(link.ask(session.served.gate.upkeep(principal), &message, route).await?)
}

/// What 2026-07-28 wants in every request.
pub(crate) fn own_meta(extensions: &serde_json::Value) -> serde_json::Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": crate::mirror::STATELESS_VERSION,
        "io.modelcontextprotocol/clientInfo": { "name": "countersign", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": { "extensions": extensions },
    })
}

/// The upstream's page for the agent: only the array of tools differs.
pub(crate) fn edit(session: &Arc<Session>, principal: &Principal, id: &str, answer: &Answer) -> String {
    let kept = answer.keepable();
    let as_it_is = || reframe(id, &kept).unwrap_or_default();
    if answer.is_error() {
        return as_it_is();
    }
    let body = answer.body();
    let nodes = match scan(body) {
        Ok(nodes) => nodes,
        Err(malformed) => return ListingError::Malformed(malformed).explain(id),
    };
    let Some(listing) = catalog::read(View::root(body, &nodes)) else {
        return ListingError::Form.explain(id);
    };
    session.catalog.update(listing.tools.iter().map(|(tool, _)| tool.clone()));
    let mut shown: Vec<Cow<'_, str>> = listing
        .tools
        .iter()
        .filter(|(tool, _)| is_shown(session, principal, tool))
        .filter_map(|(tool, span)| Some(tool_as_shown(session, tool, body.get(span.clone())?)))
        .collect();
    if listing.next.is_none() {
        shown.extend(tools::DEFINITIONS.map(Cow::Borrowed));
    }
    let array = format!("[{}]", shown.join(","));
    let edited = splice(body, [(listing.array, array.as_str())]);
    format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{edited}}}")
}

fn is_shown(session: &Session, principal: &Principal, tool: &Tool) -> bool {
    let served = &session.served;
    if tools::is_ours(&tool.name) {
        return false;
    }
    if !matches!(served.definitions.standing(tool), Standing::Accepted) {
        served.definitions.ask_if_changed(tool, &served.gate, principal);
        return false;
    }
    let bare = bare_call(&served.config.resource, principal, &served.rules, &tool.name, &tool.facts());
    !bare.is_some_and(|draft| served.never(&draft))
}
