//! How does the API say it? The JSON shapes, made from the core's types; nothing here decides.

mod action;
mod passed;
mod preview;
mod review;
mod session;

pub(crate) use action::{ActionBody, ActionSummary, TimelineEntryBody};
pub(crate) use passed::{PassedBody, PassedPageBody};
pub(crate) use review::{ReviewBody, ReviewSummary, StateWord, VoteRequest, You};
pub(crate) use session::{
    EnrolRequest, InvitationRequest, NewSessionBody, PasskeyBody, SessionBody, SignInRequest,
};

use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PageBody<T> {
    /// What was found.
    pub(crate) items: Vec<T>,
    /// The `cursor` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl<T> PageBody<T> {
    /// A page of the core with each item made into its JSON shape.
    pub(crate) fn of<R>(page: &countersign_core::Page<R>, shape: impl Fn(&R) -> Option<T>) -> Self {
        Self {
            items: page.items.iter().filter_map(shape).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}
