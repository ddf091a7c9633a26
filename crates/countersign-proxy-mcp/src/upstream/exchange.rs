//! Which request does this message of the upstream belong to?

use crate::codec::{Incoming, splice};

use super::{Event, Route, Sink};

/// The part of a [`Route`] that is needed until the answer comes.
#[derive(Debug)]
pub(super) struct Belongings {
    sink: Option<Sink>,
    token: Option<String>,
    agent_id: Option<String>,
}

impl Belongings {
    pub(super) fn of(route: &Route) -> Self {
        Self { sink: route.sink.clone(), token: route.token.clone(), agent_id: route.agent_id.clone() }
    }

    pub(super) fn sink(&self) -> Option<&Sink> {
        self.sink.as_ref()
    }

    /// Hands a notification to the request's caller with the caller's own correlators in it.
    pub(super) fn deliver(&self, message: &Incoming, named: Named) {
        let theirs = match named.by {
            By::Token => self.token.as_deref(),
            By::Subscription => self.agent_id.as_deref(),
        };
        if let (Some(sink), Some(theirs)) = (&self.sink, theirs) {
            let text = splice(message.text(), [(named.span, theirs)]);
            if sink.try_send(Event::Message(text)).is_err() {
                tracing::debug!("a notification was dropped: its caller is gone or does not read");
            }
        }
    }
}

/// Where a notification names the request that it belongs to.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: u64,
    by: By,
    span: std::ops::Range<usize>,
}

#[derive(Debug, Clone, Copy)]
enum By {
    Token,
    Subscription,
}

/// The request that a notification names by our token or subscription id.
pub(super) fn named(message: &Incoming) -> Option<Named> {
    let params = message.root().get("params")?;
    let token = || Some((By::Token, params.get("progressToken")?));
    let subscription = || Some((By::Subscription, params.get("_meta")?.get(SUBSCRIPTION)?));
    let (by, view) = subscription().or_else(token)?;
    Some(Named { id: Incoming::correlator(view)?, by, span: view.span() })
}

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";
