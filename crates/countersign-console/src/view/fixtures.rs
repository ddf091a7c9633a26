//! A small world that never changes: one agent, its owner, two reviewers, and actions in several states.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use countersign_core::{
    Action, ActionId, ActionRecord, AgentId, Answer, Assurance, Ballot, Decision, Digest, Draft, Effect,
    Effects, Entropy, Event, Gate, GrantId, Link, LinkKind, Opening, Outcome, PersonId, Plan, Principal,
    Reason, ReasonCode, Resource, Review, ReviewId, Reviewer, Standing, Status, Terms, TimelineEntry,
    Timestamp, Verb, VoteId,
};

mod audit;
mod passed;
mod touching;

/// The same bytes for the same seed.
#[derive(Debug)]
pub(crate) struct Seed(pub(crate) u8);

impl Entropy for Seed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

/// 2026-11-22T03:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_316_400_000_000);

/// Makes the world as it is at `now`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    pub(crate) now: Timestamp,
}

/// What one action of the world differs in.
pub(crate) struct Wish<'a> {
    pub(crate) seed: u8,
    pub(crate) minutes_ago: i64,
    pub(crate) operation: &'a str,
    pub(crate) resource: (&'a str, &'a str),
    pub(crate) effects: &'a [(Verb, &'a str)],
    pub(crate) payload: &'a [u8],
    pub(crate) claim: Option<&'a str>,
}

pub(crate) const DELETE: &[u8] = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"delete_rows","arguments":{"table":"customers","where":{"last_seen_before":"2019-01-01","balance":0.10},"limit":9007199254740993,"dry_run":false}}}"#;

impl World {
    pub(crate) fn person(seed: u8) -> PersonId {
        PersonId::mint(NOW, &Seed(seed))
    }

    pub(crate) fn reviewer(seed: u8, name: &str, groups: &[&str], assurance: Assurance) -> Reviewer {
        let groups: BTreeSet<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        Reviewer::signed_in(Self::person(seed), name.to_owned(), groups, assurance)
    }

    pub(crate) fn ada() -> Reviewer {
        Self::reviewer(1, "Ada Park", &["dba", "reviewers"], Assurance::Session)
    }

    pub(crate) fn ben() -> Reviewer {
        Self::reviewer(2, "Ben Osei", &["dba"], Assurance::Passkey)
    }

    fn before(self, minutes: i64) -> Timestamp {
        Timestamp::from_micros(self.now.as_micros() - minutes * 60_000_000)
    }

    fn principal() -> Principal {
        let link =
            |kind, name: &str, person, standing| Link { kind, name: name.to_owned(), person, standing };
        Principal {
            agent: AgentId::mint(NOW, &Seed(9)),
            name: "nightly-cleanup".to_owned(),
            teams: ["data".to_owned()].into(),
            links: vec![
                link(LinkKind::Owner, "Olga Reyes", Some(Self::person(3)), Standing::Verified),
                link(LinkKind::Model, "opus-next", None, Standing::Claimed),
                link(LinkKind::Client, "cleanup-runner 2.1", None, Standing::Claimed),
            ],
        }
    }

    fn draft(wish: &Wish<'_>) -> Draft {
        let effects = wish.effects.iter().map(|(verb, object)| Effect::new(*verb, *object));
        Draft {
            resource: Resource {
                name: wish.resource.0.to_owned(),
                protocol: "mcp".to_owned(),
                labels: BTreeMap::from([
                    ("env".to_owned(), wish.resource.1.to_owned()),
                    ("region".to_owned(), "eu-west".to_owned()),
                ]),
            },
            principal: Self::principal(),
            operation: wish.operation.to_owned(),
            effects: Effects::new(effects, "?").unwrap(),
            payload: wish.payload.to_vec(),
            sameness: Digest::of(wish.payload),
            arguments: BTreeMap::new(),
            facts: BTreeMap::from([("tool definition".to_owned(), Digest::of(b"tool").to_string())]),
            preview: None,
            claim: wish.claim.map(str::to_owned),
        }
    }

    pub(crate) fn action(self, wish: &Wish<'_>) -> Action {
        self.bound(Self::draft(wish), wish.seed, wish.minutes_ago)
    }

    fn bound(self, draft: Draft, seed: u8, minutes_ago: i64) -> Action {
        let received_at = self.before(minutes_ago);
        Action::bind(draft, Digest::of(b"policy"), ActionId::mint(received_at, &Seed(seed)), received_at)
    }

    pub(crate) fn plan(quorum: u16, assurance: Assurance) -> Plan {
        let gate = Gate { quorum, assurance, policies: ["prod-delete".to_owned()].into() };
        Plan {
            gates: BTreeMap::from([("dba".to_owned(), gate)]),
            pending_for: Duration::from_secs(30 * 60),
            claim_within: Plan::CLAIM_WITHIN,
            grant_for: Plan::GRANT_FOR,
            witnesses: 0,
            reasons: BTreeMap::from([(
                "prod-delete".to_owned(),
                "Deleting from production needs a database administrator".to_owned(),
            )]),
            terms: Terms::default(),
        }
    }

    pub(crate) fn asked(self, wish: &Wish<'_>, plan: Plan) -> ActionRecord {
        Self::opened(self.action(wish), wish.seed, plan)
    }

    fn opened(action: Action, seed: u8, plan: Plan) -> ActionRecord {
        let opening = Opening {
            id: ReviewId::mint(action.received_at(), &Seed(seed)),
            action: action.id(),
            digest: action.digest(),
            plan: plan.clone(),
            requesters: action.principal().requesters(),
            claimed: action.principal().claimed_requesters(),
        };
        let review = Review::open(opening, action.received_at());
        ActionRecord {
            action,
            decision: Decision::Review(plan),
            review: Some(review),
            outcome: None,
            result: None,
        }
    }

    pub(crate) fn pending(self) -> ActionRecord {
        let wish = Wish {
            seed: 20,
            minutes_ago: 12,
            operation: "tools/call delete_rows",
            resource: ("orders", "prod"),
            effects: &[(Verb::Delete, "customers"), (Verb::Read, "customers")],
            payload: DELETE,
            claim: Some("Monthly cleanup of inactive customers, approved by legal last week."),
        };
        self.asked(&wish, Self::plan(2, Assurance::Session))
    }

    /// The same with one approval.
    pub(crate) fn half_approved(self) -> ActionRecord {
        self.voted(
            self.pending(),
            &Self::ben(),
            Answer::Approve,
            "Matches OPS-112, checked the count: 412 rows",
        )
    }

    pub(crate) fn disguised(self) -> ActionRecord {
        let payload = "{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{\"name\":\"run\",\"arguments\":{\
            \"command\":\"rm -rf /tmp/\u{202E}gol.\u{2066}// c\u{43E}ldstart\u{200B}\\u202e\",\"command\":\"ls  \",\"note\":\"line one\\nline two\\tend \"}}}";
        let wish = Wish {
            seed: 21,
            minutes_ago: 3,
            operation: "tools/call run",
            resource: ("build-host", "staging"),
            effects: &[(Verb::Execute, "shell")],
            payload: payload.as_bytes(),
            claim: Some("<script>alert(1)</script> please just approve \u{202E}this"),
        };
        self.asked(&wish, Self::plan(1, Assurance::Passkey))
    }

    pub(crate) fn too_large(self) -> ActionRecord {
        let payload = format!("{{\"text\":\"{}\"}}", "lorem ipsum ".repeat(25_000));
        let wish = Wish {
            seed: 22,
            minutes_ago: 5,
            operation: "tools/call write_file",
            resource: ("files", "test"),
            effects: &[(Verb::Write, "notes.txt")],
            payload: payload.as_bytes(),
            claim: None,
        };
        self.asked(&wish, Self::plan(1, Assurance::Session))
    }

    fn earlier(self, seed: u8, minutes_ago: i64) -> ActionRecord {
        let wish = Wish {
            seed,
            minutes_ago,
            operation: "tools/call delete_rows",
            resource: ("orders", "prod"),
            effects: &[(Verb::Delete, "customers")],
            payload: DELETE,
            claim: None,
        };
        let asked = self.asked(&wish, Self::plan(1, Assurance::Session));
        let approved = self.voted(asked, &Self::ben(), Answer::Approve, "as planned");
        self.settled(approved, Status::Executed)
    }

    pub(crate) fn similar(self) -> Vec<ActionRecord> {
        let wish = Wish {
            seed: 32,
            minutes_ago: 2900,
            operation: "tools/call delete_rows",
            resource: ("orders", "prod"),
            effects: &[(Verb::Delete, "customers")],
            payload: DELETE,
            claim: None,
        };
        let asked = self.asked(&wish, Self::plan(1, Assurance::Session));
        vec![self.earlier(30, 1460), self.voted(asked, &Self::ada(), Answer::Deny, "wrong month")]
    }

    pub(crate) fn allowed(self) -> ActionRecord {
        let action = self.action(&Wish {
            seed: 40,
            minutes_ago: 4,
            operation: "tools/call list_tables",
            resource: ("orders", "prod"),
            effects: &[(Verb::Read, "schema")],
            payload: br#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_tables"}}"#,
            claim: None,
        });
        let terms = Terms { policies: ["team-data-reads".to_owned()].into(), ..Terms::default() };
        let outcome = Outcome {
            status: Status::Executed,
            result: Some(Digest::of(b"r")),
            rows: None,
            duration_us: 1840,
            note: None,
        };
        ActionRecord {
            action,
            decision: Decision::Allow(terms),
            review: None,
            outcome: Some(outcome),
            result: None,
        }
    }

    pub(crate) fn refused(self) -> ActionRecord {
        let action = self.action(&Wish {
            seed: 41,
            minutes_ago: 6,
            operation: "tools/call drop_table",
            resource: ("orders", "prod"),
            effects: &[(Verb::Schema, "customers"), (Verb::Delete, "customers")],
            payload: b"\xff\xfe not text \x00",
            claim: None,
        });
        let mut reason = Reason::new(ReasonCode::Forbidden, "dropping tables is never allowed here");
        reason.policies.insert("no-drop".to_owned());
        ActionRecord { action, decision: Decision::Deny(reason), review: None, outcome: None, result: None }
    }

    pub(crate) fn all(self) -> Vec<ActionRecord> {
        let mut all =
            vec![self.disguised(), self.allowed(), self.too_large(), self.refused(), self.half_approved()];
        all.extend(self.similar());
        all
    }

    pub(crate) fn voted(
        self,
        mut record: ActionRecord,
        by: &Reviewer,
        answer: Answer,
        reason: &str,
    ) -> ActionRecord {
        let review = record.review.take().unwrap();
        let at = review.opened_at.plus(Duration::from_secs(90));
        let ballot = Ballot {
            answer,
            reason: reason.to_owned(),
            channel: "console".to_owned(),
            digest: review.digest,
            version: review.version,
        };
        let vote = VoteId::mint(at, &Seed(50));
        let cast = Event::Cast { reviewer: by, ballot, vote, grant: GrantId::mint(at, &Seed(51)) };
        record.review = Some(review.apply(cast, at).unwrap());
        record
    }

    pub(crate) fn settled(self, mut record: ActionRecord, status: Status) -> ActionRecord {
        let review = record.review.take().unwrap();
        let at = review.opened_at.plus(Duration::from_secs(95));
        let claimed = review.apply(Event::Claim { digest: review.digest }, at).unwrap();
        record.review = Some(claimed.apply(Event::Settle(status), at).unwrap());
        record.outcome = Some(Outcome {
            status,
            result: Some(Digest::of(b"result")),
            rows: None,
            duration_us: 41_300,
            note: None,
        });
        record
    }
}
