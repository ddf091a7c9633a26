//! What do tests stand on? A clock that they move, seeded randomness, a real gate on a real store in a folder that
//! goes away, and an upstream that counts. Only ever a dev-dependency.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test support")]

mod clock;
mod entropy;
mod faults;
mod key;
mod postgres;
mod upstream;
mod world;

pub use clock::FakeClock;
pub use entropy::SeededEntropy;
pub use faults::{FailFrom, FailOnce};
pub use key::LogKey;
pub use postgres::{Authority, Options as PostgresOptions, Postgres};
pub use upstream::{CountingUpstream, TestCall};
pub use world::{CONTENT_KEY, POLICY, World, WorldOptions};
