//! What can an auditor take home? A folder with the log, the records of a period, receipts, statements, policies and
//! rights, a report to read, and everything that is needed to check all of it without us.
//!
//! [`pack`] writes one, [`check`] checks one. What the report counts is counted again from the records when it is
//! checked.

pub mod check;
pub mod framework;
pub mod manifest;
pub mod pack;
pub mod period;
pub mod record;
mod report;
pub mod rights;
pub mod statement;
pub mod summary;
#[cfg(test)]
mod testing;

pub use framework::Framework;
pub use period::Period;
pub use record::Record;
pub use summary::Summary;
