//! What can people do? Read, vote, and nothing else.

use countersign_core::{
    ActionId, ActionRecord, Answer, AuditPage, AuditQuery, AuditTimes, Ballot, Digest, GrantId, Page,
    PassedPage, PassedRecord, PersonId, Query, Refusal, Review, ReviewId, Reviewer, State, TimelineEntry,
    VoteId, VoteRefusal,
};
use countersign_ledger::receipt::Receipt;
use countersign_policy::ReviewQuestion;
use countersign_store::{Advance, Move, Reader, Remembered};

use crate::{Gate, GateError};

/// Why a vote changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum VoteError {
    /// There is no such review.
    #[error("there is no such review")]
    NotFound,
    /// It is no longer open.
    #[error("the review is {}", .0.word())]
    NotPending(State),
    /// The rules of voting refuse it.
    #[error(transparent)]
    Refused(#[from] VoteRefusal),
    /// Policy refuses it.
    #[error("policy does not let you vote on this: {0}")]
    Policy(String),
    /// The store failed.
    #[error(transparent)]
    Gate(#[from] GateError),
}

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recall {
    /// Nothing: go on, then [`Gate::remember`].
    New,
    /// The same request was answered so.
    Same {
        /// HTTP status.
        status: u16,
        /// HTTP body.
        body: Vec<u8>,
    },
    /// The key was used for another request.
    OtherRequest,
}

impl Gate {
    /// Casts a person's vote on exactly the digest and version that the ballot names.
    ///
    /// # Errors
    /// [`VoteError`]; the review is as it was.
    pub async fn vote(
        &self,
        reviewer: &Reviewer,
        review: ReviewId,
        ballot: Ballot,
    ) -> Result<Review, VoteError> {
        let record = self.review(review).await?.ok_or(VoteError::NotFound)?;
        if ballot.digest != record.action.digest() {
            return Err(VoteRefusal::OtherDigest.into());
        }
        if let Err(error) = self.may_vote(reviewer, &record, ballot.answer) {
            return Err(self.note_refusal(reviewer, review, error).await);
        }
        let now = self.now();
        let cast = Move::Cast {
            reviewer: reviewer.clone(),
            vote: VoteId::mint(now, self.entropy().as_ref()),
            grant: GrantId::mint(now, self.entropy().as_ref()),
            ballot,
        };
        match self.store().advance(review, cast, now).await.map_err(GateError::from)? {
            Advance::Moved(review) | Advance::Claimed(review, _) => {
                self.0.deadlines.notify_one();
                Ok(review)
            }
            Advance::Refused(Refusal::Vote(refusal), _) => Err(refusal.into()),
            Advance::Refused(_, review) | Advance::Stale(review) => Err(VoteError::NotPending(review.state)),
            Advance::NotFound => Err(VoteError::NotFound),
        }
    }

    /// Who tried to vote without the right to leaves a trace; who came late or answers twice does not.
    async fn note_refusal(&self, reviewer: &Reviewer, review: ReviewId, error: VoteError) -> VoteError {
        let trace = match &error {
            VoteError::Policy(_) => true,
            VoteError::Refused(refusal) => matches!(
                refusal,
                VoteRefusal::Requester
                    | VoteRefusal::ClaimedRequester
                    | VoteRefusal::NotAsked
                    | VoteRefusal::AssuranceTooLow(_)
            ),
            VoteError::NotFound | VoteError::NotPending(_) | VoteError::Gate(_) => false,
        };
        if trace {
            let noted = self.store().vote_refused(review, reviewer.clone(), error.to_string(), self.now());
            if let Err(failed) = noted.await {
                tracing::warn!(error = &failed as &dyn std::error::Error, "a refused vote was not recorded");
            }
        }
        error
    }

    /// Whether this person's answer would count now, for the vote itself and for pages that offer buttons.
    ///
    /// # Errors
    /// The [`VoteError`] that the vote would meet.
    pub fn may_vote(
        &self,
        reviewer: &Reviewer,
        record: &ActionRecord,
        answer: Answer,
    ) -> Result<(), VoteError> {
        let review = record.review.as_ref().ok_or(VoteError::NotFound)?;
        if review.state != State::Pending {
            return Err(VoteError::NotPending(review.state));
        }
        review.eligible(reviewer, answer, self.now())?;
        let question = ReviewQuestion { review, action: &record.action, answer };
        self.0.parts.policy.current().may_vote(reviewer, &question).map_err(VoteError::Policy)
    }

    /// A page of actions, newest first, without their payloads and results; [`Gate::action`] has the whole.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn records(&self, query: Query) -> Result<Page<ActionRecord>, GateError> {
        Ok(self.store().records(query).await?)
    }

    /// A page of actions that passed because policy allows them whatever their parameters are, newest first. They
    /// stand apart from [`Gate::records`], which has every other action. A page ends when it is full, or when enough
    /// was looked at.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn passed_records(&self, query: Query) -> Result<PassedPage, GateError> {
        Ok(self.store().passed_records(query).await?)
    }

    /// One of them.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn passed_record(&self, action: ActionId) -> Result<Option<PassedRecord>, GateError> {
        Ok(self.store().passed_record(action).await?)
    }

    /// One review with its action.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn review(&self, review: ReviewId) -> Result<Option<ActionRecord>, GateError> {
        Ok(self.store().review_record(review)?)
    }

    /// One action.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn action(&self, action: ActionId) -> Result<Option<ActionRecord>, GateError> {
        self.store().catch_up().await;
        Ok(self.store().action(action)?)
    }

    /// One action's story, entry by entry.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn timeline(&self, action: ActionId) -> Result<Vec<TimelineEntry>, GateError> {
        Ok(self.store().timeline(action).await?)
    }

    /// What proves to anybody what became of an action, and now also that this person read it. `None` when it has no
    /// entries of its own.
    ///
    /// # Errors
    /// When the store can't be used, or the ledger's head can't be signed.
    pub async fn receipt(&self, reader: &Reviewer, action: ActionId) -> Result<Option<Receipt>, GateError> {
        let reader = Reader::Person { id: reader.person(), name: reader.name().to_owned() };
        Ok(self.store().read_receipt(action, reader, self.now()).await?)
    }

    /// A page of the ledger's entries, newest first. It ends when it is full, or when enough was looked at.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn audit(&self, query: AuditQuery) -> Result<AuditPage, GateError> {
        Ok(self.store().audit(query).await?)
    }

    /// When the entries of a search were made, as far back as is looked at once.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn audit_times(&self, query: AuditQuery) -> Result<AuditTimes, GateError> {
        Ok(self.store().audit_times(query).await?)
    }

    /// The verifier key of the ledger.
    pub fn log_key(&self) -> String {
        self.store().log_key()
    }

    /// Records that a person opened the review, once per person and version.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn viewed(&self, reviewer: &Reviewer, review: ReviewId, version: u64) -> Result<(), GateError> {
        Ok(self.store().viewed(review, reviewer.clone(), version, self.now()).await?)
    }

    /// What is known of this person's idempotency key.
    ///
    /// # Errors
    /// When the store can't be read.
    pub async fn recall(&self, person: PersonId, key: &str, request: Digest) -> Result<Recall, GateError> {
        Ok(match self.store().recall(person, key)? {
            None => Recall::New,
            Some(known) if known.request == request => {
                Recall::Same { status: known.status, body: known.body }
            }
            Some(_) => Recall::OtherRequest,
        })
    }

    /// Stores the answer to a request with an idempotency key. The first answer stays.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn remember(
        &self,
        person: PersonId,
        key: &str,
        request: Digest,
        status: u16,
        body: Vec<u8>,
    ) -> Result<(), GateError> {
        let answer = Remembered { request, status, body };
        Ok(self.store().remember(person, key.to_owned(), answer, self.now()).await?)
    }
}
