//! Is this token meant for us, and now? Audience and times, with a small leeway for clocks that differ.

use std::time::Duration;

use countersign_core::Timestamp;
use serde_json::Value;

use super::token::TokenRefusal;
use super::{ClaimSet, IssuerConfig};

/// By how much the issuer's clock and ours may differ.
const LEEWAY_SECONDS: i64 = 30;
/// 9999-12-31: later times are no times.
const SECONDS_MAX: i64 = 253_402_300_799;

/// When the token ends for us, when its claims hold now.
pub(super) fn check(
    claims: &ClaimSet,
    config: &IssuerConfig,
    now: Timestamp,
) -> Result<Timestamp, TokenRefusal> {
    if claims.get("iss").and_then(Value::as_str) != Some(config.issuer.as_str()) {
        return Err(TokenRefusal::Issuer);
    }
    if !is_for(claims.get("aud"), &config.audience) {
        return Err(TokenRefusal::Audience);
    }
    if claims.contains_key("cnf") {
        return Err(TokenRefusal::Bound);
    }
    let now = now.as_micros().div_euclid(1_000_000);
    let ends = seconds(claims, "exp")?.ok_or(TokenRefusal::Expired)?;
    if now >= ends + LEEWAY_SECONDS {
        return Err(TokenRefusal::Expired);
    }
    let issued = seconds(claims, "iat")?;
    let begins = [issued, seconds(claims, "nbf")?];
    if begins.into_iter().flatten().any(|begin| begin > now + LEEWAY_SECONDS) {
        return Err(TokenRefusal::NotYetValid);
    }
    let longest = i64::try_from(config.max_lifetime.as_secs()).unwrap_or(SECONDS_MAX);
    // Without `iat` what is left of its life must be within the bound.
    let since = issued.unwrap_or(now).min(now);
    if ends - since > longest {
        return Err(TokenRefusal::Lifetime);
    }
    let end = u64::try_from(ends + LEEWAY_SECONDS).unwrap_or(0);
    Ok(Timestamp::from_micros(0).plus(Duration::from_secs(end)))
}

/// One audience or a list of them.
fn is_for(audience: Option<&Value>, ours: &str) -> bool {
    match audience {
        Some(Value::String(one)) => one == ours,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(ours)),
        _ => false,
    }
}

/// A NumericDate: seconds, of which parts are cut off. A claim that is there and is no time is refused.
fn seconds(claims: &ClaimSet, name: &str) -> Result<Option<i64>, TokenRefusal> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let Value::Number(number) = value else { return Err(TokenRefusal::Malformed) };
    let text = number.to_string();
    let whole = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    let fits = |seconds: &i64| (0..=SECONDS_MAX).contains(seconds) && !text.contains(['e', 'E']);
    whole.parse().ok().filter(fits).map(Some).ok_or(TokenRefusal::Malformed)
}
