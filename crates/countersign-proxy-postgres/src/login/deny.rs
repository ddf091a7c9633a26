//! What is a client told that does not get in? The words and codes that PostgreSQL's clients expect, and a way out.

#[cfg(test)]
mod tests;

use tokio::io::AsyncWriteExt as _;

use super::upstream::UpstreamLoginError;
use crate::codec::back::{Complaint, Severity};
use crate::codec::{SqlState, WireError};
use crate::wire::Wire;

/// Says it and ends the connection. That the client has gone already is no error.
pub async fn refuse(mut wire: Wire, complaint: &Complaint<'_>) {
    let mut out = Vec::new();
    complaint.encode_error(&mut out);
    if wire.write_all(&out).await.is_ok() {
        drop(wire.shutdown().await);
    }
}

fn fatal(code: SqlState, message: impl Into<std::borrow::Cow<'static, str>>) -> Complaint<'static> {
    Complaint::new(Severity::Fatal, code, message)
}

/// `28P01`. The same for an unknown user, a wrong, an expired and a revoked password: it tells nobody which.
pub fn wrong_password(user: &str) -> Complaint<'static> {
    fatal(SqlState::INVALID_PASSWORD, format!("password authentication failed for user `{user}`"))
        .hint("the password must be a live token by which an agent is known (see `countersign agents`)")
}

/// `28000`. The same for a certificate that names no agent and one that names another or a revoked one.
pub fn wrong_certificate(user: &str) -> Complaint<'static> {
    fatal(SqlState::INVALID_AUTHORIZATION, format!("certificate authentication failed for user `{user}`"))
        .hint("the certificate must be one that an agent is known by (see `countersign agents`); to come in with a token, show none (sslcertmode=disable)")
}

/// `28000`: both are demanded.
pub(super) fn no_certificate() -> Complaint<'static> {
    fatal(SqlState::INVALID_AUTHORIZATION, "a client certificate is needed beside the password")
        .hint("connect with sslmode=require or stronger, sslcert and sslkey")
}

/// `3D000`. Also for a database that exists and is not for this agent.
pub fn unknown_database(name: &str) -> Complaint<'static> {
    fatal(SqlState::UNKNOWN_DATABASE, format!("database `{name}` does not exist"))
        .hint("connect to the name of a resource that is configured for this agent")
}

/// `53300`.
pub fn too_many_connections() -> Complaint<'static> {
    fatal(SqlState::TOO_MANY_CONNECTIONS, "too many connections are open")
        .hint("close idle connections, or use a smaller pool")
}

/// `57P01`: the gateway stops, or the agent may no longer be here.
pub fn closing(why: &'static str) -> Complaint<'static> {
    fatal(SqlState::ADMIN_SHUTDOWN, why).hint("connect again")
}

/// `08P01`.
pub fn protocol_violation(error: &WireError) -> Complaint<'static> {
    fatal(SqlState::PROTOCOL_VIOLATION, error.to_string())
        .hint("speak protocol 3.0 or 3.2, with text in UTF-8 and within the limits of the gateway")
}

/// `08P01`: the client sent bytes before its request for encryption was answered.
pub(super) fn early_bytes() -> Complaint<'static> {
    fatal(SqlState::PROTOCOL_VIOLATION, "data arrived before encryption was agreed")
        .detail("this can be a bug of the client or somebody in between who adds to what it sends")
        .hint("wait for the answer to a request for encryption before sending more")
}

/// `08P01`: TLS without being asked for, and without naming the protocol.
pub(super) fn nameless_tls() -> Complaint<'static> {
    fatal(SqlState::PROTOCOL_VIOLATION, "a direct TLS connection must name its protocol")
        .hint("offer the protocol `postgresql` (ALPN), or use sslnegotiation=postgres")
}

/// `08P01`: a second request for encryption, or one within TLS.
pub(super) fn encryption_twice() -> Complaint<'static> {
    fatal(SqlState::PROTOCOL_VIOLATION, "encryption was asked for once too often")
        .hint("ask once for TLS, then send the start-up")
}

/// `28000`: the password would cross a network in clear.
pub(super) fn no_encryption() -> Complaint<'static> {
    fatal(SqlState::INVALID_AUTHORIZATION, "connections from other machines must be encrypted")
        .hint("connect with sslmode=require or stronger")
}

/// `28000`: a start-up without a user.
pub(super) fn no_user() -> Complaint<'static> {
    fatal(SqlState::INVALID_AUTHORIZATION, "no user name is given")
        .hint("give a user name; the password decides who you are")
}

/// `0A000`: replication hands out whole databases and can't be judged statement by statement.
pub(super) fn no_replication() -> Complaint<'static> {
    fatal(SqlState::FEATURE_NOT_SUPPORTED, "replication does not pass the gateway")
        .hint("leave out the parameter `replication`")
}

/// `08P01`: two values for one parameter, which two readers could take differently.
pub(super) fn parameter_twice(name: &str) -> Complaint<'static> {
    fatal(SqlState::PROTOCOL_VIOLATION, format!("the parameter `{name}` is given twice"))
        .hint("give each start-up parameter once")
}

/// What a client hears when the server could not be reached or did not let the gateway in.
///
/// `53300` and `57P03` are passed on, since clients wait and try again for them; all else is `08006`. Never the server's
/// own text: it can name the credential that the client must not know.
pub fn upstream(error: &UpstreamLoginError) -> Complaint<'static> {
    match error.code() {
        Some(SqlState::TOO_MANY_CONNECTIONS) => {
            fatal(SqlState::TOO_MANY_CONNECTIONS, "the protected database has too many connections")
                .hint("try again later, or close idle connections")
        }
        Some(SqlState::CANNOT_CONNECT_NOW) => {
            fatal(SqlState::CANNOT_CONNECT_NOW, "the protected database is starting up or shutting down")
                .hint("try again later")
        }
        _ => fatal(SqlState::CONNECTION_FAILURE, "the protected database can't be reached")
            .detail("nothing was executed")
            .hint("whoever runs the gateway finds the reason in its log"),
    }
}
