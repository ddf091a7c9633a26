//! What was asked, what the rules answered, what people said: the words of Countersign as types.
//!
//! This crate answers "may this transition happen, and what does it mean?". It is pure: it has no sockets, no
//! SQL, no async, and it never reads a clock or a random source; time and randomness arrive as parameters.
//! Every promise that can be a type is a type here: a [`Decision`] must be used, a [`Reviewer`] is not a
//! [`Principal`], and a [`Review`] moves only through [`Review::apply`].

mod action;
mod audit;
mod decision;
mod digest;
mod effect;
mod entropy;
mod grant;
mod id;
mod outcome;
mod preview;
mod principal;
mod record;
mod resource;
mod review;
mod reviewer;
mod time;
mod vote;

pub use action::{Action, Arguments, Draft, Scalar};
pub use audit::{AuditEntry, AuditPage, AuditQuery, AuditTimes, Bearing};
pub use decision::{Decision, Gate, Mask, MaskMode, Masked, Obligation, Plan, Reason, ReasonCode, Terms};
pub use digest::{Digest, DigestWriter};
pub use effect::{Effect, Effects, TooManyEffects, Verb};
pub use entropy::Entropy;
pub use grant::{Grant, GrantRefusal};
pub use id::{ActionId, AgentId, GrantId, IdError, PersonId, ReviewId, VoteId};
pub use outcome::{Outcome, Status};
pub use preview::{Cascade, Preview, Rows, Sample, SampleRow};
pub use principal::{Link, LinkKind, Principal, Standing};
pub use record::{ActionRecord, Notice, Page, PassedPage, PassedRecord, Query, TimelineEntry};
pub use resource::Resource;
pub use review::{Event, Opening, Refusal, Review, State, VoteRefusal};
pub use reviewer::Reviewer;
pub use time::{NotATime, Timestamp, span_text};
pub use vote::{Answer, Assurance, Ballot, Vote};
