//! How do reviews move? One compare-and-swap on (id, version, digest) per change, with its entry and its notice.

use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    Action, ActionRecord, Ballot, Decision, Digest, Event, GrantId, Outcome, Refusal, Review, ReviewId,
    Reviewer, State, Timestamp, VoteId,
};
use countersign_ledger::Kind;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::actions::{self, Progress, Requested};
use crate::{Covered, Durability, Store, StoreError, Tx, entries};

/// What asking brought.
#[derive(Debug)]
pub enum Asked {
    /// A new review was opened.
    Opened(Review),
    /// The same request of the same principal is under review already, or its answer was not yet fetched.
    Attached(Review),
    /// The agent has this many pending reviews and may not open more.
    TooMany(u32),
}

/// What is to happen to a review.
#[derive(Debug, Clone)]
pub enum Move {
    /// A person answers.
    Cast {
        /// Who.
        reviewer: Reviewer,
        /// What.
        ballot: Ballot,
        /// The vote's id.
        vote: VoteId,
        /// The grant's id, should it come to one.
        grant: GrantId,
    },
    /// A clock may have ended.
    Tick,
    /// The requester takes it back.
    Cancel,
    /// The action is about to run: the version and digest that the claimer judged again.
    Claim {
        /// The digest of what would run.
        digest: Digest,
        /// The version that was judged again.
        version: u64,
    },
    /// The upstream answered, or nobody can say.
    Settle {
        /// What became of it.
        outcome: Outcome,
        /// The answer, kept until the caller has it.
        result: Vec<u8>,
    },
}

/// What a move brought.
#[derive(Debug)]
pub enum Advance {
    /// The review as it stands now.
    Moved(Review),
    /// A claim succeeded, and the entry that says so is under a signed checkpoint.
    Claimed(Review, Covered),
    /// The state machine refused; the review as it stands.
    Refused(Refusal, Review),
    /// Somebody else moved it first; look again.
    Stale(Review),
    /// There is no such review.
    NotFound,
}

impl Store {
    /// Opens the review of `action`, unless the same request is under review already.
    ///
    /// # Errors
    /// When it could not be recorded; the action must not run then.
    pub async fn open_review(
        &self,
        action: Arc<Action>,
        decision: Decision,
        review: Review,
        pending_max: u32,
        now: Timestamp,
    ) -> Result<Asked, StoreError> {
        self.write(Durability::Full, move |tx| {
            if let Some(found) = attached(tx.conn(), action.attach_key(), now)? {
                return Ok(Asked::Attached(found));
            }
            // The gateway's own questions are not counted against the agent that brought them up.
            let agent = if review.plan.asked_by_policy() {
                action.principal().agent.to_string()
            } else {
                "gateway".to_owned()
            };
            let open: u32 = tx
                .conn()
                .prepare_cached("SELECT count(*) FROM reviews WHERE agent_id = ?1 AND state = 'pending'")?
                .query_row([&agent], |row| row.get(0))?;
            if review.plan.asked_by_policy() && open >= pending_max {
                return Ok(Asked::TooMany(open));
            }
            let id = review.id.to_string();
            let case = review.action.to_string();
            let body = tx.sealed(&case, "reviews.body", &serde_json::to_vec(&review)?)?;
            let requested = Requested {
                action: &action,
                decision: &decision,
                body: &serde_json::to_string(&*action)?,
                judged: &serde_json::to_string(&decision)?,
                progress: Progress::Held,
                review: Some(&id),
                ended: None,
            };
            actions::insert(tx, &requested)?;
            tx.exec(
                "reviews",
                "INSERT INTO reviews (id, action_id, version, state, digest, attach_key, agent_id, opened_at,
                     deadline, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    id,
                    case,
                    signed(review.version),
                    review.state.word(),
                    review.digest.as_bytes(),
                    action.attach_key().as_bytes(),
                    agent,
                    now.as_micros(),
                    review.deadline().map(Timestamp::as_micros),
                    body,
                ],
            )?;
            let record = entries::opened(tx, &review, now);
            tx.append(&record, now)?;
            tx.tell(&review, now)?;
            Ok(Asked::Opened(review))
        })
        .await
    }

    /// The review that an action with this key belongs to, if it is still open or its answer was not fetched.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn attached(&self, attach_key: Digest, now: Timestamp) -> Result<Option<Review>, StoreError> {
        self.read(|conn| attached(conn, attach_key, now))
    }

    /// Moves a review, with its entry and notice, or says why not.
    ///
    /// # Errors
    /// When it could not be recorded; then nothing has moved. [`StoreError::Unsigned`] when a claim was recorded and no
    /// checkpoint over it could be signed: the action must not run then, and what became of it has to be settled.
    pub async fn advance(&self, id: ReviewId, step: Move, now: Timestamp) -> Result<Advance, StoreError> {
        let claims = matches!(step, Move::Claim { .. });
        let moved = move |tx: &mut Tx<'_>| {
            let advance = moved(tx, id, &step, now)?;
            Ok((advance, tx.size().saturating_sub(1)))
        };
        match self.write(Durability::Full, moved).await? {
            (Advance::Moved(review), entry) if claims => Ok(Advance::Claimed(review, self.covered(entry)?)),
            (advance, _) => Ok(advance),
        }
    }

    /// One review.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn review(&self, id: ReviewId) -> Result<Option<Review>, StoreError> {
        self.read(|conn| by_id(conn, id))
    }

    /// One review with its action.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn review_record(&self, id: ReviewId) -> Result<Option<ActionRecord>, StoreError> {
        self.read(|conn| {
            let Some(review) = by_id(conn, id)? else { return Ok(None) };
            actions::by_id(conn, review.action)
        })
    }

    /// When the earliest running clock ends.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn next_deadline(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|conn| {
            let micros: Option<i64> = conn
                .prepare_cached("SELECT min(deadline) FROM reviews WHERE deadline IS NOT NULL")?
                .query_row([], |row| row.get(0))?;
            Ok(micros.map(Timestamp::from_micros))
        })
    }

    /// Reviews whose running clock has ended, earliest first.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn due(&self, now: Timestamp, limit: u16) -> Result<Vec<ReviewId>, StoreError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT id FROM reviews WHERE deadline <= ?1 ORDER BY deadline LIMIT ?2")?
                .query_map(params![now.as_micros(), limit], |row| row.get::<_, String>(0))?
                .map(|id| actions::parse("review", &id?))
                .collect()
        })
    }

    /// Reviews in this state.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn in_state(&self, state: State) -> Result<Vec<ReviewId>, StoreError> {
        self.read(|conn| {
            conn.prepare_cached("SELECT id FROM reviews WHERE state = ?1 ORDER BY opened_at")?
                .query_map([state.word()], |row| row.get::<_, String>(0))?
                .map(|id| actions::parse("review", &id?))
                .collect()
        })
    }

    /// Notes that the caller has the final answer: the same request asked again is a new question.
    ///
    /// # Errors
    /// When it could not be recorded; the caller may then get the same answer again.
    pub async fn delivered(&self, id: ReviewId) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let sql = "UPDATE reviews SET delivered = 1 WHERE id = ?1";
            tx.exec("reviews.delivered", sql, [id.to_string()])?;
            Ok(())
        })
        .await
    }

    /// Records once per person and version that a person opened the review.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn viewed(
        &self,
        id: ReviewId,
        by: Reviewer,
        version: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let Some(review) = by_id(tx.conn(), id)? else { return Ok(()) };
            let new = tx.exec(
                "views",
                "INSERT OR IGNORE INTO views (review_id, person, version) VALUES (?1, ?2, ?3)",
                params![id.to_string(), by.person().to_string(), signed(version)],
            )?;
            if new == 1 {
                let record = entries::viewed(tx, &review, by.person(), by.name(), now);
                tx.append(&record, now)?;
            }
            Ok(())
        })
        .await
    }
}

impl Store {
    /// Records that a person wanted to vote and may not, once for each person and review: auditors look for who tried.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn vote_refused(
        &self,
        id: ReviewId,
        by: Reviewer,
        why: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(Durability::Relaxed, move |tx| {
            let Some(review) = by_id(tx.conn(), id)? else { return Ok(()) };
            let sql = "SELECT EXISTS (SELECT 1 FROM entries WHERE case_id = ?1 AND kind = ?2
                           AND CAST(leaf AS TEXT) ->> '$.actor.id' = ?3)";
            let noted =
                params![review.action.to_string(), Kind::ApprovalRefused.word(), by.person().to_string()];
            if !tx.conn().prepare_cached(sql)?.query_row(noted, |row| row.get::<_, bool>(0))? {
                let record = entries::refused(tx, &review, &by, &why, now);
                tx.append(&record, now)?;
            }
            Ok(())
        })
        .await
    }
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn event(step: &Move) -> Event<'_> {
    match step {
        Move::Cast { reviewer, ballot, vote, grant } => {
            Event::Cast { reviewer, ballot: ballot.clone(), vote: *vote, grant: *grant }
        }
        Move::Tick => Event::Tick,
        Move::Cancel => Event::Cancel,
        Move::Claim { digest, .. } => Event::Claim { digest: *digest },
        Move::Settle { outcome, .. } => Event::Settle(outcome.status),
    }
}

/// The compare-and-swap. The writer is alone in its process, but not on the file.
fn swap(tx: &mut Tx<'_>, before: &Review, after: &Review) -> Result<bool, StoreError> {
    let body = tx.sealed(&before.action.to_string(), "reviews.body", &serde_json::to_vec(after)?)?;
    let changed = tx.exec(
        "reviews.swap",
        "UPDATE reviews SET version = ?4, state = ?5, deadline = ?6, body = ?7
         WHERE id = ?1 AND version = ?2 AND digest = ?3",
        params![
            before.id.to_string(),
            signed(before.version),
            before.digest.as_bytes(),
            signed(after.version),
            after.state.word(),
            after.deadline().map(Timestamp::as_micros),
            body,
        ],
    )?;
    Ok(changed == 1)
}

fn moved(tx: &mut Tx<'_>, id: ReviewId, step: &Move, now: Timestamp) -> Result<Advance, StoreError> {
    let Some(before) = by_id(tx.conn(), id)? else { return Ok(Advance::NotFound) };
    if matches!(step, Move::Claim { version, .. } if *version != before.version) {
        return Ok(Advance::Stale(before));
    }
    let after = match before.apply(event(step), now) {
        Ok(after) => after,
        Err(refusal) => return Ok(Advance::Refused(refusal, before)),
    };
    if !swap(tx, &before, &after)? {
        return Ok(Advance::Stale(before));
    }
    follow(tx, step, &after, now)?;
    tx.tell(&after, now)?;
    Ok(Advance::Moved(after))
}

/// What else a move changes, and how it reads in the ledger.
fn follow(tx: &mut Tx<'_>, step: &Move, after: &Review, now: Timestamp) -> Result<(), StoreError> {
    let record = match step {
        Move::Cast { .. } => {
            let id = || StoreError::Corrupt { what: "review", id: after.id.to_string() };
            let vote = after.votes.last().ok_or_else(id)?;
            entries::voted(tx, after, vote, now)?
        }
        Move::Tick if after.state == State::Lapsed => entries::moved(tx, Kind::ApprovalLapsed, after, now),
        Move::Tick => entries::moved(tx, Kind::ApprovalExpired, after, now),
        Move::Cancel => entries::moved(tx, Kind::ApprovalCancelled, after, now),
        Move::Claim { .. } => entries::moved(tx, Kind::ActionReleased, after, now),
        Move::Settle { outcome, result } => {
            actions::end(tx, after.action, outcome, Some(result), now)?;
            entries::settled(tx, &after.action, Some(after), outcome, now)
        }
    };
    tx.append(&record, now)?;
    match after.state {
        State::Claimed => actions::set_progress(tx, after.action, Progress::Released),
        State::Denied | State::Expired | State::Cancelled | State::Lapsed => {
            actions::set_progress(tx, after.action, Progress::Ended)
        }
        State::Pending | State::Approved | State::Executed | State::Failed | State::Unknown => Ok(()),
    }
}

pub(crate) fn from_body(body: &[u8]) -> Result<Review, StoreError> {
    let start = || String::from_utf8_lossy(body).chars().take(60).collect();
    serde_json::from_slice(body).map_err(|_cause| StoreError::Corrupt { what: "review", id: start() })
}

/// A review's JSON, where `r` is its row and `k` the key of its action.
pub(crate) const OPENED_BODY: &str = "opened(r.action_id, k.wrapped, 'reviews.body', r.body)";

pub(crate) fn by_id(conn: &Connection, id: ReviewId) -> Result<Option<Review>, StoreError> {
    let sql =
        format!("SELECT {OPENED_BODY} FROM reviews r JOIN keys k ON k.owner = r.action_id WHERE r.id = ?1");
    conn.prepare_cached(&sql)?
        .query_row([id.to_string()], |row| row.get::<_, Vec<u8>>(0))
        .optional()?
        .as_deref()
        .map(from_body)
        .transpose()
}

/// A final answer that nobody fetched waits this long for its caller; then the same request is a new question.
const ANSWER_WAITS: Duration = Duration::from_secs(24 * 3600);

fn attached(conn: &Connection, key: Digest, now: Timestamp) -> Result<Option<Review>, StoreError> {
    let found: Option<(Vec<u8>, bool)> = conn
        .prepare_cached(
            // By order of arrival: a clock that was set back must not bring an older review to the top.
            &format!(
                "SELECT {OPENED_BODY}, r.delivered FROM reviews r JOIN actions a ON a.id = r.action_id
                 JOIN keys k ON k.owner = r.action_id WHERE r.attach_key = ?1 ORDER BY a.seq DESC LIMIT 1"
            ),
        )?
        .query_row([key.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((body, delivered)) = found else { return Ok(None) };
    let review = from_body(&body)?;
    // A denial stands until the question would have expired: asking again must not wake people again.
    let stands = review.state == State::Denied && now < review.pending_until;
    let fresh = now < review.decided_at.unwrap_or(review.pending_until).plus(ANSWER_WAITS);
    Ok((!review.state.is_final() || (!delivered && fresh) || stands).then_some(review))
}
