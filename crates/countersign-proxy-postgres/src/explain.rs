//! How is a verdict told in PostgreSQL's words? So that a person at a prompt and a driver both know what ran, what did
//! not, and how to go on.

use countersign_core::{Reason, ReasonCode, ReviewId, Timestamp, span_text};
use countersign_gate::Ticket;

use crate::codec::SqlState;
use crate::codec::back::{Complaint, Severity};
use crate::masking::Unmaskable;

/// Refused, by policy or by people.
pub(crate) fn denied(reason: &Reason, review: Option<ReviewId>) -> Complaint<'static> {
    let code = match reason.code {
        ReasonCode::TooLarge => SqlState::PROGRAM_LIMIT_EXCEEDED,
        ReasonCode::StoreUnavailable => SqlState::CANNOT_CONNECT_NOW,
        _ => SqlState::INSUFFICIENT_PRIVILEGE,
    };
    let review = review.map(|review| format!(" Review: {review}.")).unwrap_or_default();
    Complaint::new(Severity::Error, code, format!("not executed: {}", reason.text))
        .detail(format!("Code: {}.{review} Nothing of it was executed.", reason.code))
        .hint(hint(reason.code))
}

fn hint(code: ReasonCode) -> &'static str {
    match code {
        ReasonCode::NotPermitted | ReasonCode::Forbidden => {
            "Ask whoever keeps the policies; repeating the statement will not change this."
        }
        ReasonCode::DeniedByReviewer | ReasonCode::ReviewCancelled => {
            "Talk to the people who decided before you ask again."
        }
        ReasonCode::ReviewExpired
        | ReasonCode::ApprovalLapsed
        | ReasonCode::ChangedSinceApproval
        | ReasonCode::Unwitnessed => "Run the statement again to ask again.",
        ReasonCode::TooManyPending => "Wait for answers to earlier statements first.",
        ReasonCode::StoreUnavailable => "Try again later.",
        ReasonCode::TooLarge => "Split the statement into smaller ones.",
        ReasonCode::PolicyError | ReasonCode::ObligationUnsupported | ReasonCode::Malformed => {
            "Show this to whoever keeps the policies."
        }
    }
}

/// The hold is over. Nothing was executed, and it says so first.
pub(crate) fn pending(ticket: &Ticket, now: Timestamp) -> Complaint<'static> {
    let left = span_text(ticket.pending_until.since(now));
    let message = format!("not executed: still waiting for approval ({})", ticket.review);
    Complaint::new(Severity::Error, SqlState::INSUFFICIENT_PRIVILEGE, message)
        .detail(format!("Nothing was executed. People decide at {} within {left}.", ticket.link))
        .hint("Run the same statement again: it waits for the same review, and runs once it is approved.")
}

/// The first sign of life of a held statement.
pub(crate) fn waiting(ticket: &Ticket, now: Timestamp, locks: Option<&str>) -> Complaint<'static> {
    let left = span_text(ticket.pending_until.since(now));
    let message = format!("waiting for approval: {}", ticket.link);
    let detail = match locks {
        Some(locks) => format!("Review {}, open for {left}. {locks}", ticket.review),
        None => format!("Review {}, open for {left}. Nothing is executed before.", ticket.review),
    };
    Complaint::new(Severity::Notice, SqlState::SUCCESSFUL, message)
        .detail(detail)
        .hint("Cancel to stop waiting; the review stays open.")
}

/// The client cancelled a held statement.
pub(crate) fn cancelled(ticket: Option<&Ticket>) -> Complaint<'static> {
    let complaint = Complaint::new(
        Severity::Error,
        SqlState::QUERY_CANCELED,
        "not executed: canceled while waiting for approval",
    );
    match ticket {
        Some(ticket) => complaint
            .detail(format!("Nothing was executed. Review {} stays open at {}.", ticket.review, ticket.link))
            .hint("Run the same statement again to go on waiting, or to run it once it is approved."),
        None => complaint,
    }
}

/// It ran for an earlier call of the same statement, whose answer nobody received.
pub(crate) fn ran_before(review: Option<ReviewId>, what: &str) -> Complaint<'static> {
    let review = review.map(|review| format!(" as {review}")).unwrap_or_default();
    Complaint::new(
        Severity::Error,
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("not executed again: the approved statement already ran{review}"),
    )
    .detail(format!("What became of it: {what}."))
    .hint("Run the statement again to ask for another approval.")
}

/// An approved change touched more rows than people saw.
pub(crate) fn other_rows(touched: &str, approved: u64, limit: u64) -> Complaint<'static> {
    Complaint::new(
        Severity::Error,
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("undone: it touched {touched} rows, and {approved} were approved"),
    )
    .detail(format!("At most {limit} were allowed. Nothing of it remains."))
    .hint("Run the statement again to ask about it as it is now.")
}

/// Calls by function OID carry no statement that anybody could judge.
pub(crate) fn no_function_calls() -> Complaint<'static> {
    Complaint::new(
        Severity::Error,
        SqlState::FEATURE_NOT_SUPPORTED,
        "not executed: calls of functions by number can't be judged",
    )
    .hint("Call the function by name, in a statement.")
}

/// The text can't be judged at all.
pub(crate) fn unjudgeable(why: &str) -> Complaint<'static> {
    Complaint::new(Severity::Error, SqlState::PROGRAM_LIMIT_EXCEEDED, format!("not executed: {why}"))
        .hint("Split the statement into smaller ones.")
}

/// Policy asks for masks that this statement's result can't have.
pub(crate) fn unmaskable(why: &Unmaskable) -> Complaint<'static> {
    Complaint::new(Severity::Error, SqlState::INSUFFICIENT_PRIVILEGE, format!("not executed: {why}"))
        .detail("Code: unmaskable. Policy allows the statement only with parts of its result masked.")
        .hint("Ask for the columns by name, in a plain SELECT.")
}

/// The same, after the server has begun to answer.
pub(crate) fn unmaskable_result(why: &Unmaskable) -> Complaint<'static> {
    Complaint::new(
        Severity::Fatal,
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("the result is not sent: {why}"),
    )
    .detail("Code: unmaskable. The connection ends, and with it the transaction.")
    .hint("Connect again and ask for fewer or other columns.")
}

/// The server is gone in the middle.
pub(crate) fn lost_server() -> Complaint<'static> {
    Complaint::new(
        Severity::Fatal,
        SqlState::CONNECTION_FAILURE,
        "the connection to the protected database was lost",
    )
    .hint("Connect again. Whether a statement that was under way took effect is not known.")
}

/// The client asks for a setting that people or policy have a say in.
pub(crate) fn setting_refused(name: &str, why: &str) -> Complaint<'static> {
    Complaint::new(
        Severity::Fatal,
        SqlState::INSUFFICIENT_PRIVILEGE,
        format!("the setting `{name}` is not allowed when connecting: {why}"),
    )
    .hint("Connect without it; a SET afterwards can wait for approval.")
}

/// Bytes are judged as UTF-8. The connection does not begin, or ends.
pub(crate) fn only_utf8(encoding: &str) -> Complaint<'static> {
    Complaint::new(
        Severity::Fatal,
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("the client encoding `{encoding}` is not supported"),
    )
    .detail("Statements are judged as UTF-8; in another encoding the same bytes may be another statement.")
    .hint("Set client_encoding to UTF8 (PGCLIENTENCODING=UTF8).")
}

/// The same, before the statement that sets it is run.
pub(crate) fn other_encoding(encoding: &str) -> Complaint<'static> {
    Complaint::new(
        Severity::Error,
        SqlState::FEATURE_NOT_SUPPORTED,
        format!("not executed: the client encoding `{encoding}` is not supported"),
    )
    .detail("Code: encoding. Statements are judged as UTF-8; in another encoding the same bytes may be another statement.")
    .hint("Keep client_encoding at UTF8, and convert in the client.")
}

/// The name of the user is the agent's.
pub(crate) fn other_user(user: &str) -> Complaint<'static> {
    Complaint::new(
        Severity::Fatal,
        SqlState::INVALID_AUTHORIZATION,
        format!("the password is not that of the agent `{user}`"),
    )
    .hint("Connect as the agent to which the token belongs.")
}
