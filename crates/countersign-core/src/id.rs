//! How are things named? With UUIDv7 newtypes, one per kind, shown with a prefix such as `rev_…`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Entropy, Timestamp};

/// The text was not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}` followed by 32 hexadecimal digits")]
pub struct IdError {
    text: String,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// What the shown form begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id: UUIDv7 (RFC 9562) of the given instant and 74 random bits.
            pub fn mint(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let mut random = [0_u8; 10];
                entropy.fill(&mut random);
                let millis = u64::try_from(now.as_micros() / 1000).unwrap_or(0);
                Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// When it was made, in whole milliseconds.
            pub fn minted_at(&self) -> Timestamp {
                let [a, b, c, d, e, f, ..] = *self.as_bytes();
                let millis = [0, 0, a, b, c, d, e, f];
                Timestamp::from_micros(i64::from_be_bytes(millis).saturating_mul(1000))
            }

            /// The sixteen bytes, as digested.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix($prefix)
                    .filter(|hex| hex.len() == 32)
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| IdError { text: text.chars().take(80).collect(), prefix: $prefix })
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }
    };
}

id!(/// One [`crate::Action`].
    ActionId, "act_");
id!(/// One [`crate::Review`].
    ReviewId, "rev_");
id!(/// One [`crate::Vote`].
    VoteId, "vot_");
id!(/// One [`crate::Grant`].
    GrantId, "grt_");
id!(/// One agent. Random, so it is a pseudonym: the name stands elsewhere and can be erased.
    AgentId, "agt_");
id!(/// One person. Random, so it is a pseudonym: the name stands elsewhere and can be erased.
    PersonId, "per_");
