//! How does an agent use a protected PostgreSQL? Through here, one judged statement at a time.

pub mod cancel;
pub mod codec;
pub mod fuzzing;
pub mod login;
pub mod tls;
pub mod wire;
