//! What do the rules say about one action? Cedar policies: loaded, linted, indexed and asked.
//!
//! One text holds three kinds of statement (docs/POLICY.md). **H**: what may be done at all, every `permit` and
//! every plain `forbid`. **S**: `forbid` with `@review`, which people can lift. **O**: `permit` with
//! `@obligation`, which grants nothing and only sets conditions. For each effect of an action: an error anywhere
//! denies; H denies, so it is denied; H allows and nothing of S matches, so it is allowed under the terms of O;
//! otherwise people are asked. The answers for all effects join to the most restrictive.
//!
//! This crate is pure: texts and questions in, findings and decisions out. It watches no files, reads no clock,
//! and knows nothing of reviews beyond whether a person may vote.

mod annotation;
mod bundle;
mod detect;
mod finding;
mod index;
mod judge;
mod limits;
mod live;
mod slice;
mod standing;
mod vote;
mod world;

pub use bundle::{Bundle, Source, Statement};
pub use detect::DETECTORS;
pub use finding::{Finding, nearest};
pub use judge::Question;
pub use live::{Change, Live};
pub use vote::ReviewQuestion;

#[cfg(test)]
mod tests;
