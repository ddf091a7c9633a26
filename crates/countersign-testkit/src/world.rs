//! What is there to test against? A gate with its store, people and an agent, in a folder that can be reopened as
//! after a crash.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use countersign_core::{
    AgentId, Answer, Arguments, Assurance, Ballot, Digest, Draft, Effect, Effects, Entropy, PersonId,
    Principal, Resource, Review, ReviewId, Reviewer, State, Timestamp, Verb,
};
use countersign_gate::{Clock as _, Directory, Gate, Limits, Parts, VoteError, Wakers, Witness};
use countersign_identity::{Claims, Identity, NewAgent};
use countersign_ledger::note::Sign;
use countersign_policy::{Bundle, Live, Source};
use countersign_store::{ContentKey, Faults, Options, Store};
use tempfile::TempDir;

use crate::{FakeClock, LogKey, SeededEntropy};

/// Reads pass, deletes need one `dba`, privilege changes need two, exports are forbidden, nothing else is permitted.
pub const POLICY: &str = r#"
@id("everyday") permit (principal, action == Action::"read", resource);
@id("risky") permit (principal, action in [Action::"delete", Action::"privilege", Action::"export"], resource);
@id("no-export") forbid (principal, action == Action::"export", resource);
@id("ask-delete") @review("dba") @expires("10m") @claim_within("5m")
forbid (principal, action == Action::"delete", resource);
@id("ask-privilege") @review("dba") @quorum("2")
forbid (principal, action == Action::"privilege", resource);
"#;

/// The content key of every world.
pub const CONTENT_KEY: [u8; 32] = [6; 32];

/// How a world is made.
#[derive(Clone)]
pub struct WorldOptions {
    /// The policy text.
    pub policy: String,
    /// For fault tests.
    pub faults: Option<Arc<dyn Faults>>,
    /// Bounds.
    pub limits: Limits,
    /// Who signs the ledger.
    pub signer: Arc<dyn Sign>,
    /// Who cosigns it.
    pub witnesses: Vec<Arc<dyn Witness>>,
}

impl Default for WorldOptions {
    fn default() -> Self {
        Self {
            policy: POLICY.to_owned(),
            faults: None,
            limits: Limits::default(),
            signer: LogKey::new(),
            witnesses: Vec::new(),
        }
    }
}

impl std::fmt::Debug for WorldOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorldOptions").finish_non_exhaustive()
    }
}

/// A running gate and everybody around it.
#[derive(Debug)]
pub struct World {
    /// The gate.
    pub gate: Gate,
    /// Its store.
    pub store: Store,
    /// Who is known.
    pub identity: Arc<Identity>,
    /// The policy in force.
    pub policy: Arc<Live>,
    /// The time.
    pub clock: FakeClock,
    folder: PathBuf,
    /// Goes away with the last world in it.
    keep: Option<Arc<TempDir>>,
}

#[derive(Debug)]
struct StoreDirectory(Store);

impl Directory for StoreDirectory {
    fn groups(&self, person: PersonId) -> Option<BTreeSet<String>> {
        self.0.groups_of(person).unwrap()
    }

    fn agent_stands(&self, agent: AgentId, now: Timestamp) -> bool {
        self.0.agent_stands(agent, now).unwrap()
    }
}

const LONG: Duration = Duration::from_secs(365 * 24 * 3600);

impl World {
    /// A fresh world with the usual policy. People: `ada` and `bob` are `dba`, `olaf` owns the agent `batch` and is
    /// `dba` as well, `carl` is in no group.
    pub async fn new() -> Self {
        Self::with(WorldOptions::default()).await
    }

    /// A fresh world made otherwise.
    pub async fn with(options: WorldOptions) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        // People are added without faults, so that a test counts only its own writes.
        let calm = WorldOptions { faults: None, ..options.clone() };
        let mut first = Self::open(folder.path().to_owned(), FakeClock::default(), calm, 0).await;
        first.keep = Some(folder);
        let now = first.clock.now();
        for (name, groups) in
            [("ada", ["dba"].as_slice()), ("bob", &["dba"]), ("olaf", &["dba"]), ("carl", &[])]
        {
            let groups = groups.iter().map(|group| (*group).to_owned()).collect();
            first.identity.invite(name, groups, LONG, now).await.unwrap();
        }
        first.add_agent("batch", "olaf").await;
        if options.faults.is_none() {
            return first;
        }
        first.reopen_with(options).await
    }

    /// The world of a folder that another process made. `seed` must be another one than that process used.
    pub async fn at(folder: PathBuf, options: WorldOptions, seed: u64) -> Self {
        Self::open(folder, FakeClock::default(), options, seed).await
    }

    async fn open(folder: PathBuf, clock: FakeClock, options: WorldOptions, seed: u64) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(seed));
        let wakers = Wakers::default();
        let content_key = Arc::new(ContentKey::new(&CONTENT_KEY).expect("it has 32 bytes"));
        let mut open = Options::new(&folder, entropy.clone(), options.signer, content_key);
        open.on_commit = wakers.on_commit();
        open.faults = options.faults;
        let store = Store::open(&open).unwrap();
        let identity =
            Arc::new(Identity::new(store.clone(), entropy.clone(), "http://localhost:8811").unwrap());
        let source = Source { path: "test.cedar".to_owned(), text: options.policy };
        let policy = Arc::new(Live::new(Bundle::load(&[source]).expect("the test's policy is right")));
        let parts = Parts {
            store: store.clone(),
            wakers,
            policy: policy.clone(),
            directory: Arc::new(StoreDirectory(store.clone())),
            clock: Arc::new(clock.clone()),
            entropy,
            limits: options.limits,
            witnesses: options.witnesses,
            people_url: "http://localhost:8811".to_owned(),
        };
        let gate = Gate::start(parts).await.unwrap();
        Self { gate, store, identity, policy, clock, folder, keep: None }
    }

    /// The same folder in a new gate, as after the process was killed: nothing of the old one is asked.
    pub async fn reopen(&self) -> Self {
        self.reopen_with(WorldOptions::default()).await
    }

    /// The same, made otherwise.
    pub async fn reopen_with(&self, options: WorldOptions) -> Self {
        let mut seed = [0; 8];
        self.gate.entropy().fill(&mut seed);
        let folder = self.folder.clone();
        let mut world = Self::open(folder, self.clock.clone(), options, u64::from_be_bytes(seed)).await;
        world.keep.clone_from(&self.keep);
        world
    }

    /// The store's folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Adds an agent and returns its token.
    pub async fn add_agent(&self, name: &str, owner: &str) -> String {
        let new = NewAgent {
            name: name.to_owned(),
            owner: owner.to_owned(),
            on_behalf_of: None,
            teams: BTreeSet::new(),
            lifetime: LONG,
        };
        self.identity.add_agent(new, self.clock.now()).await.unwrap().1.to_string()
    }

    /// The agent with this name, as its token would make it.
    pub fn principal(&self, name: &str) -> Principal {
        let agent = self.store.agents().unwrap().into_iter().find(|agent| agent.name == name).unwrap();
        let owner = agent.owner;
        Principal {
            agent: agent.id,
            name: agent.name,
            teams: agent.teams,
            links: vec![countersign_core::Link {
                kind: countersign_core::LinkKind::Owner,
                name: owner.name,
                person: Some(owner.id),
                standing: countersign_core::Standing::Verified,
            }],
        }
    }

    /// An agent's principal by its token.
    pub async fn principal_by_token(&self, token: &str, claims: &Claims) -> Option<Principal> {
        self.identity.principal(token, claims, self.clock.now()).await.unwrap()
    }

    /// This person, signed in with this assurance, with the groups held now.
    pub fn reviewer_with(&self, name: &str, assurance: Assurance) -> Reviewer {
        let person = self.store.person_by_name(name).unwrap().unwrap();
        Reviewer::signed_in(person.id, person.name, person.groups, assurance)
    }

    /// This person, signed in with a link.
    pub fn reviewer(&self, name: &str) -> Reviewer {
        self.reviewer_with(name, Assurance::Session)
    }

    /// A request of the agent `batch` with this effect.
    pub fn draft(&self, verb: Verb, object: &str) -> Draft {
        let payload = format!("{{\"{verb}\":\"{object}\"}}").into_bytes();
        Draft {
            resource: Resource {
                name: "orders".to_owned(),
                protocol: "test".to_owned(),
                labels: [("env".to_owned(), "prod".to_owned())].into(),
            },
            principal: self.principal("batch"),
            operation: format!("{verb} {object}"),
            effects: Effects::new([Effect::new(verb, object)], object).unwrap(),
            sameness: Digest::of(&payload),
            payload,
            arguments: Arguments::new(),
            facts: BTreeMap::new(),
            preview: None,
            claim: None,
        }
    }

    /// The only review in this state; waits until there is one.
    pub async fn the_review(&self, state: State) -> Review {
        let mut notices = self.gate.notices(Some(0));
        loop {
            if let Some(id) = self.store.in_state(state).unwrap().first() {
                return self.store.review(*id).unwrap().unwrap();
            }
            notices.recv().await.unwrap();
        }
    }

    /// Waits until the review is in this state.
    pub async fn until(&self, review: ReviewId, state: State) {
        let mut notices = self.gate.notices(Some(0));
        while self.store.review(review).unwrap().unwrap().state != state {
            notices.recv().await.unwrap();
        }
    }

    /// Votes on the review as it stands.
    ///
    /// # Errors
    /// As [`Gate::vote`].
    pub async fn vote(&self, name: &str, review: &Review, answer: Answer) -> Result<Review, VoteError> {
        let ballot = Ballot {
            answer,
            reason: format!("{name} says {}", answer.word()),
            channel: "test".to_owned(),
            digest: review.digest,
            version: review.version,
        };
        self.gate.vote(&self.reviewer(name), review.id, ballot).await
    }
}
