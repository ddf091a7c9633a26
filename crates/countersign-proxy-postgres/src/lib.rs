//! How does an agent use a protected PostgreSQL? Through here, one judged statement at a time.

pub mod codec;
pub mod fuzzing;
