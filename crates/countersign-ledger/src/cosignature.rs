//! What did a witness see, and when? Timestamped Ed25519 cosignatures on checkpoints, version 1 of the C2SP
//! specification tlog-cosignature.

use crate::note::{Algorithm, Note, Sign, SignError, SignatureLine, VerifierKey};
use crate::tree::SIZE_MAX;

/// Later times are not valid, in seconds since 1970: 2^63 − 1.
pub const TIME_MAX: u64 = SIZE_MAX;

/// A witness's statement that at `time` (seconds since 1970) the checkpoint of `note` was the largest consistent one
/// that it had seen of this log. The caller has verified that; see [`crate::witness`].
///
/// # Errors
/// When the key can't sign or is not one for cosignatures, or the time is 0 or beyond [`TIME_MAX`].
pub fn cosign(note: &Note, signer: &dyn Sign, time: u64) -> Result<SignatureLine, SignError> {
    let key = signer.key();
    if key.algorithm() != Algorithm::CosignatureV1 {
        return Err(SignError::OtherUse(key.name().to_owned()));
    }
    if time == 0 || time > TIME_MAX {
        return Err(SignError::Time(time));
    }
    let signature = signer.sign(message(note.text(), time).as_bytes())?;
    Ok(SignatureLine::new(key, [time.to_be_bytes().as_slice(), &signature].concat()))
}

/// The time of a cosignature by `key` over this text, or `None` when it is wrong.
pub(crate) fn check(key: &VerifierKey, text: &str, signature: &[u8]) -> Option<u64> {
    let (time, signature) = signature.split_first_chunk()?;
    let time = u64::from_be_bytes(*time);
    (time <= TIME_MAX && key.has_signed(message(text, time).as_bytes(), signature)).then_some(time)
}

/// Two lines, then the whole note text with its last line feed.
fn message(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests;
