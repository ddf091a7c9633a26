//! How is a password proved without being shown? SCRAM-SHA-256 (RFC 5802, 7677), bound to TLS where that is possible.

use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};

use super::UpstreamLoginError;
use crate::codec::WireError;
use crate::codec::put::message;
use crate::tls::tls_server_end_point;
use crate::wire::Wire;

/// One exchange.
pub(super) struct Scram(ScramSha256);

impl Scram {
    /// Chooses the mechanism; also gives the first message.
    pub(super) fn begin(
        offered: &[&str],
        wire: &Wire,
        password: &str,
    ) -> Result<(Self, Vec<u8>), UpstreamLoginError> {
        let (mechanism, binding) = choose(offered, end_point(wire))?;
        let scram = ScramSha256::new(password.as_bytes(), binding);
        let mut out = Vec::new();
        message(&mut out, b'p', |body| {
            body.text(mechanism)?;
            body.cell(Some(scram.message()))
        })?;
        Ok((Self(scram), out))
    }

    /// The answer to the server's challenge.
    pub(super) fn prove(&mut self, challenge: &[u8]) -> Result<Vec<u8>, UpstreamLoginError> {
        self.0.update(challenge).map_err(UpstreamLoginError::Impostor)?;
        let mut out = Vec::new();
        message(&mut out, b'p', |body| {
            body.bytes(self.0.message());
            Ok::<(), WireError>(())
        })?;
        Ok(out)
    }

    /// The server's proof that it knows the password.
    pub(super) fn verify(&mut self, signature: &[u8]) -> Result<(), UpstreamLoginError> {
        self.0.finish(signature).map_err(UpstreamLoginError::Impostor)
    }
}

/// Bound to the connection whenever both sides can. When only we can, we say so: a server that could as well, and whose
/// offer was taken out on the way, refuses then (RFC 5802, section 6).
fn choose(
    offered: &[&str],
    end_point: Option<Vec<u8>>,
) -> Result<(&'static str, ChannelBinding), UpstreamLoginError> {
    let bound = offered.contains(&SCRAM_SHA_256_PLUS);
    let unbound = offered.contains(&SCRAM_SHA_256);
    match end_point {
        Some(hash) if bound => Ok((SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash))),
        Some(_) if unbound => Ok((SCRAM_SHA_256, ChannelBinding::unrequested())),
        None if unbound => Ok((SCRAM_SHA_256, ChannelBinding::unsupported())),
        _ => Err(UpstreamLoginError::Method(offered.join(", "))),
    }
}

/// What binds to this connection, when it is TLS.
fn end_point(wire: &Wire) -> Option<Vec<u8>> {
    let Wire::Tls(stream) = wire else { return None };
    let (_, session) = stream.get_ref();
    session.peer_certificates()?.first().and_then(|certificate| tls_server_end_point(certificate))
}
